"Pieces of a page that opens from disk: templates, escaped text, tables, figures as data within the file, one style for all."
import base64
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from .labels import FIGURES
from .pictures import damage
from .templating import environment

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"  # the browser itself refuses to load anything from elsewhere
MARK = 'synthetic data'


def join(parts): return Markup('').join(parts)


def tag(
    name,
    *content,
    **attributes,  # class_ for class, data_x for data-x
):
    "An element; what is no `Markup` is escaped."
    attrs = join(Markup(' {}="{}"').format(k.rstrip('_').replace('_', '-'), v) for k, v in attributes.items() if v is not None)
    return Markup('<{0}{1}>{2}</{0}>').format(Markup(name), attrs, join(content))


def p(*content, **attributes): return tag('p', *content, **attributes)
def noted(text, note): return Markup('{}<small>{}</small>').format(text, note) if note else text


def bullets(lines): return tag('ul', *(tag('li', line) for line in lines)) if (lines := list(lines)) else Markup('')


@dataclass
class Page:
    "What stands on a page of numbers: each section, table and figure says so where the data are synthetic."
    synthetic:bool = False

    def mark(self): return tag('span', MARK, class_='synthetic') if self.synthetic else Markup('')

    def table(
        self, header, rows,
        caption='',
        wide=(),        # columns of text, by number: they may wrap
        class_=None,
        numbers=True,   # whether it shows any, and thus the mark
    ):
        "The first column heads its row."
        head = tag('tr', *(tag('th', h, scope='col', class_='text' if i in wide else None) for i, h in enumerate(header)))
        def one(i, c): return tag('th', c, scope='row') if i == 0 else tag('td', c, class_='text' if i in wide else None)
        body = [tag('tr', *(one(i, c) for i, c in enumerate(row))) for row in rows]
        title = p(caption, ' ', self.mark() if numbers else '', class_='caption') if caption or (self.synthetic and numbers) else ''
        table = tag('table', tag('thead', head), tag('tbody', *body), class_=class_)
        return join([title, tag('div', table, class_='scroll', tabindex=0, role='region', aria_label=caption or 'table')])

    def figure(self, path, more='', class_=None):
        "A PNG or GIF within the page with what `FIGURES` says of it, and `more`; where there is none, nothing; what is wrong with one."
        if not Path(path).is_file(): return Markup('')
        words = f'{FIGURES[Path(path).name]} {more}'.strip()
        if why := damage(path): return p(why, class_='warning')
        source = f'data:image/{Path(path).suffix[1:]};base64,' + base64.b64encode(Path(path).read_bytes()).decode()
        image = Markup('<img src="{}" alt="{}">').format(Markup(source), words)
        return tag('figure', image, tag('figcaption', words, ' ', self.mark()), class_=class_)


def document(page, title, template='base', contents='', **facts):
    "The file in pieces, as `templates/TEMPLATE.html` writes them: of what it loops over, one item is in memory."
    style = Markup(Path(__file__).with_name('report.css').read_text(encoding='utf-8'))
    yield from environment().get_template(f'{template}.html').generate(page=page, title=title, contents=contents, policy=Markup(POLICY),
                                                                       style=style, **facts)
    yield '\n'
