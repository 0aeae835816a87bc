"state.json: whether a run is running, interrupted, failed or done; and that one process at a time works on it."
import json
import os
import shlex
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import InputError
from ..writing import write
from .checksums import SUMS
from .files import LOCK, STATE, read_json

PARTIAL = '.partial'
OURS = set()         # the folders that this process works on


@contextmanager
def alone(folder, instead='give another'):
    "Holds the folder's lock; raises `InputError` where another process does."
    lock = FileLock(folder/LOCK, timeout=0)
    try: lock.acquire()
    except Timeout as e: raise InputError(f'{folder} is being trained by another process; wait for it, or {instead}') from e
    try: yield
    finally: lock.release()


@contextmanager
def kept(
    folder,
    **about,  # what is needed to go on: experiment (its name), data and cache as typed
):
    "state.json says 'running' within, and then how it ended; an error that ends it passes on."
    folder = Path(folder).resolve()
    def say(state, why=''): write(folder/STATE, json.dumps(dict(state=state, why=why, **about), indent=1))
    say('running')
    OURS.add(folder)
    try: yield
    except BaseException as e:
        how = ('interrupted', '') if isinstance(e, KeyboardInterrupt) else ('failed', ' '.join(str(e).split()) or type(e).__name__)
        with suppress(OSError): say(*how)  # on a full disk it stays 'running', and its lock tells
        raise
    else: say('done')
    finally: OURS.discard(folder)


def whole_of(folder):
    "The folder of the cross-validation or sweep that one that is not finished belongs to, or itself."
    folder = Path(os.path.abspath(folder))
    return folder.parent if folder.name.endswith(PARTIAL) else folder


def state(folder) -> tuple[str, str]:
    "(running, interrupted, failed or done; why it failed); ('', '') where it does not say."
    folder = Path(folder)
    if (folder/SUMS).is_file(): return 'done', ''
    if not (folder/STATE).is_file(): return '', ''
    said = read_json(folder/STATE)
    if said.get('state') != 'running': return str(said.get('state', '')), str(said.get('why', ''))
    return ('running' if held(whole_of(folder)/LOCK) else 'interrupted'), ''


def held(lock) -> bool:
    "Whether a process holds a lock that is there."
    if not lock.is_file(): return False
    try:
        with FileLock(lock, timeout=0): return False
    except Timeout: return True
    except OSError: return False  # it may not be written here: who could not begin holds nothing


def obstacle(folder) -> str:
    "Why a whole folder cannot be gone on with, and what would do; '' where it can."
    word, _ = state(folder)
    if word == 'done': return 'it is finished, there is nothing to go on with; train a new run'
    if word == 'running': return 'it is being trained by another process; wait for it'
    if word and (Path(folder)/'experiment.toml').is_file(): return ''
    return f'there is no {STATE} and recipe of a run that was begun; give a folder that fit was interrupted in, or train a new run'


def again(folder) -> str: return f'python -m pneumo_fastai.fit --resume {shlex.quote(str(folder))} goes on with it'
def how_on(folder) -> str: return obstacle(folder) or again(folder)


def check_done(folder):
    "`InputError`, which says how to go on, where a run says that it is not done; not for the process that works on it."
    if Path(folder).resolve() in OURS: return
    word, why = state(folder)
    if word in ('', 'done'): return
    raise InputError(f'{folder} is not finished but {word}{f" ({why})" if why else ""}: {how_on(whole_of(folder))}')


def resumable(folder) -> dict:
    "experiment, data and cache of a folder that was begun; `InputError` where there is nothing to go on with."
    if Path(folder).name.endswith(PARTIAL): raise InputError(f'{folder} is a part of {whole_of(folder)}; give that to --resume')
    if why := obstacle(folder): raise InputError(f'{folder}: {why}')
    return dict(data=None, cache=None, experiment=None) | about(folder)


def about(folder) -> dict:
    "What `kept` was given."
    return {k: v for k, v in read_json(Path(folder)/STATE).items() if k not in ('state', 'why')}
