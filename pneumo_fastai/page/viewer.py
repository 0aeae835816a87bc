"The radiograph: window, zoom, and the heatmap over it. A change of these draws this part of the page alone."
import streamlit as st

from ..report.gallery import COLORS, overlaid
from ..report.sections.heatmaps import METHODS
from . import heat, picture
from .frame import show

state = st.session_state
LAST = 'last maps'


@st.fragment
def viewer(subject, key, answer, film):
    place = st.container(key='film')
    opacity = st.slider('Heatmap, % opaque', 0, 100, 60, 5, key='opacity')
    words = st.container()
    with st.expander('Window, zoom, and which heatmap'):
        window, heatmap = st.columns(2, gap='medium')
        with window: level, width, where = window_wanted()
        with heatmap: layers, method = heat_wanted(subject)
    pixels, said = picture.windowed(film, level, width), 'Chest radiograph'
    if opacity:
        found = computed(subject, key, answer, layers, method)
        hot = picture.fitted(found.map, answer.film, subject.recipe['aspect'])
        pixels, said = overlaid(pixels, hot, opacity / 100), 'Chest radiograph with heatmap'
        with words: legend(subject, found)
    place.image(picture.jpeg(pixels[picture.part(film.shape, *where)]), width='stretch', alt=f'{said}: {answer.name}')


def heat_wanted(subject) -> tuple:
    "Layers (None: the last maps) and method."
    own, method, _ = subject.own_maps
    named = ', '.join(own) if own else LAST
    layer = st.selectbox('Layer', [named, *(o for o in subject.layers if o != named)], key='layer') if subject.layers else named
    methods = list(METHODS)
    method = st.selectbox('Method', methods, methods.index(method), METHODS.get, key='method')
    return own if layer == named else [layer], method


def window_wanted() -> tuple:
    "Level and width in grey levels; zoom and where to, as `picture.part` takes them."
    level = st.slider('Window level', 0, 255, 128, key='level')
    width = st.slider('Window width', 2, 512, 256, 2, key='width')
    zoom = st.slider('Zoom', 1., 6., 1., .5, '%.1f times', key='zoom')
    if zoom == 1: return level, width, (1, .5, .5)
    across = st.slider('From left to right, %', 0, 100, 50, 5, key='across')
    down = st.slider('From top to bottom, %', 0, 100, 50, 5, key='down')
    return level, width, (zoom, across / 100, down / 100)


def computed(subject, key, answer, layers, method) -> heat.Heat:
    "The last one is kept: opacity, window and zoom do not change it."
    wanted = key, layers, method
    if state.get('heat', (None,))[0] != wanted: state['heat'] = wanted, heat.heat(subject, answer.image, layers, method)
    return state['heat'][1]


def legend(subject, found):
    numbers = found.scale.at(0, .5, 1) if found.chosen != heat.OWN else ('0', 'half', 'hottest place')
    show('legend', colors=COLORS, numbers=numbers, scale=found.scale, chosen=found.chosen, trust=heat.trust(subject, found.scored))
