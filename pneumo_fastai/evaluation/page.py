"report.html: the whole evaluation of a run as one file."
from . import findings, groups, sections
from .folder import write
from .html import Page, document, join, p, tag
from .looked import looked
from .report import BRACKETS, NAMES, number

NOTICE = 'For research and education, not for diagnosis.'
TILES = ('auroc', 'recall', 'specificity', 'average_precision')


def tiles(page, metrics):
    def tile(m):
        value, _, interval = number(metrics['test']['at_threshold'][m]).partition(' [')
        name = dict(NAMES, recall='sensitivity').get(m, m)
        return tag('div', tag('span', name), tag('b', value), tag('span', f'[{interval}' if interval else ''), page.mark())
    return tag('div', *map(tile, TILES), class_='tiles')


def head(page, run, metrics, how='On test at the threshold chosen on valid', titles=sections.TITLES):
    test = metrics['test']
    lead = (f'Chest radiographs, pneumonia or not. {how}: {test["n"]:,} images of {test["persons"]:,} '
            f'persons, {test["prevalence"]:.1%} with pneumonia. {BRACKETS}')
    contents = tag('ol', *(tag('li', tag('a', title, href=f'#{id}')) for id, title in titles.items()))
    return tag('header', tag('h1', run.title, ' ', page.mark()), p(NOTICE, class_='notice'), p(lead, class_='lead'), tiles(page, metrics),
               tag('nav', contents))


def write_page(
    run,      # a `folder.Run`; its figures are taken into the page where they exist
    metrics,  # as `summary.evaluate` returns it
):
    "Write `report.html` into the run's folder, whole or not at all; returns its path."
    page = Page(run.synthetic)
    body = join([
        head(page, run, metrics), sections.question(page, run), sections.data(page, run), sections.who(page, run),
        sections.recipe(page, run), findings.results(page, run, metrics), findings.operating(page, metrics),
        findings.calibration(page, run, metrics), findings.uncertainty(page, run, metrics), groups.subgroups(page, run, metrics),
        groups.shortcut(page, run, metrics), looked(page, run), groups.errors(page, run), sections.limits(page, metrics),
        sections.checklists(page, run), sections.provenance(page, run, metrics)])
    return write(run.folder/'report.html', document(f'{run.title}{" (synthetic data)" if run.synthetic else ""}', body))
