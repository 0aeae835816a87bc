"A trained model in another program: `load(run).predict(image)`, from as many threads as there are."
import os
from typing import TYPE_CHECKING, TypeAlias, overload

import numpy as np

from ..data.decoding.codecs import MAX_SIDE
from ..data.decoding.dicom import UnreadableImage, square
from ..errors import InputError
from .bundle import Bundle
from .decision import Prediction, reading
from .rows import framed

if TYPE_CHECKING:
    from pydicom import Dataset

Image:TypeAlias = 'str | os.PathLike | bytes | np.ndarray | Dataset'
AT_ONCE = 16  # images
TAKEN = "give a path, a file's bytes, a pydicom Dataset or a 2-D array, or a list of them"


def load(
    run:str|os.PathLike,      # the folder of a run, or of its model
    precision:str='float32',  # or 'bfloat16'
    device:str='cpu',         # or 'cuda'
) -> 'Model':
    "The run's model, ready to predict; raises `InputError` where there is none or it is damaged."
    return Model(Bundle.load(run, precision, device))


class Model:
    "A `Bundle` that is not changed by what it is asked, so that several threads may ask at once."
    def __init__(self, bundle:Bundle):
        self.bundle = bundle
        bundle.warm()

    @overload
    def predict(self, images:Image) -> Prediction: ...
    @overload
    def predict(self, images:'list[Image] | tuple[Image, ...]') -> list[Prediction]: ...

    def predict(
        self,
        images,  # one or a list
    ):
        """A `Prediction`, or a list of them for a list.

        An image is the path of a DICOM, PNG or JPEG file; the bytes of one; a pydicom `Dataset`, read as a file of it would be; or a
        2-D array, bright = dense: uint8, or floats from 0 (black) to 1. An array is taken as it is shown, without any window, and is made
        square as a picture is. Raises `InputError` for what is none of these and `UnreadableImage` for the first that gives no image, with
        its reason, and returns nothing then: `bundle.table(paths)` has a row for every file.
        """
        if not isinstance(images, list | tuple): return self._predictions([images])[0]
        return [p for i in range(0, len(images), AT_ONCE) for p in self._predictions(images[i:i + AT_ONCE])]

    def _predictions(self, images) -> list[Prediction]:
        pixels, doubts = zip(*map(self._read, images), strict=True)
        return self.judged(images, np.stack(pixels), doubts)

    def judged(
        self,
        images,  # what they are called in an error
        pixels,  # (n, size, size) uint8, as `Bundle.read` gives them
        doubts,  # for each what its header says against it
    ) -> list[Prediction]:
        "`predict` of images that were read before."
        each, warnings = self.bundle.judged(pixels, doubts)
        frame = framed(self.bundle.recipe, range(len(images)), each, {}, {})
        return [self._prediction(*of) for of in zip(images, warnings, frame.to_dict('records'), strict=True)]

    def _prediction(self, image, warnings, row) -> Prediction:
        if row['reason']: raise UnreadableImage(image if isinstance(image, str | os.PathLike) else 'the image', row['reason'])
        return Prediction(row['probability'], row['calibrated'], row['prediction'], row['set'], warnings, row.get('disagreement'))

    def _read(self, image) -> tuple[np.ndarray, tuple]:
        "As `Bundle.read` does."
        if isinstance(image, np.ndarray):
            size, aspect, _, grey = reading(self.bundle.recipe)
            return square(grey_of(image), size, aspect, grey=grey), ()
        if isinstance(image, str | os.PathLike): return self.bundle.read(os.fspath(image))
        if isinstance(image, bytes): return self.bundle.read(image)
        from pydicom import Dataset
        if not isinstance(image, Dataset): raise InputError(f'an image is a {type(image).__name__}; {TAKEN}')
        return self.bundle.read(image)


def grey_of(array) -> np.ndarray:
    "A 2-D array as uint8, floats from 0 to 1 rounded to its levels; `InputError` for any other."
    if array.ndim != 2 or not all(0 < n <= MAX_SIDE for n in array.shape):
        raise InputError(f'an array has shape {array.shape}; give one of 2 dimensions, of 1 to {MAX_SIDE} pixels each')
    if array.dtype == np.uint8: return np.ascontiguousarray(array)
    if array.dtype.kind != 'f': raise InputError(f'an array is of {array.dtype}; give uint8, or floats from 0 to 1')
    if not ((array >= 0) & (array <= 1)).all(): raise InputError('an array of floats has values that are not from 0 to 1; scale them to it')
    return np.round(255 * array.astype(np.float64)).astype(np.uint8)
