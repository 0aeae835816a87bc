"python -m pneumo_fastai.app: a page in the browser that shows what a run's model says of a radiograph."
import sys

from .cli import run
from .errors import InputError
from .screen import NOTICE, note


def app(
    model,           # a run's folder
    port:int = None, # of 127.0.0.1; the first that is free from 8501 on unless given
):
    "Show a run's model on radiographs in the browser, on this machine alone; Ctrl-C ends it."
    from importlib.util import find_spec
    if find_spec('streamlit') is None: raise InputError('the page needs Streamlit; pip install "pneumo_fastai[app]" adds it')
    from .page.served import FIRST, HERE, TRIED, free, serve, subject
    port = free(port) if port is not None else free(FIRST, TRIED)
    found = subject(model)
    if found.why: note(f'less is shown than of a whole run: {found.why}')
    note(f'{found.title} at http://{HERE}:{port} (Ctrl-C ends it). {NOTICE}', 'page')
    serve(model, port)


if __name__ == '__main__':
    sys.exit(run(app))
