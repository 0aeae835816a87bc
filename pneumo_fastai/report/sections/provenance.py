"The section on how to get the same numbers: command, versions, seeds, hashes."
from ...runs.checksums import hashes
from ..html import tag
from ..registry import section

MACHINE = ('system', 'processor', 'cores', 'device', 'precision', 'python')
MADE_OF = ('predictions.csv', 'split.csv', 'rejected.csv', 'experiment.toml', 'environment.json', 'model/model.json')  # of each fold


def files(run):
    "Whose hashes are given: all of a run's; of a cross-validation the folder's own, and of each fold what the page was made of."
    if not run.folds: return None
    return [*(o for o in run.folder.iterdir() if o.name != 'lock'), *(fold.folder/name for fold in run.folds for name in MADE_OF)]


def begun(run):
    "The row of the weights that training started from, where they were not random; folds all start from the same."
    of = (*run.folds, run)[0].environment.get('weights') or {}
    if 'given' in of: yield 'weights to start from', of['given'] + (f', SHA-256 {of["sha256"]}' if of.get('sha256') else '')


def exactly(run):
    "The rows of whether the same command gives the same bytes, and of where training was gone on with."
    for of in (*run.folds, run):
        at = f' of {of.fold}' if of.fold else ''
        for r in of.environment.get('resumed', ()):
            yield f'interrupted{at}', f'gone on with at epoch {r["epoch"]}, step {r["step"]}' + ''.join(
                f'; another {what}: {after} after {before}' for what, (before, after) in r['other'].items())
    unsure = (*run.folds, run)[0].environment.get('not_deterministic')
    if unsure is not None: yield 'not repeated to the bit by this device', ', '.join(unsure) or 'nothing'


@section('provenance', 'Reproducing the numbers', 150, numbers=False)
def provenance(page, run, metrics):
    "Rows: the networks of an ensemble, the machine and its packages, the files with their hashes."
    env = run.environment
    def code(text): return tag('code', text)
    return dict(
        networks=[(i, code(n['folder']), n['command'], code(n['sha256'])) for i, n in enumerate(env.get('networks', ()), 1)],
        machine=[*((k, env[k]) for k in MACHINE if k in env), *env.get('packages', {}).items(), *begun(run), *exactly(run)],
        sums=[(code(name), f'{size:,}', code(sha)) for name, size, sha in hashes(run.folder, files=files(run))])
