"What Streamlit runs: once for each window that is opened, and again for each thing that is changed in it."
import sys

import streamlit as st

from pneumo_fastai.page import evaluation, frame, radiograph
from pneumo_fastai.page.served import subject

of = subject(sys.argv[1])
st.set_page_config(page_title=f'{of.title} - pneumo_fastai', layout='wide')
frame.notice(of)
pages = [st.Page(lambda: radiograph.page(of), title='A radiograph', url_path='radiograph', default=True),
         st.Page(lambda: evaluation.page(of), title='Evaluation of the model', url_path='evaluation')]
st.navigation(pages, position='top').run()
