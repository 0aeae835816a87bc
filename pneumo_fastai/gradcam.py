"python -m pneumo_fastai.gradcam: where a finished run looked, scored against boxes and checked for sanity."
import sys
from pathlib import Path

from .cli import check_resampling, run
from .errors import InputError
from .memory import keep_freed
from .runs.files import read_json
from .screen import bar

RUNS = "a run's folder; after it, runs to compare its maps with: another seed, or one trained on shuffled labels"


def gradcam(
    *runs:RUNS,
    layers:str = '',         # layers whose maps are fused, such as layer3,layer4; those of the run's recipe unless given
    method:str = None,       # gradcam, gradcam++, hirescam or layercam; that of the run's recipe unless given
    n_boot:int = 1000,       # resamples of patients behind the intervals of differences
    seed:int = 0,            # of the resamples
    worst:int = 100,         # images in top_losses.html, those with the greatest loss; 0 for all of test
    cache:str = None,        # where decoded images are kept; the user's cache folder unless given
):
    "Write a finished run's heatmaps, their scores and the pages that show them into its folder."
    from .report.terminal import read, show_maps
    from .runs.folder import check_different, ended, read_run
    if worst < 0: raise InputError(f'worst is {worst}; give a number of images, or 0 for all of test')
    check_resampling(n_boot, seed)
    keep_freed()
    check_different([ended(read_run(folder)) for folder in runs])
    read_json(Path(runs[0])/'metrics.json')  # what the report is written from once more
    with bar('maps') as tick:
        from .explain.evaluation import explain_run
        from .explain.gradcam import names
        from .report.written import present_again
        found = explain_run(runs[0], names(layers), method, runs[1:], None, cache, n_boot, seed, tick, worst=worst)
    show_maps(found)
    read(present_again(runs[0]))


if __name__ == '__main__':
    sys.exit(run(gradcam))
