"python -m pneumo_fastai.predict: what a run's network says of new files."
import sys

from .cli import check_out, run
from .errors import Failed
from .memory import keep_freed
from .screen import note

SHOWN = 40  # rows


def predict(
    model,              # the folder of a run, or of its model
    files,              # an image file; a folder of DICOM, PNG, JPEG files; @LIST, a file with a path a line; or -, such lines as input
    out:str = 'predictions.csv',  # the table's file: .csv, .jsonl (JSON lines) or .parquet; one that exists is not overwritten
    precision:str = 'float32',    # or bfloat16: faster where the processor has it, probabilities then differ by a few hundredths at most
):
    "Give each radiograph its probability of pneumonia and a set of classes, as a table on screen and in a file."
    from .data.listed import images_named
    from .inference.formats import first_rows, format_of
    from .inference.table import write_table
    from .report.terminal import show_predictions, written
    keep_freed()
    check_out(out, new=True)
    format_of(out)
    paths, others = images_named(files)
    rejected, warned, recipe = write_table(model, paths, out, precision)
    show_predictions(first_rows(out, SHOWN), len(paths), rejected, warned, recipe)
    if others: note(f'{others} files that are no DICOM, PNG or JPEG were left out')
    written(out)
    if rejected == len(paths): raise Failed(f'none of the {len(paths)} files could be read; {out} says why')
    return 3 if rejected else 0


predict.ends = 'Exit status: 0, all files were read; 3, some were rejected; 1, none could be read or it failed on the way; 2, bad input.'


if __name__ == '__main__':
    sys.exit(run(predict))
