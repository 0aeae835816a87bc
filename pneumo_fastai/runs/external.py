"run.json: of an evaluation elsewhere or an adaptation, the run whose model it is: what it chose, and what it scored on its own test."
import json
from pathlib import Path

import pandas as pd

from ..errors import InputError
from ..writing import write
from .files import anew, read_json, sha256
from .images import fingerprint

FILE = 'run.json'
KINDS = dict(name=str, data=str, folder=str, sha256=str, synthetic=bool, metrics=dict, train=list, test=dict)
ADAPTED = dict(patients=int, draws=int, training=dict)  # of an adaptation besides


def is_external(folder): return (Path(folder)/FILE).is_file()


def of(folder):
    "What run.json holds, or None where there is no such file; `InputError` where a part of it is of another kind."
    if not is_external(folder): return None
    found = read_json(path := Path(folder)/FILE)
    for name, kind in KINDS.items():
        if not isinstance(found.get(name), kind): raise InputError(f'{path} has no {name}; {anew(path)}')
    if 'adapted' in found and not (isinstance(a := found['adapted'], dict) and all(isinstance(a.get(k), v) for k, v in ADAPTED.items())):
        raise InputError(f'{path} does not say what was adapted; python -m pneumo_fastai.adapt writes it anew')
    return found


def write_of(
    folder,
    run,      # a finished `folder.Run`
    metrics,  # its metrics.json
    weights,  # the file of its network
    **more,   # adapted, of an adaptation: patients, draws, and training, what model.json says of it
              # norms: from how many patients there the network has those, or None
):
    "run.json; of the training images it keeps how many of each view and label there are, of test labels and probabilities."
    counts = run.trained_on.assign(view=run.trained_on['view'].astype(object).where(run.trained_on['view'].notna(), None))
    counts = counts.groupby(['view', 'label'], dropna=False).size().reset_index(name='n')
    train = [dict(view=None if pd.isna(r.view) else r.view, label=int(r.label), n=int(r.n)) for r in counts.itertuples()]
    test = run.predictions[run.predictions['split'] == 'test'].sort_values('probability')  # whose they are is not kept
    found = dict(name=run.name, data=run.data['name'], folder=str(run.folder.resolve()), sha256=sha256(weights), synthetic=run.synthetic,
                 images=fingerprint(run.cohort), metrics=metrics, train=train,
                 test={k: test[k].tolist() for k in ('label', 'probability')}, **more)
    write(Path(folder)/FILE, json.dumps(found, indent=1, allow_nan=False))


def own_test(found):
    "Rows of label and probability, whose split is 'own test'."
    return pd.DataFrame(found['test'], columns=['label', 'probability']).assign(split='own test')


def trained_on(found):
    "A row of view and label for each training image."
    counts = pd.DataFrame(found['train'], columns=['view', 'label', 'n'])
    return counts.loc[counts.index.repeat(counts['n']), ['view', 'label']].reset_index(drop=True)
