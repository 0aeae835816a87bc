"The report's Jinja2 templates: pages and sections as HTML, sentences as text, and the filters with which they write numbers."
import re
from functools import cache

from markupsafe import Markup

from . import labels


def count(n): return f'{n:,}'
def share(x, digits=1): return f'{x:.{digits}%}'
def why(reason): return Markup('<span class="why">{}</span>').format(reason)


def cell(metric, sign='', digits=None):
    "A metric with its interval; where it or its interval is not defined, why."
    if metric is None: return Markup('&ndash;')
    if metric['value'] is None: return why(metric['reason'])
    shown = labels.number(metric, digits, sign)
    return Markup('{} {}').format(shown, why(metric['reason'])) if metric.get('reason') else shown


def plain(value): return why('not defined') if value is None else f'{value:z.3f}'


def spread(values, digits=3):
    "Like `0.912 ± 0.004`; of one value the number alone."
    if values['mean'] is None: return 'not defined'
    return f'{values["mean"]:z.{digits}f}' + ('' if values['sd'] is None else f' \u00b1 {values["sd"]:.{digits}f}')


def ends(mean): return labels.number(dict(mean, value=mean['mean'])).partition(' ')[2]


def literal(text):
    "As Markdown that shows it: nothing in it is markup or HTML, or ends a line."
    return re.sub(r'([\\`*_{}\[\]<>&|#~])', r'\\\1', ' '.join(str(text).split()))


@cache
def environment():
    "What is no `Markup` is escaped in HTML, and a name that was not given is an error; `labels` is that module."
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
    made = Environment(loader=PackageLoader('pneumo_fastai.report'), autoescape=select_autoescape(['html']), undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True)
    made.filters |= dict(count=count, share=share, number=labels.number, cell=cell, plain=plain, spread=spread, ends=ends, literal=literal)
    made.globals |= dict(labels=labels)
    return made


def render(name, **facts):
    "`templates/NAME.html`, filled in."
    return Markup(environment().get_template(f'{name}.html').render(**facts))


def sentences(name, **facts):
    "The paragraphs of `templates/NAME.txt`, filled in, a line each; an empty one is none."
    text = environment().get_template(f'{name}.txt').render(**facts)
    return [' '.join(part.split()) for part in text.split('\n\n') if part.strip()]
