import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from pneumo_fastai.data import audit as A
from pneumo_fastai.data.borders import SIDES, bar, content, looks, side_first
from pneumo_fastai.data.cache import open_pixels
from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.data.decoding.dicom import millimetres, square
from pneumo_fastai.data.duplicates import candidates, duplicate_pairs, groups
from pneumo_fastai.experiment import Experiment

SMALL = Experiment(size=64)


def film(seed, height=160, width=128):
    "Blurred noise: structure at every scale, as a radiograph has."
    rng, x = np.random.default_rng(seed), 0
    for n in (4, 8, 16, 32, 64):
        x = x + np.asarray(Image.fromarray(rng.normal(size=(n, n)).astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC))
    return (110 + 25*x).clip(0, 255).astype(np.uint8)


def changed(kind, pixels):
    image, out = Image.fromarray(pixels), io.BytesIO()
    if kind == 'smaller': return np.asarray(image.resize((image.width//2, image.height//2)))
    if kind == 'lighter': return (pixels.astype(int) + 25).clip(0, 255).astype(np.uint8)
    if kind == 'flatter': return (128 + .7*(pixels - 128.)).astype(np.uint8)
    if kind == 'letter': return np.where(np.pad(np.ones((14, 14), bool), ((4, image.height - 18), (4, image.width - 18))), 255, pixels)
    if kind == 'jpeg': image.save(out, 'jpeg', quality=40)
    return np.asarray(Image.open(out)) if kind == 'jpeg' else pixels


def class_folder(folder, films):
    "Write {'NORMAL/a.png': pixels} and read it as a cohort with pixels, undivided."
    for name, pixels in films.items():
        (folder/name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(folder/name)
    return A.ready(read_cohort(folder, 1), SMALL)


def pairs_of(cohort): return duplicate_pairs(cohort.pixels, cohort.table.path.tolist(), 'pad')


KINDS = ['same', 'smaller', 'lighter', 'flatter', 'letter', 'jpeg']


def test_planted_copies_are_found_and_nothing_else(tmp_path):
    films = {f'NORMAL/{i:02}.png': film(i) for i in range(30)}
    copies = {f'{"PNEUMONIA" if i % 2 else "NORMAL"}/copy{i}_{kind}.png': changed(kind, film(i)) for i, kind in enumerate(KINDS)}
    cohort = class_folder(tmp_path/'a', films | copies)
    pairs = pairs_of(cohort)
    name = cohort.table.path.str.rsplit('/', n=1).str[1]
    got = {tuple(sorted((name[a], name[b]))) for a, b in zip(pairs.a, pairs.b, strict=True)}
    assert got == {(f'{i:02}.png', f'copy{i}_{kind}.png') for i, kind in enumerate(KINDS)}
    assert pairs.identical.sum() == 1 and pairs.correlation.iloc[0] == 1 and pairs.correlation.between(.85, 1).all()
    found = A.duplicates(cohort.table.assign(split='train'), pairs)
    assert (found['pairs'], found['images'], found['groups'], found['across_labels'], found['across_splits']) == (6, 12, 6, 3, 0)
    assert all(o['across_labels'] for o in found['list'][:3]) and not any(o['across_labels'] for o in found['list'][3:])


def test_across_splits_is_counted_and_not_told_without_splits():
    table = pd.DataFrame(dict(path=list('abcd'), label=0, patient=list('xxyz'), split=['train', 'test', 'train', 'train']))
    pairs = pd.DataFrame(dict(a=[0, 2], b=[1, 3], correlation=[.9, .99], identical=False))
    found = A.duplicates(table, pairs)
    assert (found['across_splits'], found['across_patients']) == (1, 1) and found['list'][0]['a'] == 'a'
    assert A.duplicates(table.assign(split=None), pairs)['across_splits'] is None


def test_candidates_are_all_pairs_within_the_distance():
    rng = np.random.default_rng(0)
    base = rng.integers(0, 2**63, 300, dtype=np.uint64)
    codes = np.concatenate([base, base[:40] ^ (np.uint64(1) << rng.integers(0, 60, 40).astype(np.uint64))])
    naive = [(i, j) for i in range(len(codes)) for j in range(i + 1, len(codes)) if int(codes[i] ^ codes[j]).bit_count() <= 10]
    assert [tuple(o) for o in candidates(codes, 10)] == naive and len(naive) >= 40


def test_chains_of_pairs_are_one_group():
    assert groups(pd.DataFrame(dict(a=[1, 2, 7], b=[2, 5, 9]))) == [[1, 2, 5], [7, 9]]
    assert groups(pd.DataFrame(dict(a=[], b=[]))) == []


def test_constant_images_are_no_duplicates_of_each_other(tmp_path):
    cohort = class_folder(tmp_path, {**{f'NORMAL/{i}.png': np.full((40, 40), 9) for i in range(3)}, 'NORMAL/a.png': film(0)})
    assert pairs_of(cohort).empty
    seen = looks(cohort.pixels, cohort.table.path, 'pad')
    assert A.edges(cohort.table, seen)['constant'] == sorted(p for p in cohort.table.path if not p.endswith('a.png'))


@pytest.mark.parametrize('name, n', [('rsna-256', 0), pytest.param('kermany-224', 28, marks=pytest.mark.slow)])
def test_of_real_films_only_copies_are_called_so(shared, name, n):
    cohort = read_cohort(shared/name)
    pairs = duplicate_pairs(open_pixels(cohort.table.path, 128), cohort.table.path.tolist(), 'pad')
    assert len(pairs) == n and pairs.identical.all()
    assert (cohort.table.patient.to_numpy()[pairs.a] == cohort.table.patient.to_numpy()[pairs.b]).all()  # found without knowing patients


@pytest.mark.parametrize('height, width', [(160, 128), (100, 100), (61, 200), (333, 47)])
def test_content_is_what_was_not_padded(height, width):
    padded = square(np.full((height, width), 200, np.uint8), 64) > 100
    top, bottom, left, right = content(height, width, 64, 'pad')
    assert padded[top:bottom, left:right].all() and padded.sum() == (bottom - top)*(right - left)
    assert content(height, width, 64, 'crop') == (0, 64, 0, 64)


@pytest.mark.parametrize('side', range(4))
@pytest.mark.parametrize('tone', [0, 128, 250])
def test_a_bar_is_measured_from_its_side_also_with_a_letter_in_it(side, tone):
    pixels = film(1, 128, 128).clip(20, 230)
    turned = np.rot90(pixels, side).copy()
    turned[:13] = tone
    turned[4:9, 60:64] = 255 - tone
    image = np.rot90(turned, -side)[None]
    found = {s: bar(side_first(image, s)) for s in SIDES}
    name = ['top', 'right', 'bottom', 'left'][side]
    assert abs(found[name][0][0] - 13/128) < .01 and found[name][1][0] == tone
    assert all(width[0] == 0 for s, (width, _) in found.items() if s != name)


def test_padding_is_no_bar_and_borders_are_counted_by_class(tmp_path):
    films = {f'NORMAL/{i}.png': film(i, 200, 100) for i in range(4)}
    for i in range(4): films[f'PNEUMONIA/p{i}.png'] = np.pad(film(9 + i, 200, 100), ((0, 0), (20, 0))) if i else film(9)
    cohort = class_folder(tmp_path, films)
    found = A.edges(cohort.table, looks(cohort.pixels, cohort.table.path, 'pad'))
    assert found['bar_share_by_class'] == {'no pneumonia': 0, 'pneumonia': .75}
    assert found['bar_by_tone'] == dict(black=3, grey=0, white=0) and found['bar_by_side']['left'] == 3
    assert all(abs(o['share'] - 20/120) < .03 for o in found['bars'])


def test_saturated_images_are_named(tmp_path):
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


def test_one_class_too_few_patients_and_no_header_stop_nothing(tmp_path):
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


@pytest.mark.parametrize('header, mm', [
    (dict(PixelSpacing=[.143, .15]), .143), (dict(ImagerPixelSpacing=[.2, .2]), .2),
    (dict(PixelSpacing=[.1, .1], ImagerPixelSpacing=[.2, .2]), .1),
    (dict(PixelSpacing=[0, 0], ImagerPixelSpacing=[.3, .3]), .3), (dict(PixelSpacing=None), np.nan), ({}, np.nan)])
def test_spacing_of_the_pixels_or_else_of_the_detector(header, mm):
    ds = Dataset()
    for k, v in header.items(): setattr(ds, k, v)
    assert millimetres(ds) == pytest.approx(mm, nan_ok=True)


def test_spacing_of_real_films_reaches_the_features(shared):
    cohort = A.ready(read_cohort(shared/'rsna-16'), SMALL)
    features, names = A.features(cohort, looks(cohort.pixels, cohort.table.path, 'pad'))
    assert features.spacing.between(.1, .25).all() and (features.height == 1024).all() and len(features) == 16
    assert {c for columns in names.values() for c in columns} <= set(features)
