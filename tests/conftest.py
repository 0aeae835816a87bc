"Small seeded inputs. Real radiographs lie beside the project, in ../shared/data; tests that need them skip where they are absent."
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

os.environ['MPLBACKEND'] = 'Agg'
SHARED = Path(__file__).parents[2]/'shared'/'data'


@pytest.fixture(scope='session')
def shared():
    if not SHARED.is_dir(): pytest.skip(f'{SHARED} is absent: no real radiographs here')
    return SHARED


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    "Nothing is read from or written to the user's cache."
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.getbasetemp()/'cache'))


def write_films(folder, persons=40, each=2, size=48, seed=0):
    "Class folders of noise; PNEUMONIA has a bright patch. Returns the folder."
    rng = np.random.default_rng(seed)
    for name in ('NORMAL', 'PNEUMONIA'): (folder/name).mkdir(parents=True)
    for person in range(persons):
        for image in range(each):
            pixels = rng.normal(90, 25, (size, size))
            positive = person % 3 == 0
            if positive: pixels[10:30, 8:24] += 70
            name = f'person{person}_bacteria_{image}.png' if positive else f'IM-{person:04}-{image:04}.png'
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder/('PNEUMONIA' if positive else 'NORMAL')/name)
    return folder


@pytest.fixture(scope='session')
def films(tmp_path_factory): return write_films(tmp_path_factory.mktemp('films')/'films')
