"Pieces of a page that opens from disk: escaped text, tables, figures as data within the file, and one style for screen and paper."
import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path

from .labels import number
from .pictures import damage

STYLE = (Path(__file__).with_name('report.css')).read_text(encoding='utf-8')
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"  # the browser itself refuses to load anything from elsewhere
MARK = 'synthetic data'


class Safe(str):
    "Text that is HTML already."


def text(value): return value if isinstance(value, Safe) else Safe(escape(str(value)))
def join(parts): return Safe(''.join(text(p) for p in parts))


def tag(
    name,
    *content,
    **attributes,  # class_ for class, data_x for data-x
):
    "An element; what is not `Safe` is escaped."
    attrs = ''.join(f' {k.rstrip("_").replace("_", "-")}="{escape(str(v))}"' for k, v in attributes.items() if v is not None)
    return Safe(f'<{name}{attrs}>{join(content)}</{name}>')


def p(*content, **attributes): return tag('p', *content, **attributes)
def bullets(lines): return tag('ul', *(tag('li', line) for line in lines))


def cell(metric, sign=''):
    "A metric with its interval; where it or its interval is not defined, why."
    if metric is None: return Safe('&ndash;')
    if metric['value'] is None: return tag('span', metric['reason'], class_='why')
    shown = number(metric, sign=sign)
    return join([shown, ' ', tag('span', metric['reason'], class_='why')]) if metric.get('reason') else shown


def plain(value): return tag('span', 'not defined', class_='why') if value is None else f'{value:z.3f}'


@dataclass
class Page:
    "What stands on a page of numbers: each section, table and figure says so where the data are synthetic."
    synthetic:bool = False

    def mark(self): return tag('span', MARK, class_='synthetic') if self.synthetic else Safe('')

    def section(self, id, title, *content, numbers=True):
        return tag('section', tag('h2', title, ' ', self.mark() if numbers else ''), *content, id=id)

    def table(
        self, header, rows,
        caption='',
        wide=(),        # columns of text, by number: they may wrap
        class_=None,
        numbers=True,   # whether it shows any, and thus the mark
    ):
        "The first column heads its row."
        head = tag('tr', *(tag('th', h, scope='col', class_='text' if i in wide else None) for i, h in enumerate(header)))
        def cell(i, c): return tag('th', c, scope='row') if i == 0 else tag('td', c, class_='text' if i in wide else None)
        body = [tag('tr', *(cell(i, c) for i, c in enumerate(row))) for row in rows]
        title = p(caption, ' ', self.mark() if numbers else '', class_='caption') if caption or (self.synthetic and numbers) else ''
        return join([title, tag('div', tag('table', tag('thead', head), tag('tbody', *body), class_=class_), class_='scroll')])

    def figure(self, path, words, class_=None):
        "A PNG or GIF within the page and the sentence that says what it shows; where there is none, nothing; what is wrong with one."
        if not Path(path).is_file(): return Safe('')
        if why := damage(path): return p(why, class_='warning')
        source = f'data:image/{Path(path).suffix[1:]};base64,' + base64.b64encode(Path(path).read_bytes()).decode()
        image = Safe(f'<img src="{source}" alt="{escape(words)}">')
        return tag('figure', image, tag('figcaption', words, ' ', self.mark()), class_=class_)


def document(title, *content):
    "The whole file as text."
    return opening(title) + join(content) + CLOSING


CLOSING = '</main></body></html>\n'


def opening(title):
    "The file up to its content."
    head = join([Safe('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
                 Safe(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'), tag('title', title),
                 Safe(f'<style>\n{STYLE}</style>')])
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><main>'
