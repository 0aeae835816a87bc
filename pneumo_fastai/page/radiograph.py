"The first page: radiographs are dropped, one of them is looked at, and what the model says of it stands beside."
import streamlit as st

from ..data.decoding.dicom import UnreadableImage
from ..memory import give_back
from . import picture, viewer
from .answer import answer
from .examples import examples
from .frame import script, show
from .panel import details, verdict
from .upload import MEGABYTES, MOST, SAID, shown, too_many
from .verdict import of_hundred

HELP = f'DICOM, PNG or JPEG, up to {MEGABYTES} MB each, several at once'
state = st.session_state


def page(subject):
    top = st.empty()
    dropped = uploaded()
    choice = st.container(horizontal=True, vertical_alignment='bottom')
    files = dropped or asked(subject, choice)
    found, unread = read(subject, files)
    if state.get('said') or unread: show('refused', said=state.get('said'), unread=unread)
    if not found:
        with top: return show('welcome', title=subject.title)
    with choice: at = choose(found)
    film = looked_at(subject, at, files[at][1], found[at].film)
    left, right = st.columns([3, 2], gap='large')
    with right: verdict(subject, found[at], film)  # first, for the browser draws it while the heatmap is made
    with left: viewer.viewer(subject, at, found[at], film)
    with right: details(subject, found[at], list(found.values()))


def asked(subject, place) -> dict:
    "The examples, where they are asked for."
    if place.button('Close the examples' if state.get('examples') else 'Open the examples'):
        state['examples'] = not state.get('examples')
        st.rerun()
    return {name: (name, raw, truth) for name, raw, truth in drawn(subject)} if state.get('examples') else {}


@st.cache_resource(show_spinner='Drawing the examples')
def drawn(_subject): return examples(_subject)


def uploaded() -> dict:
    "name, bytes and true class (not known) of each file that was dropped, by a key of its own."
    n = state.setdefault('round', 0)
    files = st.file_uploader(f'Chest radiographs: {HELP}', accept_multiple_files=True, key=f'files{n}')
    script('many', most=MOST, said=SAID)
    if said := too_many(len(files)):
        state.update(round=n + 1, said=said)  # another uploader: what was given to this one is let go
        st.rerun()
    if files: state['said'] = ''
    return {f.file_id: (shown(f.name), f.getvalue(), '') for f in files}


def read(subject, files) -> tuple[dict, list]:
    "The `Answer` of each file that could be read, by its key, and (name, reason) of those that could not. Each is read once."
    known = state.get('answers', {})
    new = [key for key in files if key not in known]
    kept = {key: known[key] for key in files if key in known}
    if new:
        with st.spinner('Reading'): kept |= {key: one(subject, *files[key]) for key in new}
        give_back()
    state['answers'] = {key: kept[key] for key in files}
    reasons = [(files[key][0], a) for key, a in state['answers'].items() if isinstance(a, str)]
    return {key: a for key, a in state['answers'].items() if not isinstance(a, str)}, reasons


def one(subject, name, raw, truth):
    "The `Answer`, or the reason why there is none."
    try: return answer(subject.model, name, raw, truth)
    except UnreadableImage as e: return e.reason


def choose(found) -> str:
    "The key of the one that is looked at."
    if len(found) == 1: return next(iter(found))
    def said(key): return f'{found[key].name}: {of_hundred(found[key].prediction.calibrated)} of 100'
    return st.selectbox('Radiograph', found, format_func=said)


def looked_at(subject, key, raw, film):
    "Its pixels for the eye; those of one image are kept."
    if state.get('film', (None,))[0] != key: state['film'] = key, picture.look(raw, film, subject.recipe)
    return state['film'][1]
