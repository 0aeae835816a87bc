"Pieces of a page that opens from disk: templates, escaped text, tables, figures as data within the file, one style for all."
import base64
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from .labels import FIGURES
from .pictures import damage
from .templating import environment, render

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"  # the browser itself refuses to load anything from elsewhere
MARK = 'synthetic data'


def tag(
    name, text,
    **attributes,  # class_ for class
):
    "An element; text that is no `Markup` is escaped."
    attrs = Markup('').join(Markup(' {}="{}"').format(k.rstrip('_'), v) for k, v in attributes.items())
    return Markup('<{0}{1}>{2}</{0}>').format(Markup(name), attrs, text)


def noted(text, note): return Markup('{}{}').format(text, tag('small', note)) if note else text


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
        return render('table', page=self, header=header, rows=rows, caption=caption, wide=wide, class_=class_, numbers=numbers)

    def figure(self, path, more=''):
        "A PNG or GIF within the page with what `FIGURES` says of it, and `more`; where there is none, nothing; what is wrong with one."
        if not Path(path).is_file(): return Markup('')
        words = f'{FIGURES[Path(path).name]} {more}'.strip()
        if why := damage(path): return tag('p', why, class_='warning')
        source = f'data:image/{Path(path).suffix[1:]};base64,' + base64.b64encode(Path(path).read_bytes()).decode()
        return render('figure', mark=self.mark(), source=source, words=words)


def document(page, title, template='base', contents='', **facts):
    "The file in pieces, as `templates/TEMPLATE.html` writes them: of what it loops over, one item is in memory."
    style = Markup(Path(__file__).with_name('report.css').read_text(encoding='utf-8'))
    yield from environment().get_template(f'{template}.html').generate(page=page, title=title, contents=contents, policy=Markup(POLICY),
                                                                       style=style, **facts)
    yield '\n'
