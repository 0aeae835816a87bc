"A run's folder as data: what fit saved of it, read back without the images, and the hash of every file."
import hashlib
import json
import os
import re
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd

from ..errors import InputError
from ..experiment import Experiment, load_experiment
from .cohort import SPLITS
from .disagreement import read_members
from .subgroups import read_split
from .summary import read_predictions

STAMP = re.compile(r'-\d{8}-\d{6}(-\d+)?$')
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
    members:dict = field(default_factory=dict)  # the probability by each copy or network, as `disagreement.read_members` gives them

    @property
    def title(self): return f'{self.name} on {self.data["name"]}'
    @property
    def synthetic(self): return self.data['synthetic']
    @property
    def recipe(self):
        "Settings by name; where the networks of an ensemble have several, all of them."
        of = [n['recipe'] for n in self.environment.get('networks', ())]
        several = {k: list(dict.fromkeys(r[k] for r in of if k in r)) for k in asdict(self.experiment)}
        return {k: ', '.join(map(str, several[k])) if len(several[k]) > 1 else v for k, v in asdict(self.experiment).items()}
    @property
    def splits(self): return SPLITS
    @property
    def fold(self):
        "Like 'fold 2 of 5', where the run is one of a cross-validation; else None."
        found = FOLD.search(self.name)
        return found and found[1]


def read_json(path):
    "What the file holds; `InputError` where it is no JSON object."
    try: value = json.loads(path.read_text(encoding='utf-8'))
    except (UnicodeDecodeError, json.JSONDecodeError) as e: raise InputError(f'{path} is no JSON ({e}); fit writes it anew') from None
    if not isinstance(value, dict): raise InputError(f'{path} holds no JSON object; fit writes it anew')
    return value


def about_data(folder, environment):
    "name, layout, synthetic and notes of the data; runs of before these were in environment.json have the first two in metrics.json."
    if isinstance(data := environment.get('data'), dict): return dict(dict(layout=None, notes=[]), **data)
    metrics = read_json(folder/'metrics.json') if (folder/'metrics.json').is_file() else {}
    if 'synthetic' not in metrics:
        raise InputError(f'neither environment.json nor metrics.json in {folder} says what the data are; train the run anew with fit')
    return dict(name=metrics.get('data', 'data'), layout=None, synthetic=bool(metrics['synthetic']), notes=[])


def optional_table(path, columns):
    "The table, or an empty one with these columns where there is no such file or nothing in it."
    try: return pd.read_csv(path)
    except (FileNotFoundError, pd.errors.EmptyDataError): return pd.DataFrame(columns=columns)
    except (pd.errors.ParserError, UnicodeDecodeError) as e: raise InputError(f'{path} is no table ({e}); give a CSV') from None


def is_cross_validation(folder):
    "Whether fit made it with --folds; a fold within is a run like any other."
    recipe = Path(folder)/'experiment.toml'
    return recipe.is_file() and not (Path(folder)/'predictions.csv').exists() and load_experiment(recipe)[1].folds > 0


def read_run(
    folder,  # that fit wrote
) -> Run:
    "Raises `InputError` where `folder` is none, or a file that every run has is absent or cannot be read."
    folder = Path(folder)
    if not folder.is_dir(): raise InputError(f'{folder} is no folder; give one that fit wrote, such as runs/weighted-...')
    if is_cross_validation(folder):
        raise InputError(f'{folder} is a whole cross-validation; give its folds, such as {folder}/fold-1, or single runs')
    for name in ('predictions.csv', 'split.csv', 'experiment.toml', 'environment.json'):
        if not (folder/name).is_file(): raise InputError(f'{folder} holds no {name}; give a finished run of fit, or a fold in it')
    environment, predictions = read_json(folder/'environment.json'), read_predictions(folder/'predictions.csv')
    return Run(folder, environment.get('experiment') or STAMP.sub('', folder.resolve().name), about_data(folder, environment),
               predictions, read_split(folder/'split.csv'),
               optional_table(folder/'history.csv', ['epoch']), optional_table(folder/'rejected.csv', ['path', 'reason']),
               load_experiment(folder/'experiment.toml')[1], environment, read_members(folder, predictions))


def class_weights(run, labels=None):
    "(of negatives, of positives): images/(2 x images of the class), by the labels of train unless given; None where the loss weighed none."
    n = (run.cohort.loc[run.cohort['split'] == 'train', 'label'] if labels is None else labels).value_counts()
    if run.experiment.class_weights != 'balanced' or len(n) < 2: return None
    return tuple(float(n.sum()/(2*n[c])) for c in (0, 1))


def hashes(
    folder,
    leave=('report.html',),  # which cannot hold its own hash
    files=None,              # their paths; all unless given
):
    "(name, bytes, SHA-256) of each file of the run, by name."
    files = Path(folder).rglob('*') if files is None else files
    files = [p for p in sorted(files) if p.is_file() and not p.name.startswith('.') and p.suffix != '.partial']
    return [(p.relative_to(folder).as_posix(), p.stat().st_size, sha256(p)) for p in files if p.name not in leave]


def sha256(path):
    with open(path, 'rb') as file: return hashlib.file_digest(file, 'sha256').hexdigest()


def chosen_since(folder):
    "threshold, threshold_from and calibrator of the run's model where `evaluate` may have chosen them anew; empty where no file says so."
    for name, part in (('metrics.json', lambda found: found), ('cv.json', lambda found: found.get('ensemble'))):
        if not (Path(folder)/name).is_file() or not (now := part(read_json(Path(folder)/name))): continue
        return dict(threshold=now['threshold']['value'], threshold_from=now['threshold']['rule'], calibrator=now['calibration']['chosen'])
    return {}


@contextmanager
def whole(path):
    "The path of a file beside, with the same ending, that becomes `path` when all is well and vanishes when not."
    path = Path(path)
    beside = path.with_name(f'.{os.getpid()}-{path.name}')
    try:
        yield beside
        beside.replace(path)
    finally: beside.unlink(missing_ok=True)


def write(path, text):
    "The whole file or none of it; returns the path."
    with whole(path) as beside: beside.write_text(text, encoding='utf-8')
    return Path(path)
