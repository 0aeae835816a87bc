"python -m pneumo_fastai.bench: how fast this machine is at each stretch, beside the plain way."
import sys

from .cli import check_out, run
from .errors import InputError
from .experiment import DATA, STEP, load_experiment

USED = *DATA, *STEP, 'box_guidance'  # of the recipe


def bench(
    out:str = 'bench.json',  # the figures' file
    data:str = 'demo',       # 'demo', or a folder of DICOMs, as for fit
    cache:str = None,        # where decoded images are kept; the user's cache folder unless given
    growth:str = None,       # instead: a folder for growth.json and growth.png, an epoch against images, size, threads and workers
    **overrides:USED,
):
    "Measure decoding, cache, loader, training and inference against the plain ways, in one run."
    import json
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from .data.readers import PICTURES
    from .screen import bar, cohort_ready, console, table
    _, experiment = load_experiment('weighted', **overrides)
    if growth: return grow(experiment, Path(growth), overrides)
    check_out(out)
    cohort = cohort_ready(data, experiment, cache)
    if pictures := [p for p in cohort.table.path if Path(p).suffix.lower() in PICTURES]:
        raise InputError(f'{len(pictures)} images are no DICOM, the first is {pictures[0]}; give --data of DICOMs alone')
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


def grow(experiment, out, overrides):
    "growth.json and growth.png in the folder `out`; `InputError` where something was asked of the images, which are noise."
    if asked := [k for k, v in overrides.items() if v is not None and k not in STEP]:
        raise InputError(f'--growth measures images of noise, to which {asked[0]} means nothing; it takes {", ".join(STEP)}')
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
