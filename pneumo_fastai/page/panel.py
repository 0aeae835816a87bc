"What stands beside and below the radiograph: the verdict, and what one may ask further."
import streamlit as st

from ..report.gallery import jpeg
from .answer import facts, warnings
from .frame import show
from .neighbours import neighbours
from .summary import summary
from .verdict import at_prevalence, called, means, of_hundred

NOT_KNOWN = "The run's metrics.json is not at hand: sensitivity and specificity are not known."


def verdict(subject, answer, film):
    p, networks = answer.prediction.calibrated, answer.networks
    spread = (min(networks), max(networks)) if networks else None
    show('verdict', answer=answer, hundred=of_hundred(p), p=p, spread=spread, said=means(answer, subject.recipe, subject.metrics),
         called=called(answer, subject.recipe), warnings=warnings(answer), synthetic=subject.synthetic)
    st.download_button('Download a one-page report', lambda: summary(subject, answer, film), 'radiograph.html', 'text/html',
                       on_click='ignore')


def details(subject, answer, answers):
    "In tabs, those alone that have something to say."
    near = neighbours(subject, answer.image)
    parts = {'Where it would be used': lambda: threshold(subject.metrics)}
    if near: parts['Nearest validation images'] = lambda: alike(near)
    parts['Header'] = lambda: show('facts', facts=facts(answer.film))
    if len(answers) > 1:
        parts[f'All {len(answers)}'] = lambda: show('table', rows=[(a, of_hundred(a.prediction.calibrated)) for a in answers])
    for tab, draw in zip(st.tabs(list(parts)), parts.values(), strict=True):
        with tab: draw()


@st.fragment
def threshold(metrics):
    "What a call means at a prevalence that the reader sets."
    if metrics is None: return show('lines', lines=[NOT_KNOWN])
    usual = min(max(round(100*(metrics['test']['prevalence'] or .1), 1), .1), 99.9)
    percent = st.number_input('Prevalence of pneumonia there, %', .1, 99.9, usual, 1., '%.1f', key='prevalence', width=280)
    show('lines', lines=at_prevalence(metrics, percent / 100))


def alike(near):
    show('near', near=[(n, None if n.image is None else jpeg(n.image)) for n in near], positive=sum(n.label == 'pneumonia' for n in near))
