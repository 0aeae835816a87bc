from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.data.prepare import prepare
from pneumo_fastai.data.split import HELD_OUT, check_disjoint
from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import Experiment

SMALL = Experiment(size=32, valid=.2, test=.2, aspect='pad')
N = 40  # patients


def drawn(folder, picture, ill=lambda k: k % 2 == 0, each=2):
    "Class folders of `each` images of N patients, `picture(patient, image, rng)`; all of a patient's in one class."
    rng = np.random.default_rng(0)
    for k in range(N):
        for i in range(each):
            place = folder/('PNEUMONIA' if ill(k) else 'NORMAL')
            place.mkdir(parents=True, exist_ok=True)
            name = f'person{k}_bacteria_{i}.png' if ill(k) else f'IM-{k:04}-{i:04}.png'
            Image.fromarray(picture(k, i, rng).clip(0, 255).astype(np.uint8)).save(place/name)
    return folder


def noise(mean, sd): return lambda k, i, rng: rng.normal(mean(k, i), sd(k, i), (48, 48 if k % 3 else 24))  # some are padded




def waves(pixels):
    "Stripes of this half-width in pixels, in a contrast that has nothing to do with it."
    return lambda k, i, rng: 120 + rng.uniform(10, 60)*np.sin(np.arange(48)*np.pi / pixels(k) + rng.uniform(0, 7))[:, None]*np.ones(48)


def bars(k, i, rng):
    "Noise with a black bar at the left, narrower with each patient."
    x = rng.normal(120, 30, (48, 48))
    x[:, :max(0, 14 - k)] = 0
    return x


PICTURES = dict(dark=noise(lambda k, i: 80 + 2*k + 60*i, lambda k, i: 15), bright=noise(lambda k, i: 160 - 2*k - 60*i, lambda k, i: 15),
                flat=noise(lambda k, i: 120, lambda k, i: 10 + k), blurred=waves(lambda k: 9 - k/8), sharp=waves(lambda k: 4 + k/8),
                framed=bars)
NAMES = dict(dark='darkest', bright='brightest', flat='flattest', blurred='most blurred', sharp='sharpest', framed='most framed')


def held(cohort): return {int(''.join(c for c in p if c.isdigit())) for p in cohort.table.patient[cohort.table.split == 'test']}


@pytest.mark.parametrize('kind', PICTURES)
def test_the_most_extreme_patients_are_test_and_no_others(tmp_path, kind):
    folder = drawn(tmp_path/'d', PICTURES[kind])
    done = prepare(read_cohort(folder), replace(SMALL, held_out=kind))
    assert held(done) == set(range(8))
    check_disjoint(done.table)
    note, = (o for o in done.notes if o.startswith(HELD_OUT))
    assert f'the 8 patients with the {NAMES[kind]} images' in note
    assert 'prevalence is 50% there, 50% in the rest' in note
    assert prepare(done, replace(SMALL, held_out=kind)) is done
    with pytest.raises(InputError, match='another size, aspect, grey or split'): prepare(done, SMALL)
    even = prepare(read_cohort(folder), replace(SMALL, held_out=kind, grey='equalised'))  # which leaves neither mean nor spread
    assert held(even) == set(range(8)) and even.notes == done.notes and (even.pixels.array != done.pixels.array).any()


def test_valid_is_drawn_among_the_others_and_by_its_own_seed(tmp_path):
    cohort = read_cohort(drawn(tmp_path/'d', PICTURES['dark']))
    one, other = (prepare(cohort, replace(SMALL, held_out='dark', split_seed=s)).table for s in (1, 2))
    assert (one.path[one.split == 'test'].to_numpy() == other.path[other.split == 'test'].to_numpy()).all()
    assert set(one.patient[one.split == 'valid']) != set(other.patient[other.split == 'valid'])
    assert all(3 <= t.patient[t.split == 'valid'].nunique() <= 14 for t in (one, other))  # of 32, a fifth of 40 expected


def test_prevalence_is_that_of_the_images_and_labels_do_not_choose(tmp_path):
    cohort = read_cohort(drawn(tmp_path/'d', PICTURES['dark'], ill=lambda k: k < 2 or k % 2 == 0))
    done = prepare(cohort, replace(SMALL, held_out='dark'))
    cohort.table['label'] = np.random.default_rng(0).permutation(cohort.table.label)
    assert held(prepare(cohort, replace(SMALL, held_out='dark'))) == held(done) == set(range(8))
    assert 'prevalence is 62% there, 50% in the rest' in done.notes[-1]


def test_what_one_class_alone_would_be_tested_on_is_refused_in_a_line(tmp_path):
    cohort = read_cohort(drawn(tmp_path/'d', PICTURES['dark'], ill=lambda k: k < 12))
    with pytest.raises(InputError, match=r"^held_out dark: test would hold no image of class 'no pneumonia'; take") as e:
        prepare(cohort, replace(SMALL, held_out='dark'))
    assert '\n' not in str(e.value)
    with pytest.raises(InputError, match="the rest would hold no image of class 'pneumonia'"):
        prepare(cohort, replace(SMALL, held_out='dark', test=.5))
    with pytest.raises(InputError, match='dark: test would hold'): prepare(cohort, replace(SMALL, held_out='dark', test=.001))


def layout(k, i, rng):
    "Four patients in twenty have their light above; exposure differs, which is no matter of layout."
    picture = rng.normal(0, 5, (48, 48))
    if k % 5 == 0: picture[:24] += 60
    else: picture[:, 24*(k % 2):24*(k % 2) + 24] += 60
    return (60 + picture)*(.5 + k/N)


def test_a_cluster_is_of_patients_that_look_alike(tmp_path):
    cohort = read_cohort(drawn(tmp_path/'d', layout, ill=lambda k: k//5 % 2 == 0))
    done = prepare(cohort, replace(SMALL, held_out='cluster', test=.25, valid=.25))
    assert held(done) <= set(range(0, N, 5)) or not held(done) & set(range(0, N, 5))
    three = prepare(cohort, replace(SMALL, held_out='cluster', test=.34, valid=.25))
    assert held(three) in ({k for k in range(N) if k % 5 and k % 2 == side} for side in (0, 1))
    assert 'the 16 patients of one of 3 clusters' in three.notes[-1]


def test_images_without_so_many_looks_have_no_clusters(tmp_path):
    cohort = read_cohort(drawn(tmp_path/'d', lambda k, i, rng: np.full((48, 48), k)))
    with pytest.raises(InputError, match='makes 5 clusters, and the patients have 1 looks'):
        prepare(cohort, replace(SMALL, held_out='cluster'))


def test_shipped_splits_are_not_used_and_that_is_said(tmp_path):
    folder = drawn(tmp_path/'d'/'train', PICTURES['dark'])
    (tmp_path/'d'/'test').mkdir()
    for p in [*folder.rglob('*_bacteria_*.png'), *folder.rglob('IM-*.png')][::3]:
        (to := tmp_path/'d'/'test'/p.parent.name).mkdir(exist_ok=True)
        p.rename(to/p.name)
    done = prepare(read_cohort(tmp_path/'d'), replace(SMALL, held_out='dark'))
    assert held(done) == set(range(8)) and 'the splits that the data set ships are not used: held_out makes its own' in done.notes
    check_disjoint(done.table)
    assert not any('ships are not used' in o for o in prepare(read_cohort(tmp_path/'d'), SMALL).notes)
