import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.data import prepare as module
from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.data.prepare import boxes_in_square, find_cohort, prepare, stepped
from pneumo_fastai.data.split import UNUSED, check_disjoint
from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import Experiment

SMALL = Experiment(size=32)


def test_a_corrupt_file_is_set_aside_and_moves_nobody(films, tmp_path):
    shutil.copytree(films, tmp_path/'films')
    whole = prepare(read_cohort(tmp_path/'films'), SMALL)
    victim = sorted((tmp_path/'films'/'NORMAL').iterdir())[3]
    victim.write_bytes(b'not a picture')
    rest = prepare(read_cohort(tmp_path/'films'), SMALL)
    assert list(rest.rejected.path) == [str(victim)] and rest.rejected.reason[0]
    assert len(rest.table) == len(whole.table) - 1 and list(rest.table.index) == list(range(len(rest.table)))
    both = whole.table.merge(rest.table, on='path')
    assert (both.split_x == both.split_y).all()
    check_disjoint(rest.table)
    assert prepare(rest, SMALL) is rest


def test_nothing_readable_says_so_in_one_line(films, tmp_path):
    shutil.copytree(films, tmp_path/'films')
    for p in (tmp_path/'films').rglob('*.png'): p.write_bytes(b'x')
    with pytest.raises(InputError, match='none of the 80 images can be read'): prepare(read_cohort(tmp_path/'films'), SMALL)


def test_headers_fill_what_the_labels_do_not_say(shared, tmp_path):
    folder = shared/'rsna-16'/'stage_2_train_images'
    files = sorted(folder.iterdir())
    rows = [f'{p},{i % 2}' for i, p in enumerate(files)]
    (tmp_path/'manifest.csv').write_text('path,label\n' + '\n'.join(rows))
    done = prepare(read_cohort(tmp_path/'manifest.csv'), Experiment(size=32, valid=0.3, test=0.3, split_seed=1))
    assert set(done.table['view']) == {'PA', 'AP'} and set(done.table.sex) <= {'F', 'M'} and done.table.age.between(1, 100).all()
    assert done.table.patient.str.fullmatch('[0-9a-f]{16}').all() and done.table.patient.nunique() == 16  # hashed PatientIDs


def test_boxes_of_real_films_lie_inside_the_square(shared):
    done = prepare(read_cohort(shared/'rsna-256'), Experiment(size=64))
    some = done.table[done.table.label == 1].head(30)
    boxes = np.array([b for p in some.path for b in boxes_in_square(done, p, Experiment(size=64))])
    assert len(boxes) >= 30 and (boxes[:, :2] >= 0).all() and (boxes[:, :2] + boxes[:, 2:] <= 64).all()
    first = some.iloc[0]
    np.testing.assert_allclose(boxes_in_square(done, first.path, Experiment(size=64))[0], np.array(first.boxes[0]) / 4)


def test_dicoms_in_class_folders_belong_to_the_patient_of_their_header(shared, tmp_path):
    import pydicom
    films = sorted((shared/'rsna-16'/'stage_2_train_images').iterdir())
    for i in range(60):
        ds = pydicom.dcmread(films[i % 2])
        ds.PatientID = f'patient {i % 30}'
        place = tmp_path/'d'/('PNEUMONIA' if i % 2 else 'NORMAL')
        place.mkdir(parents=True, exist_ok=True)
        ds.save_as(place/f'film{i}.dcm')
    done = prepare(read_cohort(tmp_path/'d'), Experiment(size=32, valid=0.3, test=0.3))
    assert done.table.patient.nunique() == 30 and not any('own' in o for o in done.notes)
    check_disjoint(done.table)


def test_a_cohort_prepared_for_another_size_is_refused(films):
    done = prepare(read_cohort(films), SMALL)
    with pytest.raises(InputError, match='another size'): prepare(done, Experiment(size=64))


