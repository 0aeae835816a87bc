"A run's folder as data: what fit saved of it, read back without the images and checked."
import re
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import pandas as pd

from ..data.counts import prevalence_weights
from ..data.split import HELD_OUT, unused
from ..errors import InputError
from ..experiment import Experiment, load_experiment
from . import external
from .agreement import doubts
from .checksums import SUMS, altered
from .environment import about_data, checked
from .files import read_json, sha256
from .state import check_done
from .tables import SPLITS, history_of, optional_table, read_members, read_predictions, read_split

NEVER = f'The run was made before runs had checksums ({SUMS}): whether its files are as they were then is not known.'
STAMP = re.compile(r'-\d{8}-\d{6}(-\d+)?$')
GRID = 'grid.json'  # what the members of a sweep are
TOLD = dict(elsewhere='measured on', adapted='adapted to')
OF_SPLITS = dict(run=0, adapted=1, elsewhere=2)  # its images are in `SPLITS` from there on
FOLD = re.compile(r', (fold \d+(?: of \d+)?)$')


@dataclass
class Run:
    "`data` has name, layout (or None), synthetic and notes; `history` and `rejected` are empty tables where the run saved none."
    folder:Path
    name:str                 # the experiment's
    data:dict
    predictions:pd.DataFrame
    cohort:pd.DataFrame      # split.csv: every image of the run
    history:pd.DataFrame
    rejected:pd.DataFrame
    experiment:Experiment
    environment:dict         # command, precision, device, versions; of an ensemble its `networks`: folder, command, recipe, sha256 of each
    members:dict = field(default_factory=dict)  # the probability by each copy or network, as `tables.read_members` gives them
    doubts:list = field(default_factory=list)  # what in its files is not as it was when the run ended, a sentence each
    folds:tuple = ()  # of a cross-validation a `Run` each
    of:dict = None    # of an evaluation elsewhere or an adaptation, what `external` says of the run whose model it is

    @property
    def title(self): return f'{self.name} on {self.source}' + (f', {TOLD[self.kind]} {self.data["name"]}' if self.of else '')
    @property
    def source(self): return self.of['data'] if self.of else self.data['name']  # what the network was trained on
    @property
    def adapted(self): return (self.of or {}).get('adapted')
    @property
    def kind(self): return 'adapted' if self.adapted else 'elsewhere' if self.of else 'run'
    @property
    def synthetic(self): return self.data['synthetic']
    @property
    def recipe(self):
        "Settings by name; where the networks of an ensemble have several, all of them."
        of = [n['recipe'] for n in self.environment.get('networks', ())]
        several = {k: list(dict.fromkeys(r[k] for r in of if k in r)) for k in asdict(self.experiment)}
        return {k: ', '.join(map(str, several[k])) if len(several[k]) > 1 else v for k, v in asdict(self.experiment).items()}
    @property
    def splits(self): return *SPLITS[OF_SPLITS[self.kind]:], *unused(self.cohort)
    @property
    def trained_on(self): return external.trained_on(self.of) if self.of else self.cohort[self.cohort['split'] == 'train']
    @property
    def not_random(self): return [o for o in self.data['notes'] if o.startswith(HELD_OUT)]  # which patients its test was made of
    def class_weights(self):
        "(of negatives, of positives): how much each counted in training, by loss or by sampling; None where as its images do."
        return prevalence_weights(self.experiment, self.trained_on)
    @property
    def fold(self):
        "Like 'fold 2 of 5', where the run is one of a cross-validation; else None."
        found = FOLD.search(self.name)
        return found and found[1]


def about(folder, environment):
    "`about_data`; runs of before it was in environment.json have some of it in metrics.json."
    metrics = folder/'metrics.json'
    return about_data(folder, environment, read_json(metrics) if 'data' not in environment and metrics.is_file() else {})


def is_sweep(folder): return (Path(folder)/GRID).is_file()


def is_cross_validation(folder):
    "Whether fit made it with --folds; a fold within is a run like any other."
    recipe = Path(folder)/'experiment.toml'
    return recipe.is_file() and not (Path(folder)/'predictions.csv').exists() and load_experiment(recipe)[1].folds > 0


