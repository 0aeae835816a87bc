"SHA256SUMS: whether the files of a finished run are as they were when it ended."
import re
from contextlib import contextmanager
from pathlib import Path

from ..writing import write
from .facts import FOLDER
from .files import LOCK, STATE, sha256

SUMS = 'SHA256SUMS'  # of a finished run's files, as coreutils' sha256sum writes and checks them
MADE_OF = ('predictions.csv', 'split.csv', 'rejected.csv', 'history.csv', 'members.csv', 'augmented.csv', 'experiment.toml',
           'environment.json', 'patients.csv', 'grid.json', 'run.json', 'left_out.csv', 'differs.json')  # what a run's numbers come from


def hashes(
    folder,
    leave=('report.html', SUMS, STATE, LOCK),  # which cannot hold its own hash, what has that one's, and what says no more when it is done
    files=None,              # their paths; all unless given
):
    "(name, bytes, SHA-256) of each file of the run, by name."
    files = Path(folder).rglob('*') if files is None else files
    files = [p for p in sorted(files) if p.is_file() and not p.name.startswith('.') and p.suffix not in ('.partial', '.checkpoint')]
    return [(p.relative_to(folder).as_posix(), p.stat().st_size, sha256(p)) for p in files if p.name not in leave]


def read_sums(folder):
    "SHA-256 by name, as SHA256SUMS has them; None where there is no such file. A line that is none of its kind says nothing."
    if not (Path(folder)/SUMS).is_file(): return None
    return {name: sha for sha, name in re.findall(r'^([0-9a-f]{64}) [ *](.+)$', (Path(folder)/SUMS).read_text('utf-8', 'replace'), re.M)}


def own(folder) -> list:
    "The files of a run, those of its model among them; a fold in it has sums of its own."
    return [p for o in (Path(folder), Path(folder)/FOLDER) if o.is_dir() for p in o.iterdir() if p.is_file()]


def write_sums(folder, names=None, rest=()):
    "SHA256SUMS of the files in the folder, or of those of these names and the sums in `rest`; `sha256sum -c SHA256SUMS` checks it."
    files = [p for p in own(folder) if p.name not in (LOCK, STATE, SUMS) and (names is None or p.relative_to(folder).as_posix() in names)]
    sums = dict(rest) | {name: sha for name, _, sha in hashes(folder, (), files)}
    write(Path(folder)/SUMS, ''.join(f'{sums[name]}  {name}\n' for name in sorted(sums)))


@contextmanager
def renewing(folder):
    "Of what is written into a finished run's folder within, also before an exception, SHA256SUMS has the new sums; of the rest the old."
    def stamps():
        return {p.relative_to(folder).as_posix(): (s.st_ino, s.st_mtime_ns, s.st_size) for p in own(folder) for s in (p.stat(),)}
    sums, before = read_sums(folder), stamps()
    try: yield
    finally:
        if sums is not None: write_sums(folder, {name for name, stamp in stamps().items() if before.get(name) != stamp}, sums)


def altered(folder, names=MADE_OF):
    "Which of the files are not as SHA256SUMS says, a sentence each; none where the run has no such file."
    if (sums := read_sums(folder)) is None: return []
    if not sums: return [f'{SUMS} holds no checksum']
    now = {name: sha256(Path(folder)/name) for name in names if (Path(folder)/name).is_file()}
    def how(name): return 'was there' if name not in now else 'was another' if name in sums else 'was not there'
    return [f'{name} {how(name)} when the run ended' for name in names if now.get(name) != sums.get(name)]
