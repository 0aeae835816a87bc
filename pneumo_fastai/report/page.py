"report.html: the whole evaluation of a run, or of a cross-validation, as one file."
from ..writing import write
from .html import Page, document
from .labels import BRACKETS, NAMES, QUESTION, number
from .registry import written
from .templating import render
from .verdicts import CHANCE, baselines, verdicts

TILES = ('auroc', 'recall', 'specificity', 'average_precision')


def tiles(metrics):
    "name, value and interval of the four numbers of the first screen."
    for m in TILES:
        value, _, interval = number(metrics['test']['at_threshold'][m]).partition(' [')
        yield dict(name=dict(NAMES, recall='sensitivity').get(m, m), value=value, interval=f'[{interval}' if interval else '')


def first_screen(page, run, metrics, kind, how):
    "What a reader decides by: the question, four numbers, what they have to beat, verdicts, four cases, and warnings."
    rivals = [f'{words} {"0.5" if words == CHANCE else number(value)}' for words, value in baselines(run, metrics)]
    cases = page.figure(run.folder/'cases.png')
    return render('first', title=run.title, mark=page.mark(), question=QUESTION, how=how, test=metrics['test'], brackets=BRACKETS,
                  tiles=list(tiles(metrics)), baselines=rivals, verdicts=list(verdicts(run, metrics, kind)), cases=cases,
                  warnings=dict.fromkeys([*metrics['warnings'], *run.data['notes']]))


def write_page(
    run,      # a `folder.Run`; its figures are taken into the page where they exist
    metrics,  # as `results.evaluate` returns it, or `cross_validation.together`
    kind='run',  # one of `registry`: its sections
    how='On test at the threshold chosen on valid',
):
    "Write `report.html` into the run's folder, whole or not at all; returns its path."
    page = Page(run.synthetic)
    sections, bodies = written(kind, page, run, metrics)
    contents = render('contents', sections=sections)
    first = first_screen(page, run, metrics, kind, how)
    return write(run.folder/'report.html', ''.join(document(page, run.title, parts=[first, *bodies], contents=contents)))
