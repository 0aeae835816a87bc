import json
import shutil

import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.data import audit as A
from pneumo_fastai.data.borders import looks
from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.data.duplicates import duplicate_pairs
from pneumo_fastai.experiment import Experiment

SMALL = Experiment(size=64)


def pairs_of(cohort): return duplicate_pairs(cohort.pixels, cohort.table.path.tolist(), 'pad')


def test_across_splits_is_counted_and_not_told_without_splits():
    table = pd.DataFrame(dict(path=list('abcd'), label=0, patient=list('xxyz'), split=['train', 'test', 'train', 'train']))
    pairs = pd.DataFrame(dict(a=[0, 2], b=[1, 3], correlation=[.9, .99], identical=False))
    found = A.duplicates(table, pairs)
    assert (found['across_splits'], found['across_patients']) == (1, 1) and found['list'][0]['a'] == 'a'
    assert A.duplicates(table.assign(split=None), pairs)['across_splits'] is None


def test_constant_images_are_no_duplicates_of_each_other(tmp_path, film, class_folder):
    cohort = class_folder(tmp_path, {**{f'NORMAL/{i}.png': np.full((40, 40), 9) for i in range(3)}, 'NORMAL/a.png': film(0)})
    assert pairs_of(cohort).empty
    seen = looks(cohort.pixels, cohort.table.path, 'pad')
    assert A.edges(cohort.table, seen)['constant'] == sorted(p for p in cohort.table.path if not p.endswith('a.png'))


def test_padding_is_no_bar_and_borders_are_counted_by_class(tmp_path, film, class_folder):
    films = {f'NORMAL/{i}.png': film(i, 200, 100) for i in range(4)}
    for i in range(4): films[f'PNEUMONIA/p{i}.png'] = np.pad(film(9 + i, 200, 100), ((0, 0), (20, 0))) if i else film(9)
    cohort = class_folder(tmp_path, films)
    found = A.edges(cohort.table, looks(cohort.pixels, cohort.table.path, 'pad'))
    assert found['bar_share_by_class'] == {'no pneumonia': 0, 'pneumonia': .75}
    assert found['bar_by_tone'] == dict(black=3, grey=0, white=0) and found['bar_by_side']['left'] == 3
    assert all(abs(o['share'] - 20/120) < .03 for o in found['bars'])


def test_saturated_images_are_named(tmp_path, film, class_folder):
    half = film(3, 64, 64)
    half[:, :32] = 255
    cohort = class_folder(tmp_path, {'NORMAL/a.png': half, 'NORMAL/b.png': film(4, 64, 64).clip(1, 254)})
    found = A.edges(cohort.table, looks(cohort.pixels, cohort.table.path, 'pad'))
    assert [o['path'][-5:] for o in found['saturated']] == ['a.png'] and found['saturated'][0]['share'] == pytest.approx(.5, abs=.03)


def table(n=400, **columns):
    base = dict(path=[f'/x/{i:04}.png' for i in range(n)], label=0, patient=[f'p{i}' for i in range(n)], split=None, view=None, sex=None,
                age=np.nan, detail=None)
    return pd.DataFrame(base | columns)


def test_counts_add_up_and_blank_fields_say_so():
    view = np.array(['PA', 'AP', None, 'PA'], dtype=object)[np.arange(400) % 4]
    t = table(label=np.arange(400) % 2, view=view, age=np.r_[np.full(10, 155.), np.full(190, 4.9), np.full(200, 5.)])
    got = A.counts(t)
    assert all(sum(row['images'] for row in values.values()) == 400 for values in got.values())
    assert got['view']['PA'] == dict(images=200, patients=200, pneumonia=100, prevalence=.5) and got['view']['not stated']['images'] == 100
    assert {k: o['images'] for k, o in got['age'].items()} == {'0 to 17': 390, 'not plausible': 10}
    assert list(got['age']) == ['0 to 17', 'not plausible']
    assert list(got['sex']) == ['not stated'] and got['class']['pneumonia']['prevalence'] == 1


def test_patients_are_counted_by_how_many_images_they_have():
    got = A.images_a_patient(table(10, patient=list('aabcccccdd'), label=[0, 1, 0, 0, 0, 0, 0, 0, 1, 1]))
    assert got == dict(patients=4, images_a_patient={'1': 1, '2': 2, '3 to 5': 1, '6 to 10': 0, '11 or more': 0}, most=5, of_both_classes=1)


def test_order_follows_names_not_folders():
    slices = A.order(table(label=np.r_[np.ones(100, int), np.zeros(300, int)]))
    assert [s['prevalence'] for s in slices] == [1]*5 + [0]*15 and slices[0]['last'] == '0019.png'
    paths = [f'/{"ab"[i % 2]}/{i:04}.png' for i in range(400)]     # sorted by path the classes would be apart
    alternating = A.order(table(path=paths, label=np.arange(400) % 2).sort_values('path', ignore_index=True))
    assert {s['prevalence'] for s in alternating} == {.5} and A.order(table(19)) == []


def test_one_class_too_few_patients_and_no_header_stop_nothing(tmp_path, film, class_folder):
    cohort = class_folder(tmp_path/'one', {f'NORMAL/{i}.png': film(i) for i in range(3)})
    assert cohort.table.split.isna().all() and 'no splits' in cohort.notes[-1] and 'pneumonia' in cohort.notes[-1]
    seen = looks(cohort.pixels, cohort.table.path, 'pad')
    found = A.findings(cohort, seen, pairs_of(cohort))
    assert json.loads(json.dumps(found)) == found and found['prevalence'] == 0 and found['duplicates']['across_splits'] is None


def test_findings_of_a_folder_with_a_broken_file(films, tmp_path):
    shutil.copytree(films, tmp_path/'films')
    (tmp_path/'films'/'NORMAL'/'IM-9999-0001.png').write_bytes(b'broken')
    cohort = A.ready(read_cohort(tmp_path/'films'), SMALL)
    found = A.findings(cohort, looks(cohort.pixels, cohort.table.path, 'pad'), pairs_of(cohort))
    assert found['images'] == 80 and found['rejected']['files'] == 1 and found['duplicates']['pairs'] == 0
    assert list(found['rejected']['reasons'].values()) == [1] and set(found['counts']['split']) == {'train', 'valid', 'test'}


def test_spacing_of_real_films_reaches_the_features(shared):
    cohort = A.ready(read_cohort(shared/'rsna-16'), SMALL)
    features, names = A.features(cohort, looks(cohort.pixels, cohort.table.path, 'pad'))
    assert features.spacing.between(.1, .25).all() and (features.height == 1024).all() and len(features) == 16
    assert {c for columns in names.values() for c in columns} <= set(features)
