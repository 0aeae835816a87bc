"What was dropped on the page, as bytes in memory: whether it is looked at, and what its name may look like."
import re
import unicodedata

MOST = 50       # files at once
MEGABYTES = 100  # of one file; the browser is told, and the server refuses more
LONG = 60       # characters of a name
HIDDEN = ('Cc', 'Cf', 'Co', 'Cs', 'Zl', 'Zp')  # categories of characters that end lines, turn the direction of writing or are not seen


SAID = f'{{n}} files are more than the {MOST} that are read at once. None of them was read: give fewer.'


def too_many(n) -> str:
    "What is wrong with so many files, or ''."
    return SAID.format(n=f'{n:,}') if n > MOST else ''


def shown(name) -> str:
    "A file's name as a reader may see it: without its folders and what could not be seen, and not longer than `LONG`."
    name = re.split(r'[/\\]', str(name))[-1]
    name = ''.join(c for c in name if unicodedata.category(c) not in HIDDEN).strip(' .') or 'a file without a name'
    return name if len(name) <= LONG else f'{name[:LONG - 21]}\u2026{name[-20:]}'
