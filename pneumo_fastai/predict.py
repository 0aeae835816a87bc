"python -m pneumo_fastai.predict: what a run's network says of new files."
import sys
from pathlib import Path

from .cli import check_folder, check_out, run
from .errors import Failed, InputError
from .memory import keep_freed
from .screen import note

SHOWN = 40  # rows


def predict(
    model,              # the folder of a run, or of its model
    files,              # an image file; a folder of DICOM, PNG, JPEG files; @LIST, a file with a path a line; or -, such lines as input
    out:str = 'predictions.csv',  # the table's file, a new one: .csv, .jsonl (JSON lines) or .parquet; or a folder/, for a @LIST in parts
    heatmaps:str = None,  # a new or empty folder, which gets a picture for each image read: the radiograph under its heatmap
    precision:str = 'float32',    # or bfloat16: faster where the processor has it, probabilities then differ by a few hundredths at most
    cluster:str = None,   # parts: scored by dask://HOST:PORT or ray://HOST:PORT, whose workers see the same files, not by this machine
    jobs:int = None,      # parts: processes of this machine, of one thread each; as many as it has cores unless given
    part:int = 2000,      # parts: lines of the list in each
):
    "Give each radiograph its probability of pneumonia, a set of classes and warnings, as a table on screen and in a file."
    from .data.listed import images_named
    from .inference.formats import first_rows, format_of
    from .inference.table import write_table
    from .report.terminal import show_predictions, written
    keep_freed()
    if out.endswith('/') or Path(out).is_dir(): return in_parts(model, files, out, precision, cluster, jobs, part, heatmaps)
    if cluster or jobs: raise InputError('--cluster and --jobs are for a list in parts; give --out a folder/, and @LIST')
    check_out(out, new=True)
    format_of(out)
    draw = drawing(heatmaps, files, out) if heatmaps else None
    paths, others = images_named(files)
    rejected, warned, recipe = write_table(model, paths, out, precision, draw)
    show_predictions(first_rows(out, SHOWN), len(paths), rejected, warned, recipe)
    if others: note(f'{others} files that are no DICOM, PNG or JPEG were left out')
    written(out, *[heatmaps] * bool(heatmaps))
    if rejected == len(paths): raise Failed(f'none of the {len(paths)} files could be read; {out} says why')
    return 3 if rejected else 0


def in_parts(model, files, out, precision, cluster, jobs, part, heatmaps):
    "A list's table in parts."
    from .cluster import check
    from .data.parts import opened
    from .inference.archive import score_list
    from .inference.formats import format_of
    from .report.terminal import show_parts
    if not files.startswith('@'): raise InputError(f'{out} is a folder, for the parts of a list; give @LIST, a file with a path a line')
    if heatmaps: raise InputError('--heatmaps takes no list in parts; give --out a file')
    if part < 1: raise InputError(f'part is {part}; give a whole number from 1')
    check(cluster, jobs)
    opened(Path(files[1:]).expanduser()).close()
    format_of(Path(out)/'parts.parquet')
    check_folder(out)
    kept = score_list(model, files[1:], out, precision, part, cluster, jobs)
    show_parts(kept, out)
    if kept.rejected == kept.rows: raise Failed(f'none of the {kept.rows:,} files could be read; {out} says why')
    return 3 if kept.rejected else 0


def drawing(folder, files, out):
    """What makes the drawer of heatmaps for some paths. `InputError` unless the folder is new or empty, or there is what an interrupted
    prediction left: whether it drew into that folder, the journal tells."""
    there, images = Path(folder), Path(files)
    if images.is_dir() and there.resolve().is_relative_to(images.resolve()):
        raise InputError(f'{folder} lies in {files}, whose images the pictures would be taken for; give --heatmaps a folder elsewhere')
    if there.exists() and not there.is_dir(): raise InputError(f'{folder} is no folder; give --heatmaps a new or empty one')
    if there.is_dir() and any(there.iterdir()) and not Path(f'{out}.partial').is_file():
        raise InputError(f'{folder} is not empty; give --heatmaps a new or empty folder')
    check_folder(folder)
    def made(paths):
        from .explain.overlays import Overlays  # when it is needed: torch takes seconds
        return Overlays(folder, paths)
    return made


predict.ends = 'Exit status: 0, all files were read; 3, some were rejected; 1, none could be read or it failed on the way; 2, bad input.'


if __name__ == '__main__':
    sys.exit(run(predict))
