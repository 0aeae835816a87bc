"report.html: the whole evaluation of a run as one file."
from ..runs.files import write
from . import calibration, checklists, cohort, methods, provenance, results, subgroups, titles, uncertainty
from .heatmaps import looked
from .html import Page, document, join, p, tag
from .labels import BRACKETS, NAMES, number

NOTICE = 'For research and education, not for diagnosis.'
TILES = ('auroc', 'recall', 'specificity', 'average_precision')


def tiles(page, metrics):
    def tile(m):
        value, _, interval = number(metrics['test']['at_threshold'][m]).partition(' [')
        name = dict(NAMES, recall='sensitivity').get(m, m)
        return tag('div', tag('span', name), tag('b', value), tag('span', f'[{interval}' if interval else ''), page.mark())
    return tag('div', *map(tile, TILES), class_='tiles')


def head(page, run, metrics, how='On test at the threshold chosen on valid', titles=titles.TITLES):
    test = metrics['test']
    lead = (f'Chest radiographs, pneumonia or not. {how}: {test["n"]:,} images of {test["patients"]:,} '
            f'patients, {test["prevalence"]:.1%} with pneumonia. {BRACKETS}')
    contents = tag('ol', *(tag('li', tag('a', title, href=f'#{id}')) for id, title in titles.items()))
    return tag('header', tag('h1', run.title, ' ', page.mark()), p(NOTICE, class_='notice'), p(lead, class_='lead'), tiles(page, metrics),
               tag('nav', contents))


def write_page(
    run,      # a `folder.Run`; its figures are taken into the page where they exist
    metrics,  # as `results.evaluate` returns it
):
    "Write `report.html` into the run's folder, whole or not at all; returns its path."
    page = Page(run.synthetic)
    body = join([
        head(page, run, metrics), cohort.question(page, run), cohort.data(page, run), cohort.who(page, run),
        methods.recipe(page, run), results.results(page, run, metrics), results.operating(page, metrics),
        calibration.calibration(page, run, metrics), uncertainty.uncertainty(page, run, metrics), subgroups.subgroups(page, run, metrics),
        subgroups.shortcut(page, run, metrics), looked(page, run), subgroups.errors(page, run), methods.limits(page, metrics),
        checklists.checklists(page, run), provenance.provenance(page, run, metrics)])
    return write(run.folder/'report.html', document(f'{run.title}{" (synthetic data)" if run.synthetic else ""}', body))
