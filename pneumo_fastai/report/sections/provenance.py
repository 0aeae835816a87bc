"The section on how to get the same numbers: command, versions, seeds, hashes."
from ...runs.checksums import hashes
from ..html import join, p, tag
from ..registry import BOTH, Parts, section

SEEDS = dict(seed='of weights, order of images and augmentation', split_seed='of the split by patient')


def networks(page, run):
    "Which trained networks an ensemble is made of."
    rows = [(i, tag('code', n['folder']), n['command'], tag('code', n['sha256'])) for i, n in
            enumerate(run.environment.get('networks', ()), 1)]
    return page.table(('network', 'run', 'trained by', 'SHA-256 of its model.pt'), rows, wide=(1, 2, 3), class_='hashes',
                      numbers=False) if rows else ''


INTERVALS = ('Wilson score, of as many independent images as the variance over patients says (AUROC: Obuchowski 1997); losses on the scale '
             'of the logarithm; differences by paired bootstrap over patients')


MADE_OF = ('predictions.csv', 'split.csv', 'rejected.csv', 'experiment.toml', 'environment.json', 'model.pt')  # of each fold


def files(run):
    "Whose hashes are given: all of a run's; of a cross-validation the folder's own, and of each fold what the page was made of."
    if not run.folds: return None
    return [*(o for o in run.folder.iterdir() if o.name != 'lock'), *(fold.folder/name for fold in run.folds for name in MADE_OF)]


@section('provenance', 'Reproducing the numbers', 150, on=BOTH, numbers=False)
def provenance(page, run, metrics):
    env = run.environment
    packages = env.get('packages', {})
    rows = [(k, env[k]) for k in ('system', 'processor', 'cores', 'device', 'precision', 'python') if k in env]
    rows += [*packages.items(), *((k.replace('_', ' '), f'{run.recipe[k]} ({why})') for k, why in SEEDS.items()),
             ('intervals', INTERVALS),
             ('seed of what is resampled', f'{metrics["choices"]["seed"]} ({metrics["choices"]["n_boot"]:,} resamples of patients)')]
    sums = [(tag('code', name), f'{size:,}', tag('code', sha)) for name, size, sha in hashes(run.folder, files=files(run))]
    again = p('This one measures anew from the saved predictions, without images and without training:')
    content = join([tag('pre', env.get('command', 'not stated')), again, evaluate_command(metrics)])
    return Parts('The first command made the run.', content=content, folded=(
        ('Networks of the ensemble', networks(page, run)),
        ('Machine, versions, seeds', page.table(('machine, versions, seeds', ''), rows, wide=(1,), numbers=False)),
        ('Files and their SHA-256', page.table(('file of the run', 'bytes', 'SHA-256'), sums, 'A file whose hash is another is not the one '
                                               'this page was made of.', class_='hashes', numbers=False))))


def evaluate_command(metrics):
    "What to type to get these numbers again from the run's folder."
    c, point = metrics['choices'], metrics['choices']['rule']
    if point in ('sensitivity', 'specificity'): point += f'={c[point]:g}'
    if point == 'cost': point += f'={c["miss"]/c["alarm"]:g}'
    prevalence = '' if c['prevalence'] is None else f' --prevalence {c["prevalence"]:g}'
    return tag('pre', f'python -m pneumo_fastai.evaluate RUN --operating-point {point} --error {c["error_rate"]:g} '
                      f'--n-boot {c["n_boot"]} --seed {c["seed"]}{prevalence}')
