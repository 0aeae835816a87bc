"Pieces of a run's folder, each checked as it is read: one line says what is wrong with it."
import pandas as pd

from ..errors import InputError
from ..tables import read_csv

KINDS = dict(command=str, experiment=str, data=dict, packages=dict, networks=list)  # in environment.json, where they are there


def checked(environment, folder):
    "What environment.json says, itself; `InputError` where a part of it is of another kind than fit writes."
    for name, kind in KINDS.items():
        if name in environment and not isinstance(environment[name], kind):
            raise InputError(f'{name} in {folder}/environment.json is no {kind.__name__}; fit writes it anew')
    if all(isinstance(n, dict) and isinstance(n.get('recipe'), dict) and {'folder', 'command', 'sha256'} <= set(n)
           for n in environment.get('networks', ())): return environment
    raise InputError(f'networks in {folder}/environment.json lack folder, command, recipe or sha256; make the ensemble anew')


def about_data(folder, environment, metrics):
    "name, layout, synthetic and notes of the data, from the mapping that has them."
    said = environment.get('data', dict(name=metrics.get('data', 'data'), **{k: metrics[k] for k in ('synthetic',) if k in metrics}))
    found = dict(dict(name='data', layout=None, notes=[]), **said)
    if not isinstance(found.get('synthetic'), bool):
        raise InputError(f'neither environment.json nor metrics.json in {folder} says what the data are; train the run anew with fit')
    if isinstance(found['name'], str) and isinstance(found['notes'], list): return found
    raise InputError(f'data in {folder}/environment.json has no name or notes as fit writes them; train the run anew with fit')


def optional_table(path, columns):
    "The table, or an empty one with these columns where there is no such file or nothing in it; `InputError` where it lacks one."
    if not path.is_file() or not path.stat().st_size: return pd.DataFrame(columns=columns)
    table = read_csv(path)
    if missing := [c for c in columns if c not in table]: raise InputError(f'{path} lacks the column {missing[0]!r}; fit writes it')
    return table


def history_of(folder):
    "history.csv, whose every value is a number but the time."
    table = optional_table(folder/'history.csv', ['epoch', 'train_loss', 'valid_loss'])
    for name in table.columns.drop('time', errors='ignore'):
        if len(table) and not pd.api.types.is_numeric_dtype(table[name]):
            raise InputError(f'{folder}/history.csv has something other than numbers in the column {name!r}; fit writes it anew')
    return table