def read_run(
    folder,       # that fit wrote
    force=False,  # where its files are not as they were when it ended, keep that in `Run.doubts` in place of raising
) -> Run:
    "Raises `InputError` where `folder` is none, or a file that every run has is absent, cannot be read, or is not as it was."
    folder = Path(folder)
    if not folder.is_dir(): raise InputError(f'{folder} is no folder; give one that fit wrote, such as runs/weighted-...')
    if is_cross_validation(folder):
        raise InputError(f'{folder} is a whole cross-validation; give its folds, such as {folder}/fold-1, or single runs')
    if is_sweep(folder): raise InputError(f'{folder} is a whole sweep; give it alone, or its members, a folder each')
    check_done(folder)
    for name in ('predictions.csv', 'split.csv', 'experiment.toml', 'environment.json'):
        if not (folder/name).is_file(): raise InputError(f'{folder} holds no {name}: it is no run or not finished; give a finished one')
    changed = altered(folder)
    try: run = parsed(folder)
    except InputError:
        if not force: refuse(folder, changed)
        raise
    run.doubts = [*changed, *doubts(run.predictions, run.cohort)]
    if not force: refuse(folder, run.doubts)
    return run


def parsed(folder):
    "The `Run`, whose files are each what they should be."
    environment, of = checked(read_json(folder/'environment.json'), folder), external.of(folder)
    predictions = read_predictions(folder/'predictions.csv', SPLITS[2:] if of and 'adapted' not in of else SPLITS[1:])
    return Run(folder, environment.get('experiment') or STAMP.sub('', folder.resolve().name), about(folder, environment),
               predictions, read_split(folder/'split.csv'), history_of(folder), optional_table(folder/'rejected.csv', ['path', 'reason']),
               load_experiment(folder/'experiment.toml')[1], environment, read_members(folder, predictions), of=of)


def changed_in(folder, force):
    "What of its files is not as it was when it ended, a sentence each; raises `InputError` for any, unless `force`."
    found = altered(folder)
    if not force: refuse(folder, found)
    return found


def refuse(folder, found):
    "`InputError` that says what was found, where anything was."
    if found: raise InputError(f'{folder}: {"; ".join(found)}; put it back as it was, or measure with evaluate --force: the report says so')


def ended(run, force=False):
    "The run, which `fit` or `ensemble` finished; where it has no checksums, that is a doubt or, in a run of before there were any, a note."
    if (run.folder/SUMS).is_file(): return run
    unfinished = f'is not finished, for it has no {SUMS}, which is written last; train it anew'
    if run.environment.get('checksums') and not force: raise InputError(f'{run.folder}: it {unfinished}')
    run.doubts.append(f'The run {unfinished}' if run.environment.get('checksums') else NEVER)
    return run


def check_different(runs):
    "`InputError` where two of them have the same predictions: beside itself a run says nothing."
    seen = {}
    for run in runs:
        if (twin := seen.setdefault(sha256(run.folder/'predictions.csv'), run)) is not run:
            raise InputError(f'{twin.folder} and {run.folder} have the same predictions.csv; give each run once')


def chosen(found):
    """threshold, threshold_from, calibrator and conformal (`fit_conformal` of valid), as model.json has them, of what metrics.json
    holds, or the ensemble of cv.json: conformal is None there, for a fold's limits hold for its own network alone."""
    threshold, sets = found['threshold'], found.get('uncertainty', {}).get('conformal', {})
    return dict(threshold=threshold['value'], threshold_from=threshold['rule'], calibrator=found['calibration']['chosen'],
                conformal=sets.get('fitted'))


def new_folder(out, name) -> Path:
    "`out`/<name>-<time>, newly made; never one that exists."
    stem = f'{name}-{datetime.now():%Y%m%d-%H%M%S}'
    for n in range(1, 1000):
        folder = Path(out)/(stem if n == 1 else f'{stem}-{n}')
        try: folder.mkdir(parents=True)
        except FileExistsError: continue
        except OSError as e: raise InputError(f'{folder} cannot be made ({e.strerror}); give another place with --out') from e
        return folder.resolve()
    raise FileExistsError(folder)
