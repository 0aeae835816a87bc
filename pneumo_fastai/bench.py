"python -m pneumo_fastai.bench: how fast this machine is at each stretch, beside the plain way."
import sys

from .cli import run


def bench(
    out:str = 'bench.json',  # the figures' file
    data:str = 'demo',       # 'demo', or a folder of DICOMs, as for fit
    cache:str = None,        # where decoded images are kept; the user's cache folder unless given
    **overrides,
):
    "Measure decoding, cache, loader, training and inference against the plain ways, in one run."
    import json
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from . import experiment as recipes
    from .screen import bar, cohort_ready, console, table
    _, experiment = recipes.load_experiment('weighted', **overrides)
    cohort = cohort_ready(data, experiment, cache)
    with bar('measuring') as tick, TemporaryDirectory() as folder:
        tick(0, 5)
        from .training import rates
        from .training.loaders import get_dls
        from .training.run import machine
        dls, paths, found = get_dls(experiment, cohort), list(cohort.table.path[:32]), []
        stages = [rates.decode_rows(paths, experiment.size), rates.cache_rows(cohort.pixels, experiment.batch_size),
                  rates.loader_rows(dls, experiment.batch_size), rates.training_rows(experiment, dls, folder),
                  rates.inference_rows(experiment, paths)]
        for n, stage in enumerate(stages, 1):
            found += [dict(what=what, rate=ours, plain=plain, plain_rate=theirs, ratio=ours / theirs)
                      for what, ours, plain, theirs in stage]
            tick(n, len(stages))
    about = dict(data=cohort.name, synthetic=cohort.synthetic, size=experiment.size, batch_size=experiment.batch_size)
    Path(out).write_text(json.dumps(dict(**about, machine=machine(dls.device), rows=found), indent=1))
    rows = [(r['what'], f'{r["rate"]:,.1f}', r['plain'], f'{r["plain_rate"]:,.1f}', f'{r["ratio"]:.2f}') for r in found]
    title = f'rates at {experiment.size}x{experiment.size}, batch {experiment.batch_size}'
    table(title, ['what', 'here', 'the plain way', 'there', 'ratio'], rows)
    console.print(f'written: {out}', soft_wrap=True)


if __name__ == '__main__':
    sys.exit(run(bench))
