"""A bundle's folder `model/` predicts without torch and fastai: numpy, pydicom, imagecodecs and onnxruntime are all it needs.

    python -m venv small && small/bin/pip install numpy pydicom imagecodecs onnxruntime
    PYTHONPATH=. small/bin/python -m pneumo_fastai.inference.portable MODEL FILE...

run where this package's folder lies, which need not be installed; or in a program `load('model').predict('film.dcm')`, which says what
`pneumo_fastai.inference.load` says, probabilities within 1e-4. Reads DICOM files; PNG and JPEG files, and progressive JPEG within a DICOM,
where Pillow is installed too. With Pillow decoding is faster, and no different.
"""
import os
import sys

import numpy as np

from ..data.decoding.dicom import UnreadableImage
from ..data.layout import Layout
from ..data.likeness import unlike
from ..errors import InputError, readable
from ..runs import facts
from .decision import NO_NUMBER, Prediction, decided, read

AT_ONCE = 16  # images


def load(
    run,  # the folder of a run or a bundle
) -> 'Portable':
    "Raises `InputError` where a file of it is not there or damaged."
    folder = facts.place(run)
    found = facts.read(folder)
    if facts.ONNX not in found['files']: raise InputError(f'{folder} holds no {facts.ONNX}; export the run anew, or predict with torch')
    try:
        import onnxruntime
    except ImportError as e: raise InputError('onnxruntime is not installed, which reads model.onnx: pip install onnxruntime') from e
    return Portable(onnxruntime.InferenceSession(folder/facts.ONNX, providers=['CPUExecutionProvider']), facts.flat(found))


class Portable:
    "Not changed by what it is asked, so that several threads may ask at once."
    def __init__(self, session, recipe):
        self.session, self.recipe, layout = session, recipe, recipe.get('layout')
        self.layout = Layout(layout) if layout else lambda image: None

    def predict(
        self,
        paths,  # of a DICOM file, or a list of them
    ):
        "A `Prediction`, or a list of them for a list. Raises `UnreadableImage` for the first that gives no image; `rows` goes on."
        if isinstance(paths, str | os.PathLike): return self.predict([paths])[0]
        return [self._prediction(row) for row in self.rows(paths)]

    def _prediction(self, row):
        if row['reason']: raise UnreadableImage(row['path'], row['reason'])
        said = {k: row[k] for k in ('probability', 'calibrated', 'prediction', 'set')}
        return Prediction(**said, warnings=row['warnings'], disagreement=row.get('disagreement'))

    def rows(self, paths):
        """Yields a dict a file, as a row of `Bundle.table`: path, probability, calibrated, disagreement of an ensemble, prediction, set,
        reason where it gives no image, and a tuple of warnings, without those of the network's features. Probabilities are then NaN,
        prediction and set None."""
        paths = list(map(os.fspath, paths))
        for start in range(0, len(paths), AT_ONCE): yield from self._batch(paths[start:start + AT_ONCE])

    def _batch(self, paths):
        images, doubts, reasons = {}, {}, {}
        for i, path in enumerate(paths):
            try: images[i], doubts[i] = read(self.recipe, path)
            except UnreadableImage as e: reasons[i] = e.reason
        each = np.full((self.recipe.get('members') or 1, len(paths)), np.nan)
        if images: each[:, list(images)] = self.of_pixels(np.stack(list(images.values())))
        found = decided(self.recipe, each)
        known = found.pop('known')
        for i, path in enumerate(paths):
            said = {k: v[i] if v.dtype == object else float(v[i]) for k, v in found.items()}
            yield dict(path=path, **said, reason=None if known[i] else reasons.get(i, NO_NUMBER),
                       warnings=self.unlike(images[i], doubts[i]) if i in images else ())

    def unlike(self, image, doubts): return *doubts, *filter(None, (unlike(image, self.recipe.get('grey')), self.layout(image)))

    def of_pixels(self, pixels) -> np.ndarray:
        "(members, n) probabilities of (n, size, size) uint8."
        return self.session.run(None, {'image': pixels})[0].T


def line(row) -> str:
    "A row in words, without what it does not have."
    name = readable(row['path'])
    if row['reason']: return f'{name}: not read, {row["reason"]}'
    said = f'{name}: {row["prediction"]}, probability {row["probability"]:.4f}, calibrated {row["calibrated"]:.4f}'
    return said + (f', set: {row["set"]}' if row['set'] else '') + ''.join(f', {said}' for said in row['warnings'])


def main(argv) -> int:
    "Prints a line a file; the exit status is that of `predict`: 0, all were read; 3, some; 1, none; 2, bad input."
    try:
        if len(argv) < 2: raise InputError('give the folder of a run or of its model, and DICOM files: MODEL FILE...')
        rows = []
        for row in load(argv[0]).rows(argv[1:]):
            rows.append(row['reason'])
            print(line(row), flush=True)
    except (InputError, OSError) as e:
        print(f'error: {readable(str(e))}', file=sys.stderr)
        return 2
    return 1 if all(rows) else 3 if any(rows) else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
