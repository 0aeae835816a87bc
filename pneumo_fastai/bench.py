"python -m pneumo_fastai.bench: how fast this machine is at each stretch, beside the plain way."
import sys

from .cli import check_out, run


def bench(
    out:str = 'bench.json',  # the figures' file, replaced where there is one
    data:str = 'demo',       # 'demo', or a folder of DICOMs, as for fit
    cache:str = None,        # where decoded images are kept; the user's cache folder unless given
    growth:str = None,       # instead: a folder for growth.json and growth.png, an epoch against images, size, threads and workers
    **overrides,
):
    "Measure decoding, cache, loader, training and inference against the plain ways, in one run."
    import json
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from . import experiment as recipes
    from .errors import InputError
    from .screen import bar, cohort_ready, console, table
    _, experiment = recipes.load_experiment('weighted', **overrides)
    if growth and (out, data, cache) != ('bench.json', 'demo', None):
        raise InputError('--growth measures noise, into a folder of its own; leave out --out, --data and --cache')
    if growth: return grow(experiment, Path(growth))
    check_out(out)
    cohort = cohort_ready(data, experiment, cache, check_dicom)
    with bar('measuring') as tick, TemporaryDirectory() as folder:
        tick(0, 6)
        from .benchmarks.rates import measured
        from .runs.files import write
        found = measured(experiment, cohort, folder, tick)
    write(out, json.dumps(found, indent=1))
    title = f'rates at {experiment.size}x{experiment.size}, batch {experiment.batch_size}'
    table(title, ['what', 'here', 'the plain way', 'there', 'ratio'],
          [(r['what'], f'{r["rate"]:,.1f}', r['plain'], f'{r["plain_rate"]:,.1f}', f'{r["ratio"]:.2f}') for r in found['rows']])
    console.print(f'written: {out}', soft_wrap=True)


def check_dicom(cohort):
    "`InputError` where any image of the cohort is a picture."
    from pathlib import Path

    from .data.readers import PICTURES
    from .errors import InputError
    if pictures := [p for p in cohort.table.path if Path(p).suffix.lower() in PICTURES]:
        raise InputError(f'{len(pictures)} images are no DICOM, the first is {pictures[0]}; give --data of DICOMs alone')


def grow(experiment, out):
    "growth.json and growth.png in the folder `out`."
    import json
    from tempfile import TemporaryDirectory

    from .memory import keep_freed
    from .screen import bar, console
    out.mkdir(parents=True, exist_ok=True)  # before the minutes of measuring
    keep_freed()
    with bar('measuring') as tick, TemporaryDirectory() as folder:
        from .benchmarks.growth import draw, grown
        from .runs.files import write
        found = grown(experiment, folder, tick)
    write(out/'growth.json', json.dumps(found, indent=1))
    draw(found, out/'growth.png')
    console.print(f'written: {out/"growth.json"} and growth.png', soft_wrap=True)


if __name__ == '__main__':
    sys.exit(run(bench))
