"The second page: the evaluation of the run, as its report has it."
import html

import streamlit as st

from .frame import show

TALL = 900  # pixels


def page(subject):
    path = subject.folder/'report.html'
    if not path.is_file(): return show('lines', lines=['The run has no report.html: python -m pneumo_fastai.evaluate RUN writes it.'])
    report = path.read_text(encoding='utf-8')
    st.download_button('Download the report', report, 'report.html', 'text/html', on_click='ignore')
    st.iframe(framed(report), height=TALL)


def framed(report) -> str:
    "A page that holds another, to which the browser gives no scripts and nothing of this one's."
    report = report.replace('<head>', '<head><base href="about:srcdoc">', 1)  # or its own links would lead to this page
    inner = f'<iframe title="Evaluation of the model" sandbox srcdoc="{html.escape(report)}"></iframe>'
    style = 'html, body { margin: 0; height: 100%; } iframe { border: 0; width: 100%; height: 100%; }'
    return f'<!doctype html><html lang="en"><head><title>Evaluation</title><style>{style}</style></head><body>{inner}</body></html>'
