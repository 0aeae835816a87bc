"A page that people write, in which a program keeps what stands between two lines."
from pathlib import Path

from ..errors import InputError
from ..writing import write

BEGIN, END = '<!-- study: begin -->', '<!-- study: end -->'


def around(page):
    "(before, after): the page with its two marks, but for what is between them; of a page that does not exist the marks alone."
    page = Path(page)
    if not page.exists(): return f'{BEGIN}\n', f'{END}\n'
    if page.is_dir(): raise InputError(f'{page} is a folder; give --page the name of a file')
    try: lines = page.read_bytes().decode('utf-8').splitlines(keepends=True)  # not as text: line ends stay as they are
    except UnicodeDecodeError as e: raise InputError(f'{page} is no text in UTF-8; give --page a page of Markdown') from e
    begin, end = ([i for i, line in enumerate(lines) if line.strip() == mark] for mark in (BEGIN, END))
    if len(begin) == len(end) == 1 and begin < end: return ''.join(lines[:begin[0] + 1]), ''.join(lines[end[0]:])
    raise InputError(f'{page} has not one line {BEGIN} and below it one line {END}; add both where the tables belong, or give '
                     'another --page or --out')


def put(page, text):
    "`text` between the marks, and all around it as it was; the whole page or none of it. Returns its path."
    before, after = around(page)
    return write(Path(page).resolve(), f'{before}\n{text.strip()}\n\n{after}')
