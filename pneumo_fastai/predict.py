"python -m pneumo_fastai.predict: what a run's network says of new files."
import sys

from .cli import run


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
    from .screen import bar, console, note
    keep_freed()
    if Path(out).exists(): raise InputError(f'{out} exists; give another name with --out')
    if not Path(out).resolve().parent.is_dir(): raise InputError(f'{Path(out).parent} is no folder; give --out in one that exists')
    paths, others = images_in(files)
    with bar('reading and predicting') as tick:
        tick(0, len(paths))
        from torch.cuda import is_available

        from .inference.bundle import Bundle
        bundle = Bundle.load(model, precision, 'cuda' if is_available() else 'cpu')
        frame = bundle.table(paths, tick=lambda done: tick(done, len(paths)))
    frame.to_csv(out, index=False, float_format='%.8g', errors='backslashreplace')
    show(frame, bundle.recipe)
    if others: note(f'{others} files that are no DICOM, PNG or JPEG were left out')
    console.print(f'written: {out}', soft_wrap=True, markup=False)
    if frame.probability.isna().all(): raise InputError(f'none of the {len(frame)} files could be read; {out} says why')


def show(frame, recipe, most=40):
    "The first rows, what the threshold is, and how far to trust a probability."
    from pathlib import Path

    from .screen import console, note, table
    n = recipe.get('members', 1)
    numbers = ['calibrated', 'disagreement'] if n > 1 else ['calibrated']
    rows = [(Path(r.path).name, *((*(f'{getattr(r, k):.3f}' for k in numbers), r.prediction) if r.reason is None
                                  else (*'-'*len(numbers), f'rejected: {r.reason}'))) for r in frame.head(most).itertuples()]
    synthetic = ', trained on synthetic data' if recipe['synthetic'] else ''
    table(f'{recipe["experiment"]} on {recipe["data"]}{synthetic}', ['file', 'calibrated probability', *numbers[1:], 'prediction'], rows)
    if len(frame) > most: console.print(f'and {len(frame) - most} more, in the CSV')
    if rejected := frame.reason.notna().sum(): note(f'{rejected} of {len(frame)} files', 'rejected')
    if unlike := frame.warning.notna().sum():
        note(f'{unlike} of {len(frame)} images have grey levels unlike those of training, their probabilities mean little; the first: '
             f'{Path(frame.path[frame.warning.notna()].iloc[0]).name}. The column warning says how', 'warning')
    from .evaluation.calibration import apply
    console.print(f'pneumonia at or above {float(apply(recipe["calibrator"], recipe["threshold"])):.3f} ({recipe["threshold_from"]}); '
                  f'calibration: {recipe["calibrator"]["method"]}')
    if n > 1:
        usual = f'; nine in ten images of valid are at or below {recipe["disagreement_90"]:.3f}' if 'disagreement_90' in recipe else ''
        console.print(f'disagreement: how far the {n} networks differ on the image (mutual information in nats, 0 where all say the same, '
                      f'0.69 at most){usual}')


if __name__ == '__main__':
    sys.exit(run(predict))
