"Runs on one split as one model: a deep ensemble (Lakshminarayanan et al. 2017, arXiv:1612.01474), from their saved files alone."
import json
import shutil
from dataclasses import asdict

import pandas as pd

from ..data import signatures
from ..errors import InputError
from ..evaluation.uncertainty import mutual_information
from ..models.zoo import DESCRIBED
from ..report.written import measure, present
from ..runs.agreement import differing
from ..runs.checksums import SUMS, write_sums
from ..runs.environment import hardware, machine
from ..runs.facts import WEIGHTS, place
from ..runs.files import sha256
from ..runs.folder import ended, new_folder, read_run
from ..runs.tables import write_table
from ..writing import whole, write
from .bundle import Bundle
from .export import export

# what an input, a probability or a map means
SAME = *DESCRIBED, 'aspect', 'any_view', 'grey', 'class_weights', 'effective_beta', 'oversample', 'box_guidance', 'guided_by'


def combine(
    folders,  # of two or more finished runs with one split
    out,      # the folder that gets the new one
    command,  # as typed
):
    "The ensemble's `Run` and metrics, in a new folder like that of a run; `InputError` where the runs do not go together."
    runs, bundles = [trained(read_run(f)) for f in folders], [Bundle.load(f) for f in folders]
    check_alike(runs, bundles)
    folder = new_folder(out, 'ensemble')
    write_parts(folder, runs, command)
    saved = read_run(folder)
    metrics = measure(saved)
    export(saved, metrics, bundles, disagreement_90=usual_disagreement(saved))
    present(saved, metrics)
    write_sums(folder)
    return saved, metrics


def trained(run):
    "The run, ended; `InputError` for one that is another's model, adapted or measured elsewhere."
    if run.of: raise InputError(f'{run.folder} is the model of {run.of["folder"]} on other images; give that run')
    return ended(run)


def check_alike(runs, bundles):
    "`InputError` that says what differs, unless the runs are single networks, no two the same, on one split and with one kind of input."
    if len(runs) < 2: raise InputError('an ensemble takes two or more runs; give their folders')
    seen = {}
    for run, bundle in zip(runs, bundles, strict=True):
        if bundle.recipe.get('members', 1) > 1: raise InputError(f'{run.folder} is an ensemble itself; give the runs it is made of')
        if (twin := seen.setdefault(sha256(place(run.folder)/WEIGHTS), run)) is not run:
            raise InputError(f'{twin.folder} and {run.folder} hold the same network; give each once')
        for key in SAME:
            a, b = (str(r.recipe[key]) for r in (runs[0], run))
            if a != b: raise InputError(f'{key} is {a} in {runs[0].folder} and {b} in {run.folder}; an ensemble needs runs with one {key}')
        check_same(runs[0], run)


def check_same(first, other):
    "`InputError` unless split.csv of both has the same images, each in one split, of one patient, with one label."
    a, b = (run.cohort.set_index('path').sort_index() for run in (first, other))
    between = f'{first.folder} and {other.folder}'
    if differ := set(a.index) ^ set(b.index):
        raise InputError(f'{between} differ in {len(differ)} images, one is {min(differ)!r}; an ensemble needs runs with one split.csv')
    for column, paths in differing(a, b):
        one = paths[0]
        raise InputError(f'{between} have {len(paths)} images with another {column}, one is {one!r} ({a.loc[one, column]!r} and '
                         f'{b.loc[one, column]!r}); an ensemble needs runs with one split.csv')


def write_parts(folder, runs, command):
    "What a run's folder holds before anything is measured, with members.csv beside."
    first, n = runs[0], len(runs)
    for name in ('split.csv', 'rejected.csv', 'experiment.toml', signatures.FILE):
        if not (first.folder/name).is_file(): continue
        with whole(folder/name) as beside: shutil.copyfile(first.folder/name, beside)
    tables = [run.predictions.set_index('path')['probability'] for run in runs]
    rows = first.predictions.set_index('path', drop=False)
    each = pd.DataFrame({f'network_{i}': t.reindex(rows.index) for i, t in enumerate(tables, 1)})
    members, mean = rows[['path', 'split']].join(each), rows.assign(probability=each.mean(axis=1))
    for name, table in (('members.csv', members), ('predictions.csv', mean)): write_table(folder/name, table)
    names = ', '.join(dict.fromkeys(run.name for run in runs))
    networks = [dict(folder=str(run.folder), command=run.environment.get('command', 'not stated'), sha256=sha256(place(run.folder)/WEIGHTS),
                     seed=run.experiment.seed, recipe=asdict(run.experiment), training=run.environment.get('training'),
                     hardware=hardware(run.environment)) for run in runs]
    packages = {k: v for k, v in machine('cpu').items() if k in ('system', 'python', 'packages')}  # nothing was trained here
    environment = dict(command=command, experiment=f'ensemble of {n} networks ({names})', data=first.data, networks=networks,
                       checksums=SUMS, **packages)
    write(folder/'environment.json', json.dumps(environment, indent=1))


def usual_disagreement(saved):
    "What nine in ten images of valid do not exceed."
    table = saved.members['ensemble']
    valid = table[table['split'] == 'valid'].drop(columns='split').to_numpy().T
    return float(pd.Series(mutual_information(valid)).quantile(.9))
