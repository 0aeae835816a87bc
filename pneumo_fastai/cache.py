"python -m pneumo_fastai.cache: what is kept of decoded images, and how much room it takes."
import shutil
import sys
from pathlib import Path

from .cli import run
from .errors import InputError
from .experiment import unknown
from .screen import console, table


def cache(
    cache:str = None,  # the cache folder; the user's unless given
    clear:str = None,  # a key from the list, or 'all': remove it; the next run decodes again
):
    "List the decoded images that are kept, or remove some."
    from .data.cache import home, listing
    if cache and not Path(cache).is_dir(): raise InputError(f"{cache} is no folder; give one, or leave out --cache for the user's")
    kept = listing(cache)
    if clear and clear != 'all' and clear not in set(kept.key): raise InputError(unknown('key', clear, [*kept.key, 'all']))
    chosen = kept[(kept.key == clear) | (clear == 'all')] if clear else kept
    title = 'removed from' if clear else 'kept in'
    rows = [(r.key, f'{r.megabytes:,.1f} MB', number(r.images), pixels(r), r.folder) for r in chosen.astype(object).fillna('').itertuples()]
    for path in chosen.path if clear else []: shutil.rmtree(path)
    table(f'{title} {home(cache)}', ['key', 'on disk', 'images', 'pixels', 'from'], rows)
    console.print(f'{len(chosen)} entries, {chosen.megabytes.sum():,.1f} MB')


def pixels(entry): return ', '.join(filter(None, [f'{number(entry.size)} {entry.aspect} {entry.grey}'.strip(), entry.state]))


def number(value): return f'{value:,.0f}' if value != '' else ''


if __name__ == '__main__':
    sys.exit(run(cache))
