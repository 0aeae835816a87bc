from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.data.decoding.dicom import read_square
from pneumo_fastai.data.leaks import COPY, PATIENT, RELATED, in_words, named, seen, signatures_of
from pneumo_fastai.data.signatures import ALIKE, BYTES, FILE, nearest, save


def bits(*seeds): return np.stack([np.random.default_rng(s).integers(0, 256, BYTES, dtype=np.uint8) for s in seeds])


@pytest.fixture
def run():
    "Six images of three patients, two in each split."
    split, names = np.repeat(['train', 'valid', 'test'], 2), [f'/own/{i}.png' for i in range(6)]
    return pd.DataFrame(dict(path=names, patient=[f'p{i//2}' for i in range(6)], split=split)), bits(*range(6))


def others(patients): return pd.DataFrame(dict(path=[f'/there/{i}.png' for i in range(len(patients))], patient=patients))


def test_a_picture_under_another_name_its_patient_and_a_known_id_are_left_out(run):
    table, ours = run
    there, known = others(['a', 'a', 'p1', 'p1x', 'p2', 'b']), np.ones(6, bool)
    left, own = seen(there, known, np.concatenate([bits(0, 90, 91, 92), ours[5:], bits(93)]), table, ours)
    assert left[['path', 'reason', 'like']].values.tolist() == [
        ['/there/0.png', COPY, '/own/0.png'], ['/there/1.png', RELATED, None], ['/there/2.png', PATIENT, '/own/2.png']]
    assert left.correlation[0] == 1 and own == 1
    notes = in_words(left, own, ours, 6)
    assert len(notes) == 4 and '1 images are the run\'s own test images' in notes[-1]


def test_a_test_image_stays_that_the_set_has_in_train_too(run):
    table, ours = run
    ours[0] = ours[4]
    assert seen(others(['z']), [True], ours[4:5], table, ours)[0].empty
    assert list(seen(others(['z']), np.array([True]), ours[1:2], table, ours)[0].reason) == [COPY]


def test_an_id_that_is_a_path_says_nothing_elsewhere(run, tmp_path):
    table, ours = run
    left, _ = seen(others(['p0']), np.array([False]), bits(50), table, ours)
    assert left.empty
    there = pd.DataFrame(dict(path=['/a', '/b', '/c'], patient=['NORMAL/1', 'x.png', 'p0']))
    cohort = SimpleNamespace(table=there.assign(name=[None, 'x.png', None]))
    assert named(cohort, there).tolist() == [False, False, True]


def test_without_pictures_ids_are_compared_and_that_is_said(run):
    table, _ = run
    left, own = seen(others(['p0', 'p2']), np.ones(2, bool), None, table, None)
    assert left.reason.tolist() == [PATIENT] and own == 0
    assert 'could not be compared' in in_words(left, own, None, 2)[0]
    alone = in_words(seen(others(['p0']), np.ones(1, bool), bits(60), table, bits(*range(6)))[0], 0, bits(0), 1)
    assert 'by chance' in alone[-1]


@pytest.mark.parametrize('grey', ['standardised', 'equalised', 'clahe'])
def test_a_picture_is_recognised_by_its_equalised_square_under_another_exposure(shared, tmp_path, grey):
    real = sorted((shared/'rsna-16').rglob('*.dcm'))[:8]
    for i, path in enumerate(real):
        darker = np.round(255*(read_square(path, 256)[0]/255)**1.6).astype(np.uint8)
        Image.fromarray(darker).save(tmp_path/f'{i}.png')
    table = pd.DataFrame(dict(path=list(map(str, real))))
    copies = table.assign(path=[str(tmp_path/f'{i}.png') for i in range(len(real))])
    ours, theirs = (signatures_of(tmp_path, t, (128, 'pad', False, grey), tmp_path/'cache') for t in (table, copies))
    r, place = nearest(theirs, ours)
    assert (r >= ALIKE).all() and place.tolist() == list(range(8))
    for i in range(8): assert nearest(theirs[i:i + 1], np.delete(ours, i, 0))[0] < ALIKE


def test_signatures_are_those_kept_or_of_the_images_or_none(films, tmp_path):
    table = read_cohort(films).table.head(4)
    how = 32, 'pad', False
    found = signatures_of(tmp_path, table, how, tmp_path/'cache')
    assert found.shape == (4, BYTES) and found.any(1).all()
    assert signatures_of(tmp_path, table.assign(path=['/gone', *table.path[1:]]), how) is None
    save(tmp_path/FILE, found[::-1])
    np.testing.assert_array_equal(signatures_of(tmp_path, table.assign(path=['/gone', *table.path[1:]]), how), found[::-1])
