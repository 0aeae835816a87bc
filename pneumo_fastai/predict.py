"python -m pneumo_fastai.predict: what a run's network says of new files."
import sys

from .cli import check_out, run


def predict(
    model,              # a run's folder, or its model.pt
    files,              # an image file, or a folder with DICOM, PNG and JPEG files in it
    out:str = 'predictions.csv',  # the table's file; one that exists is not overwritten
    precision:str = 'float32',    # or bfloat16: faster where the processor has it, probabilities then differ by a few hundredths at most
):
    "Give each radiograph its probability of pneumonia, as a table on screen and in a CSV file."
    from pathlib import Path

    from .data.cohort import images_in
    from .errors import InputError
    from .memory import keep_freed
    from .screen import console, note
    keep_freed()
    if Path(out).exists(): raise InputError(f'{out} exists; give another name with --out')
    check_out(out)
    paths, others = images_in(files)
    rejected, warned, recipe = write_rows(model, paths, out, precision)
    show(out, len(paths), rejected, warned, recipe)
    if others: note(f'{others} files that are no DICOM, PNG or JPEG were left out')
    console.print(f'written: {out}', soft_wrap=True, markup=False)
    if rejected == len(paths): raise InputError(f'none of the {len(paths)} files could be read; {out} says why')


def write_rows(model, paths, out, precision):
    "The table of `paths`, batch by batch, after what an interruption left; how many are rejected or warned of, and the model's recipe."
    from .screen import bar, note
    with bar('reading and predicting') as tick:
        tick(0, len(paths))
        from torch.cuda import is_available

        from .csv_files import csv_text
        from .inference.bundle import Bundle
        from .inference.journal import journal, stamp
        bundle = Bundle.load(model, precision, 'cuda' if is_available() else 'cpu')
        about = dict(model=bundle.identity, device=bundle.device.type, files=stamp(paths))
        with journal(out, about) as kept:
            if kept.done: note(f'{kept.done:,} of {len(paths):,} files were done before an interruption; going on from there')
            for frame in bundle.tables(paths, start=kept.done):
                text = csv_text(frame, float_format='%.8g', header=not kept.done)
                kept.add(len(frame), int(frame.reason.notna().sum()), int(frame.warning.notna().sum()), text)
                tick(kept.done, len(paths))
    return kept.rejected, kept.warned, bundle.recipe


def show(out, n_files, rejected, warned, recipe, most=40):
    "The first rows, what the threshold is, and how far to trust a probability."
    from pathlib import Path

    from .csv_files import read_csv
    from .screen import console, note, table
    frame = read_csv(out, nrows=most, dtype=dict(path=str, prediction=object, reason=object), keep_default_na=False, na_values=[''])
    n = recipe.get('members', 1)
    numbers = ['calibrated', 'disagreement'] if n > 1 else ['calibrated']
    recipe = dict(experiment='a model', data='unknown data', synthetic=False, threshold_from='as given') | recipe
    rows = [(Path(r.path).name, *((*(f'{getattr(r, k):.3f}' for k in numbers), r.prediction) if isinstance(r.reason, float)
                                  else (*'-'*len(numbers), f'rejected: {r.reason}'))) for r in frame.itertuples()]
    synthetic = ', trained on synthetic data' if recipe['synthetic'] else ''
    table(f'{recipe["experiment"]} on {recipe["data"]}{synthetic}', ['file', 'calibrated probability', *numbers[1:], 'prediction'], rows)
    if n_files > most: console.print(f'and {n_files - most} more, in the CSV')
    if rejected: note(f'{rejected} of {n_files} files', 'rejected')
    if warned: note(f'{warned} of {n_files} images have grey levels unlike those of training; the column warning says how', 'warning')
    from .evaluation.calibrators import apply
    console.print(f'pneumonia at or above {float(apply(recipe["calibrator"], recipe["threshold"])):.3f} ({recipe["threshold_from"]}); '
                  f'calibration: {recipe["calibrator"]["method"]}')
    if n > 1:
        usual = f'; nine in ten images of valid are at or below {recipe["disagreement_90"]:.3f}' if 'disagreement_90' in recipe else ''
        console.print(f'disagreement: how far the {n} networks differ on the image (mutual information in nats, 0 where all say the same, '
                      f'0.69 at most){usual}')


if __name__ == '__main__':
    sys.exit(run(predict))
