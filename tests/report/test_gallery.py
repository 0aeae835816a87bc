import base64
import io
import math
import re
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pneumo_fastai.report.gallery import overlaid, write_errors


def rows(n, size=64, seed=0):
    rng = np.random.default_rng(seed)
    for i in range(n):
        row = pd.Series(dict(path=f'/films/{i}.dcm', label=i % 2, probability=.25, right=.25 if i % 2 else .75, view='AP', age=60.,
                             sex=None, detail='Normal'))
        yield row, rng.integers(0, 256, (size, size), dtype=np.uint8), rng.random((size, size)), [(1, 2, 30, 40)] if i % 2 else []


def written(path, some, **options):
    n = write_errors(path, some, .2, 'weighted on films', 50, **options)
    return n, path.read_text()


def test_each_row_says_what_is_known_and_shows_two_pictures(tmp_path):
    n, text = written(tmp_path/'top_losses.html', rows(3))
    assert n == 3 and text.count('<article') == 3 and text.count('data:image/jpeg') == 6 and text.count('<rect') == 2
    assert [float(x) for x in re.findall(r'loss (\d\.\d\d)', text)] == pytest.approx([-math.log(p) for p in (.75, .25, .75)], abs=.005)
    assert text.count('(false alarm)') == 2 and text.count('(right)') == 1 and 'AP, 60 years, Normal' in text and 'None' not in text
    assert '1.dcm' in text and '3 of 50 test images' in text and 'src="http' not in text and text.endswith('</html>\n')
    image = Image.open(io.BytesIO(base64.b64decode(re.search(r'base64,([^"]+)"', text)[1])))
    assert image.size == (64, 64) and image.mode == 'L'


def test_maps_that_were_taught_say_so(tmp_path):
    assert 'The maps were taught' in written(tmp_path/'t.html', rows(1), taught=['The maps were taught.'])[1]
    assert 'taught' not in written(tmp_path/'t.html', rows(1))[1]


def test_heat_of_zero_leaves_the_radiograph_and_heat_of_one_colours_it():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert (overlaid(image, np.zeros((16, 16))) == image[..., None]).all()
    hot = overlaid(image, np.ones((16, 16)))
    assert (hot[..., 0] > hot[..., 2]).all()  # the end of inferno is yellow


def test_synthetic_at_every_image_and_a_flat_map_is_told(tmp_path):
    flat = [(row, image, heat * 0, boxes) for row, image, heat, boxes in rows(4)]
    _, text = written(tmp_path/'t.html', flat, synthetic=True)
    assert text.count('class="synthetic"') == 5 and text.count('Its map is flat') == 4


def test_the_whole_file_or_none(tmp_path):
    (tmp_path/'t.html').write_text('before')
    def broken():
        yield from rows(2)
        raise RuntimeError
    with pytest.raises(RuntimeError): written(tmp_path/'t.html', broken())
    assert [p.name for p in tmp_path.iterdir()] == ['t.html'] and (tmp_path/'t.html').read_text() == 'before'


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    def peak(n):
        tracemalloc.start()
        write_errors(tmp_path/'t.html', rows(n), .2, 't', n)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top
    peak(2)  # what is loaded once
    few = peak(5)
    assert peak(100) < 1.5 * few < (tmp_path/'t.html').stat().st_size
