import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pneumo_fastai.data import audit as A
from pneumo_fastai.data.cache import open_pixels
from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.data.duplicates import candidates, duplicate_pairs, groups


def pairs_of(cohort): return duplicate_pairs(cohort.pixels, cohort.table.path.tolist(), 'pad')


def changed(kind, pixels):
    image, out = Image.fromarray(pixels), io.BytesIO()
    if kind == 'smaller': return np.asarray(image.resize((image.width//2, image.height//2)))
    if kind == 'lighter': return (pixels.astype(int) + 25).clip(0, 255).astype(np.uint8)
    if kind == 'flatter': return (128 + .7*(pixels - 128.)).astype(np.uint8)
    if kind == 'letter': return np.where(np.pad(np.ones((14, 14), bool), ((4, image.height - 18), (4, image.width - 18))), 255, pixels)
    if kind == 'jpeg': image.save(out, 'jpeg', quality=40)
    return np.asarray(Image.open(out)) if kind == 'jpeg' else pixels


KINDS = ['same', 'smaller', 'lighter', 'flatter', 'letter', 'jpeg']


def test_planted_copies_are_found_and_nothing_else(tmp_path, film, class_folder):
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


def test_candidates_are_all_pairs_within_the_distance():
    rng = np.random.default_rng(0)
    base = rng.integers(0, 2**63, 300, dtype=np.uint64)
    codes = np.concatenate([base, base[:40] ^ (np.uint64(1) << rng.integers(0, 60, 40).astype(np.uint64))])
    naive = [(i, j) for i in range(len(codes)) for j in range(i + 1, len(codes)) if int(codes[i] ^ codes[j]).bit_count() <= 10]
    assert [tuple(o) for o in candidates(codes, 10)] == naive and len(naive) >= 40


def test_chains_of_pairs_are_one_group():
    assert groups(pd.DataFrame(dict(a=[1, 2, 7], b=[2, 5, 9]))) == [[1, 2, 5], [7, 9]]
    assert groups(pd.DataFrame(dict(a=[], b=[]))) == []


@pytest.mark.parametrize('name, n', [('rsna-256', 0), pytest.param('kermany-224', 28, marks=pytest.mark.slow)])
def test_of_real_films_only_copies_are_called_so(shared, name, n):
    cohort = read_cohort(shared/name)
    pairs = duplicate_pairs(open_pixels(cohort.table.path, 128), cohort.table.path.tolist(), 'pad')
    assert len(pairs) == n and pairs.identical.all()
    assert (cohort.table.patient.to_numpy()[pairs.a] == cohort.table.patient.to_numpy()[pairs.b]).all()  # found without knowing patients
