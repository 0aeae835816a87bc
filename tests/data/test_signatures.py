from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.data.prepare import decoded
from pneumo_fastai.data.signatures import ALIKE, BYTES, load, nearest, save, signatures
from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import Experiment


@pytest.fixture(scope='module')
def real(shared, tmp_path_factory):
    "Signatures of 120 children's films of as many patients, and of the same films shrunk, lightened and saved as JPEG of quality 40."
    place = tmp_path_factory.mktemp('kermany')
    chosen = [next(iter(sorted((shared/'kermany-224'/'train'/'PNEUMONIA').glob(f'person{i}_*')))) for i in range(1, 200)
              if any((shared/'kermany-224'/'train'/'PNEUMONIA').glob(f'person{i}_*'))][:120]
    for name, change in (('as they are', lambda im: im), ('changed', changed)):
        (place/name/'PNEUMONIA').mkdir(parents=True)
        for path in chosen:
            with Image.open(path) as im: change(im).save(place/name/'PNEUMONIA'/f'{path.stem}.png')
    return [of(place/name) for name in ('as they are', 'changed')]


def changed(im):
    im.convert('L').resize((150, 150)).point(lambda v: min(255, v + 30)).save(kept := BytesIO(), 'jpeg', quality=40)
    return Image.open(kept)


def of(folder):
    cohort = decoded(read_cohort(folder, classes=1), Experiment(size=96))
    return signatures(cohort.pixels, list(cohort.table.path), 'pad')


def test_a_film_is_recognised_after_it_was_changed_and_no_other_is(real):
    here, there = real
    r, place = nearest(there, here)
    assert (r > ALIKE + .04).all() and (place == np.arange(len(here))).all()
    others = [nearest(here[i:i + 1], np.delete(here, i, 0))[0][0] for i in range(len(here))]
    assert max(others) < ALIKE - .04


def test_a_constant_image_is_like_none_not_even_itself():
    rng = np.random.default_rng(0)
    some = np.concatenate([rng.integers(0, 256, (3, BYTES), dtype=np.uint8), np.zeros((1, BYTES), np.uint8)])
    r, place = nearest(some, some)
    np.testing.assert_allclose(r, [1, 1, 1, -1])
    assert place[:3].tolist() == [0, 1, 2] and (nearest(some, some[3:])[0] == -1).all() and (nearest(some, some[:0])[0] == -1).all()


def test_many_are_compared_in_parts_with_the_same_answer(monkeypatch):
    rng = np.random.default_rng(1)
    a, b = (rng.integers(0, 256, (n, BYTES), dtype=np.uint8) for n in (50, 30))
    whole = nearest(a, b)
    monkeypatch.setattr('pneumo_fastai.data.signatures.ROWS', 7)
    np.testing.assert_array_equal(np.stack(nearest(a, b)), np.stack(whole))


def test_what_was_saved_is_read_back_and_what_is_damaged_says_so(tmp_path):
    found = np.arange(2*BYTES, dtype=np.uint8).reshape(2, BYTES)
    save(tmp_path/'signatures.npy', found)
    np.testing.assert_array_equal(load(tmp_path/'signatures.npy', 2), found)
    for spoil in (lambda p: None, lambda p: p.write_bytes(p.read_bytes()[:90]), lambda p: p.write_text('x'), lambda p: p.unlink()):
        spoil(tmp_path/'signatures.npy')
        with pytest.raises(InputError, match='delete it'): load(tmp_path/'signatures.npy', 3)
