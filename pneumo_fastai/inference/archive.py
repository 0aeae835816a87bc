"""Files by the million: a list in parts, each of which a worker scores by itself and writes whole. What is finished stands in a manifest:
the same command does what is missing and no more."""
import json
import os
import time
from collections import Counter
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from ..cluster import as_they_end
from ..data.parts import read
from ..errors import Failed
from ..runs import facts
from ..runs.files import sha256 as sum_of
from ..screen import bar
from .decision import check_precision
from .formats import text_of, write_whole
from .manifest import UNFINISHED, Manifest, plan


class Job(NamedTuple):
    "What a worker needs to know besides its part."
    model:str      # the folder of a run, or of its model
    identity:str   # as the function says
    precision:str
    list:str
    base:str       # the folder that the list's relative paths start from
    folder:str     # of the parts
    ending:str     # of their files


def identity(model, precision) -> str:
    "A hash of all that a row follows from but the file: what model.json says of judging, the sums of its arrays, the precision. No torch."
    check_precision(precision)
    found = facts.read(facts.place(model))
    files = [found['files'].get(name) for name in (facts.WEIGHTS, facts.REFERENCES)]
    return sha256(json.dumps([facts.flat(found), files, precision], sort_keys=True).encode()).hexdigest()


def score_part(job, part) -> dict:
    "In a worker: a part's rows in a file under a name that nobody else has, and what the manifest says of them."
    from torch import set_num_threads
    set_num_threads(1)
    bundle, paths = loaded(job.model, job.precision, job.identity), read(part, job.list, job.base)
    return write_part(job, part, bundle.tables(paths) if paths else [bundle.table([])])


@lru_cache(1)
def loaded(model, precision, expected):
    "The model, once a process; `Failed` where it is no longer the one that the work began with."
    from torch.cuda import is_available

    from .bundle import Bundle
    if identity(model, precision) != expected: raise Failed(f'{model} has changed since the work began; put it back as it was')
    bundle = Bundle.load(model, precision, 'cuda' if is_available() else 'cpu')
    bundle.warm()
    return bundle


def write_part(job, part, frames) -> dict:
    start, texts, reasons, rows, warned = time.perf_counter(), [], Counter(), 0, 0
    for frame in frames:
        texts.append(text_of(frame, job.ending, first=not texts))
        reasons.update(frame.reason.dropna())
        rows, warned = rows + len(frame), warned + int(frame.warnings.notna().sum())
    path = Path(job.folder)/UNFINISHED/f'{part.part:05}-{uuid4().hex}{job.ending}'
    write_whole(path, texts, job.ending, list(frame.columns))
    return dict(part=part.part, first=part.first, last=part.last, rows=rows, rejected=reasons.total(), warned=warned, reasons=dict(reasons),
                bytes=path.stat().st_size, sha256=sum_of(path), seconds=round(time.perf_counter() - start, 2), wrote=path.name)


def score_list(
    model, path, out, precision,
    lines,                    # of the list in a part
    cluster=None, jobs=None,  # as for `as_they_end`
    ending='.parquet', score=score_part,
) -> Manifest:
    """The table of the files that a list names, a part a file in the folder `out`, after what an interruption left. `InputError` where the
    folder was begun with something else."""
    from joblib import delayed
    model, path, folder = (os.path.abspath(os.path.expanduser(p)) for p in (model, path, out))
    with bar('scoring', period=3600) as tick:
        tick(0, None)
        of = identity(model, precision)
        head, parts = plan(Path(folder), path, dict(model=of, ending=ending, part=lines))
        job = Job(model, of, precision, path, head['base'], folder, ending)
        with Manifest(Path(folder), head, parts) as kept:
            tick(kept.rows, head['files'], kept.rejected)
            for record in as_they_end((delayed(score)(job, part) for part in kept.missing()), cluster, jobs):
                kept.add(record)
                tick(kept.rows, head['files'], kept.rejected)
    return kept
