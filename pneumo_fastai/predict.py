"python -m pneumo_fastai.predict: what a run's network says of new files."
import sys

from .cli import check_out, run
from .errors import InputError
from .memory import keep_freed
from .screen import note


def predict(
    model,              # a run's folder, or its model.pt
    files,              # an image file, or a folder with DICOM, PNG and JPEG files in it
    out:str = 'predictions.csv',  # the table's file; one that exists is not overwritten
    precision:str = 'float32',    # or bfloat16: faster where the processor has it, probabilities then differ by a few hundredths at most
):
    "Give each radiograph its probability of pneumonia, as a table on screen and in a CSV file."
    from .data.cohort import images_in
    from .inference.table import write_table
    from .report.terminal import show_predictions, written
    keep_freed()
    check_out(out, new=True)
    paths, others = images_in(files)
    rejected, warned, recipe = write_table(model, paths, out, precision)
    show_predictions(out, len(paths), rejected, warned, recipe)
    if others: note(f'{others} files that are no DICOM, PNG or JPEG were left out')
    written(out)
    if rejected == len(paths): raise InputError(f'none of the {len(paths)} files could be read; {out} says why')


if __name__ == '__main__':
    sys.exit(run(predict))
