"What both pages have: their style, and the notice that is always seen."
from pathlib import Path

import streamlit as st
from markupsafe import Markup

from ..report.templating import render


def show(name, **facts):
    "`report/templates/page/NAME.html`, filled in; what is no `Markup` in it is escaped."
    st.html(render(f'page/{name}', **facts))


def script(name, **facts):
    "The same with a script of ours in it, which the browser runs."
    st.html(render(f'page/{name}', **facts), unsafe_allow_javascript=True)


def notice(subject):
    st.html(Markup('<style>{}</style>').format(Markup(Path(__file__).with_name('page.css').read_text(encoding='utf-8'))))
    show('notice', synthetic=subject.synthetic)
