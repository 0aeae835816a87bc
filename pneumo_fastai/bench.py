"python -m pneumo_fastai.bench: how fast this machine is at each stretch, beside the plain way."
import sys
from pathlib import Path

from .checks import check_network
from .cli import check_out, run
from .errors import InputError
from .experiment import DATA, STEP, load_experiment
from .memory import keep_freed
from .screen import bar, table

USED = *DATA, *STEP, 'box_guidance', 'guided_by'  # of the recipe


def bench(
    out:str = 'bench.json',  # the figures' file, replaced where there is one
    data:str = 'demo',       # 'demo', or a folder of DICOMs, as for fit
    cache:str = None,        # where decoded images are kept; the user's cache folder unless given
    growth:str = None,       # instead: a folder for growth.json and growth.png, an epoch against images, size, threads and workers
    **overrides:USED,
):
    "Measure decoding, cache, loader, training and inference against the plain ways, in one run."
    _, experiment = load_experiment('weighted', **overrides)
    if growth and (out, data, cache) != ('bench.json', 'demo', None):
        raise InputError('--growth measures noise, into a folder of its own; leave out --out, --data and --cache')
    if growth: return grow(experiment, Path(growth), [k for k, v in overrides.items() if v is not None and k not in STEP])
    from .report.reading import cohort_ready
    from .report.terminal import written
    check_out(out)
    check_network(experiment)
    cohort = cohort_ready(data, experiment, cache, check_dicom)
    with bar('measuring') as tick:
        tick(0, 6)
        from .benchmarks.rates import save
        found = save(experiment, cohort, out, tick)
    title = f'rates at {experiment.size}x{experiment.size}, batch {experiment.batch_size}'
    table(title, ['what', 'here', 'the plain way', 'there', 'ratio'],
          [(r['what'], f'{r["rate"]:,.1f}', r['plain'], f'{r["plain_rate"]:,.1f}', f'{r["ratio"]:.2f}') for r in found['rows']])
    written(out)


def check_dicom(cohort):
    "`InputError` where any image of the cohort is a picture."
    from .data.layouts.common import PICTURES
    if pictures := [p for p in cohort.table.path if Path(p).suffix.lower() in PICTURES]:
        raise InputError(f'{len(pictures)} images are no DICOM, the first is {pictures[0]}; give --data of DICOMs alone')


def grow(experiment, out, asked):
    "growth.json and growth.png in the folder `out`; `InputError` where something was asked of the images, which are noise."
    if asked: raise InputError(f'--growth measures images of noise, to which {asked[0]} means nothing; it takes {", ".join(STEP)}')
    out.mkdir(parents=True, exist_ok=True)  # before the minutes of measuring
    keep_freed()
    with bar('measuring') as tick:
        from .benchmarks.growth import save
        from .report.terminal import written
        save(experiment, out, tick)
    written(out/'growth.json', out/'growth.png')


if __name__ == '__main__':
    sys.exit(run(bench))