def test_folds_that_cannot_be_are_told_before_the_first(films):
    cohort = read_cohort(films)
    few = cohort.table[cohort.table.patient.isin([*sorted(set(cohort.table.patient))[:6], 'person0', 'person3', 'person6'])]
    cohort.table = few.reset_index(drop=True)
    with pytest.raises(InputError, match='too few'): prepare(cohort, Experiment(size=32, folds=5))


def test_a_batch_of_more_images_than_train_has_is_refused_with_the_most_that_would_do(films, tmp_path):
    cohort = prepare(read_cohort(films), SMALL)
    n = int((cohort.table.split == 'train').sum())
    assert stepped(cohort, replace(SMALL, batch_size=n)) is cohort
    with pytest.raises(InputError, match=f'^batch_size is {n + 1}, but train has {n} images, fewer than one step takes; give at most {n}$'):
        stepped(cohort, replace(SMALL, batch_size=n + 1))


def test_of_folds_the_least_counts(films):
    e = replace(SMALL, folds=3)
    sizes = [int((prepare(read_cohort(films), e, fold=k).table.split == 'train').sum()) for k in range(3)]
    cohort = prepare(read_cohort(films), e, fold=sizes.index(max(sizes)))
    stepped(cohort, replace(e, batch_size=min(sizes)))
    with pytest.raises(InputError, match=f'at most {min(sizes)}$'): stepped(cohort, replace(e, batch_size=min(sizes) + 1))


@pytest.mark.parametrize('lost', ['stage_2_train_labels.csv', 'SYNTHETIC', 'pneumonia-*.json', 'stage_2_train_images/*.dcm'])
def test_a_demo_set_that_lacks_a_file_is_drawn_again(tmp_path, monkeypatch, caplog, lost):
    monkeypatch.setattr(module, 'DEMO_IMAGES', 6)
    whole = find_cohort('demo', tmp_path/'c')
    next((tmp_path/'c').glob(f'demo-*/{lost}')).unlink()
    again = find_cohort('demo', tmp_path/'c')
    pd.testing.assert_frame_equal(again.table, whole.table)
    assert len(caplog.messages) == 1 and 'damaged' in caplog.messages[0] and again.synthetic and not again.notes
    find_cohort('demo', tmp_path/'c')
    assert len(caplog.messages) == 1


def test_a_fraction_is_said_drawn_by_seed_and_the_same_from_any_other(films):
    whole = prepare(read_cohort(films), SMALL)
    few, more = (prepare(whole, replace(SMALL, fraction=f)) for f in (.2, .5))
    n, of = (t.patient[t.split == 'train'].nunique() for t in (few.table, whole.table))
    assert few.notes[-1] == f'fraction 0.2: {n} of {of} training patients, with {2*n} images, are trained on'
    assert few.notes[:-1] == whole.notes
    for again in (prepare(few, replace(SMALL, fraction=.2)), prepare(more, replace(SMALL, fraction=.2)),
                  prepare(read_cohort(films), replace(SMALL, fraction=.2))):
        assert again.table.equals(few.table) and again.notes == few.notes
    back = prepare(few, SMALL)
    assert back.table.equals(whole.table) and back.notes == whole.notes
    assert not prepare(whole, replace(SMALL, fraction=.2, seed=1)).table.equals(few.table)
    with pytest.raises(InputError, match=f'train has {2*n} images.*or a greater fraction$'):
        stepped(few, replace(SMALL, fraction=.2, batch_size=2*n + 1))


def test_a_fraction_of_each_fold_leaves_all_tested_once(films):
    e = replace(SMALL, folds=3, fraction=.5)
    tables = [prepare(read_cohort(films), e, fold=k).table for k in range(3)]
    whole = [prepare(read_cohort(films), replace(e, fraction=1.), fold=k).table for k in range(3)]
    for part, all_of in zip(tables, whole, strict=True):
        assert part.split.replace(UNUSED, 'train').equals(all_of.split) and (part.split == UNUSED).any()
    assert sum((t.split == 'test').astype(int) for t in tables).eq(1).all()
