"A run's folder as data: what fit saved of it, read back without the images and checked, and files that are written whole."
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
from .agreement import doubts
from .cohort import SPLITS
from .disagreement import read_members
from .saved import about_data, checked, history_of, optional_table
from .subgroups import read_split
from .summary import read_predictions

SUMS = 'SHA256SUMS'  # of a finished run's files, as coreutils' sha256sum writes and checks them
MADE_OF = ('predictions.csv', 'split.csv', 'rejected.csv', 'history.csv', 'members.csv', 'augmented.csv', 'experiment.toml',
           'environment.json', 'localization.json', 'persons.csv')  # what a report's numbers come from
NEVER = f'The run was made before runs had checksums ({SUMS}): whether its files are as they were then is not known.'
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
    doubts:list = field(default_factory=list)  # what in its files is not as it was when the run ended, a sentence each

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
    except FileNotFoundError: raise InputError(f'{path} does not exist; a finished run has one') from None
    except (UnicodeDecodeError, json.JSONDecodeError) as e: raise InputError(f'{path} is no JSON ({e}); fit writes it anew') from None
    if not isinstance(value, dict): raise InputError(f'{path} holds no JSON object; fit writes it anew')
    return value


def about(folder, environment):
    "`saved.about_data`; runs of before it was in environment.json have some of it in metrics.json."
    metrics = folder/'metrics.json'
    return about_data(folder, environment, read_json(metrics) if 'data' not in environment and metrics.is_file() else {})


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
    environment, predictions = checked(read_json(folder/'environment.json'), folder), read_predictions(folder/'predictions.csv')
    return Run(folder, environment.get('experiment') or STAMP.sub('', folder.resolve().name), about(folder, environment),
               predictions, read_split(folder/'split.csv'), history_of(folder), optional_table(folder/'rejected.csv', ['path', 'reason']),
               load_experiment(folder/'experiment.toml')[1], environment, read_members(folder, predictions))


def refuse(folder, found):
    "`InputError` that says what was found, where anything was."
    if found: raise InputError(f'{folder}: {"; ".join(found)}; put it back as it was, or measure with evaluate --force: the report says so')


def ended(run, force=False):
    "The run, which `fit` or `ensemble` finished; where it has no checksums, that is a doubt or, in a run of before there were any, a note."
    if (run.folder/SUMS).is_file(): return run
    unfinished = f'it is not finished, for it has no {SUMS}, which is written last; train it anew'
    if run.environment.get('checksums') and not force: refuse(run.folder, [unfinished])
    run.doubts.append(f'The run {unfinished}' if run.environment.get('checksums') else NEVER)
    return run


def class_weights(run, labels=None):
    "(of negatives, of positives): images/(2 x images of the class), by the labels of train unless given; None where the loss weighed none."
    n = (run.cohort.loc[run.cohort['split'] == 'train', 'label'] if labels is None else labels).value_counts()
    if run.experiment.class_weights != 'balanced' or len(n) < 2: return None
    return tuple(float(n.sum()/(2*n[c])) for c in (0, 1))


def hashes(
    folder,
    leave=('report.html', SUMS),  # which cannot hold its own hash, and what has that one's
    files=None,              # their paths; all unless given
):
    "(name, bytes, SHA-256) of each file of the run, by name."
    files = Path(folder).rglob('*') if files is None else files
    files = [p for p in sorted(files) if p.is_file() and not p.name.startswith('.') and p.suffix != '.partial']
    return [(p.relative_to(folder).as_posix(), p.stat().st_size, sha256(p)) for p in files if p.name not in leave]


def sha256(path):
    with open(path, 'rb') as file: return hashlib.file_digest(file, 'sha256').hexdigest()


def read_sums(folder):
    "SHA-256 by name, as SHA256SUMS has them; None where there is no such file. A line that is none of its kind says nothing."
    if not (Path(folder)/SUMS).is_file(): return None
    return {name: sha for sha, name in re.findall(r'^([0-9a-f]{64}) [ *](.+)$', (Path(folder)/SUMS).read_text('utf-8', 'replace'), re.M)}


def write_sums(folder, names=None, rest=()):
    "SHA256SUMS of the files in the folder, or of those of these names and the sums in `rest`; `sha256sum -c SHA256SUMS` checks it."
    files = [p for p in Path(folder).iterdir() if p.name not in ('lock', SUMS) and (names is None or p.name in names)]
    sums = dict(rest) | {name: sha for name, _, sha in hashes(folder, (), files)}
    write(Path(folder)/SUMS, ''.join(f'{sums[name]}  {name}\n' for name in sorted(sums)))


@contextmanager
def renewing(folder):
    "Of what is written into a finished run's folder within, SHA256SUMS has the new sums afterwards; of the rest the old ones."
    def stamps(): return {p.name: (s.st_ino, s.st_mtime_ns, s.st_size) for p in Path(folder).iterdir() for s in (p.stat(),)}
    sums, before = read_sums(folder), stamps()
    yield
    if sums is not None: write_sums(folder, {name for name, stamp in stamps().items() if before.get(name) != stamp}, sums)


def altered(folder, names=MADE_OF):
    "Which of the files are not as SHA256SUMS says, a sentence each; none where the run has no such file."
    if (sums := read_sums(folder)) is None: return []
    if not sums: return [f'{SUMS} holds no checksum']
    now = {name: sha256(Path(folder)/name) for name in names if (Path(folder)/name).is_file()}
    def how(name): return 'was there' if name not in now else 'was another' if name in sums else 'was not there'
    return [f'{name} {how(name)} when the run ended' for name in names if now.get(name) != sums.get(name)]


def chosen_since(folder):
    "threshold, threshold_from and calibrator of the run's model where `evaluate` may have chosen them anew; empty where no file says so."
    for name, part in (('metrics.json', lambda found: found), ('cv.json', lambda found: found.get('ensemble'))):
        if not (Path(folder)/name).is_file() or not (now := part(read_json(Path(folder)/name))): continue
        try: threshold, calibrator = now['threshold'], now['calibration']['chosen']
        except (KeyError, TypeError): threshold = None
        if not isinstance(threshold, dict) or not {'value', 'rule'} <= set(threshold):
            raise InputError(f'{folder}/{name} has no threshold or no calibration; evaluate writes it anew')
        return dict(threshold=threshold['value'], threshold_from=threshold['rule'], calibrator=calibrator)
    return {}


@contextmanager
def whole(path, mark=None):
    "The path of a file beside, with the same ending, that becomes `path` when all is well and vanishes when not."
    path = Path(path)
    beside = path.with_name(f'.{mark or os.getpid()}-{path.name}')
    try:
        yield beside
        beside.replace(path)
    except OSError as e:
        if e.filename is None: e.filename = str(path)  # a full disk names no file
        raise
    finally: beside.unlink(missing_ok=True)


def write(path, text):
    "The whole file or none of it; returns the path."
    with whole(path) as beside: beside.write_text(text, encoding='utf-8')
    return Path(path)
