"environment.json: the machine and the data that a run was made with."
import os
import platform
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from ..errors import InputError

# of parts of environment.json, where it has them
KINDS = dict(command=str, experiment=str, data=dict, packages=dict, networks=list, weights=dict, training=dict)
TAKEN = 'seconds', 'steps_seconds', 'images'  # of training


def checked(environment, folder):
    "What environment.json says, itself; `InputError` where a part of it is of another kind than fit writes."
    for name, kind in KINDS.items():
        if name in environment and not isinstance(environment[name], kind):
            raise InputError(f'{name} in {folder}/environment.json is no {kind.__name__}; fit writes it anew')
    taken = environment.get('training') or dict.fromkeys(TAKEN, 0)
    if not all(isinstance(taken.get(k), int | float) for k in TAKEN):
        raise InputError(f'training in {folder}/environment.json lacks {", ".join(TAKEN)}; leave it out, or train the run anew')
    if all(isinstance(n, dict) and isinstance(n.get('recipe'), dict) and {'folder', 'command', 'sha256'} <= set(n)
           for n in environment.get('networks', ())): return environment
    raise InputError(f'networks in {folder}/environment.json lack folder, command, recipe or sha256; make the ensemble anew')


def pace(environment) -> tuple:
    "Minutes of training, of an ensemble of all its networks, and images a second of its steps; None each where they were not measured."
    if several := environment.get('networks'):
        each = [pace(network)[0] for network in several]
        return (None if None in each else sum(each)), None
    if not (taken := environment.get('training')): return None, None
    return taken['seconds']/60, taken['images']/taken['steps_seconds'] if taken['steps_seconds'] else None


def hardware(environment) -> str:
    "What a run was trained on, of an ensemble its networks, in words; nothing where nothing was trained, or the run does not say."
    if several := environment.get('networks'): return ' and '.join(dict.fromkeys(o for n in several if (o := n.get('hardware'))))
    if 'device' not in environment: return ''
    said = {k: environment.get(k) for k in ('device', 'processor', 'precision')}
    threads, processes = environment.get('threads'), environment.get('processes') or 1
    return ', '.join([*(str(v) for v in said.values() if v), *([f'{threads} thread{"s" if threads != 1 else ""}'] if threads else []),
                      *([f'{processes} processes'] if processes > 1 else [])])


def about_data(folder, environment, metrics):
    "name, layout, synthetic and notes of the data, from the mapping that has them."
    said = environment.get('data', dict(name=metrics.get('data', 'data'), **{k: metrics[k] for k in ('synthetic',) if k in metrics}))
    found = dict(dict(name='data', layout=None, notes=[]), **said)
    if not isinstance(found.get('synthetic'), bool):
        raise InputError(f'neither environment.json nor metrics.json in {folder} says what the data are; train the run anew with fit')
    if isinstance(found['name'], str) and isinstance(found['notes'], list): return found
    raise InputError(f'data in {folder}/environment.json has no name or notes as fit writes them; train the run anew with fit')

HERE = Path(__file__).parents[1]
DRIVER = Path('/proc/driver/nvidia/gpus')
PACKAGES = ['fastai', 'fastcore', 'torch', 'torchvision', 'pydicom', 'pillow', 'numpy', 'pandas', 'scikit-learn', 'pneumo_fastai']


def machine(device, threads=None) -> dict:
    "Hardware and versions, for whoever compares numbers."
    return dict(device=str(device), processor=processor(device), cores=os.cpu_count(), threads=threads,
                system=platform.platform(), python=platform.python_version(), code=code(), packages={o: version(o) for o in PACKAGES})


def changed(was, now) -> dict:
    "(before, after) of what two of `machine` differ in that a training's numbers may depend on, by name."
    def flat(o):
        own = {k: o.get(k) for k in ('device', 'processor', 'threads', 'python', 'code')}
        return own | {'number of processes': o.get('processes', 1)} | o.get('packages', {})
    one, other = flat(was), flat(now)
    return {k: [one.get(k), v] for k, v in other.items() if v != one.get(k)}


def code() -> str:
    "Of this package's own modules, as they are: a version number does not tell two states of a checkout apart."
    found = sha256()
    for path in sorted(HERE.rglob('*.py')): found.update(path.relative_to(HERE).as_posix().encode() + path.read_bytes())
    return found.hexdigest()[:16]


def processor(device) -> str:
    "The model of the GPUs, where one is used, and that of the CPU."
    files = sorted(DRIVER.glob('*/information')) if str(device).startswith('cuda') else []
    gpus = [o.split(':')[1].strip() for file in files for o in file.read_text().splitlines() if o.startswith('Model:')]
    return ' beside '.join([*dict.fromkeys(gpus), _cpu()])


def _cpu():
    try: return next(o.split(':')[1].strip() for o in Path('/proc/cpuinfo').read_text().splitlines() if o.startswith('model name'))
    except (OSError, StopIteration): return platform.processor()
