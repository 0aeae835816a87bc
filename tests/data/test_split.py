import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.data.split import UNUSED, assign_fold, assign_splits, check_disjoint, crossing, share_of_train, split_summary, uniform
from pneumo_fastai.errors import InputError

REAL = Path(__file__).parents[2].parent/'shared'/'data'
SHARES = {'train':0.7, 'valid':0.15, 'test':0.15}


def frame(patients, labels, splits=None):
    splits = splits if splits is not None else [None]*len(patients)
    paths = [f'{i}.png' for i in range(len(patients))]
    return pd.DataFrame(dict(path=paths, label=labels, patient=patients, split=pd.Series(splits, dtype=object)))


def people(n=400, images=1000, seed=0, shipped=None):
    "Images of random patients, both classes; `shipped` names a split for each patient, by chance."
    rng = np.random.default_rng(seed)
    who = rng.integers(0, n, images)
    splits = None if shipped is None else rng.choice(shipped, n)[who]
    return frame([f'p{i}' for i in who], rng.integers(0, 2, images), splits)


def places(table): return table.groupby('patient').split.first().to_dict()


def wrong(*args, call=assign_splits, **kwargs):
    with pytest.raises(InputError) as error: call(*args, **kwargs)
    assert '\n' not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize('name', ['rsna-256', 'kermany-224'])
@pytest.mark.parametrize('seed', [0, 1])
def test_real_data(name, seed):
    "No patient crosses; shares of patients lie within 4 binomial standard errors, prevalence within 4 of patient-clustered sampling."
    if not (REAL/name).is_dir(): pytest.skip(f'the real data set {name} is not beside the project')
    table = assign_splits(read_cohort(REAL/name).table, seed=seed)
    check_disjoint(table)
    summary = split_summary(table)
    n, p = summary.loc['all', ['patients', 'prevalence']]
    excess = table.assign(excess=table.label - p).groupby('patient').excess.sum()
    for split, share in SHARES.items():
        assert abs(summary.patients[split]/n - share) < 4*np.sqrt(share*(1 - share)/n)
        assert abs(summary.prevalence[split] - p) < 4*np.sqrt((excess**2).mean()*summary.patients[split])/summary.images[split]


def test_sixteen_images_are_too_few():
    if not (REAL/'rsna-16').is_dir(): pytest.skip('the real data set rsna-16 is not beside the project')
    line = wrong(read_cohort(REAL/'rsna-16').table)
    assert '11 patients with no pneumonia and 5 patients with pneumonia are too few for 70%/15%/15%' in line


def test_hash_is_the_same_on_every_machine():
    digest = hashlib.sha256(b'0:person1').hexdigest()
    assert uniform('person1', 0) == int(digest[:12], 16)/16**12
    assert uniform('person1', 0) == 0xa88974bd370e/2**48 and round(uniform('person1', 1), 9) == 0.497305486


def test_hash_is_uniform():
    "Kolmogorov-Smirnov distance of 5000 draws: the 0.1% point is 1.95/sqrt(n)."
    u = np.sort([uniform(f'p{i}', 3) for i in range(5000)])
    assert np.abs(u - np.arange(5000)/5000).max() < 1.95/np.sqrt(5000)


def test_input_is_left_alone_and_columns_are_kept():
    table = people()
    before = table.copy(deep=True)
    out = assign_splits(table)
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(out.drop(columns='split'), table.drop(columns='split'))
    assert set(out.split) == set(SHARES) and out.split.dtype == object


def test_adding_images_and_patients_moves_nobody():
    few, more = people(), people(n=900, images=3000, seed=5)
    both = pd.concat([few, more], ignore_index=True)
    old, new = places(assign_splits(few)), places(assign_splits(both))
    assert old.items() <= new.items() and len(new) > len(old)


def test_order_of_rows_and_index_do_not_matter():
    table = people()
    shuffled = table.sample(frac=1, random_state=2)
    assert places(assign_splits(shuffled)) == places(assign_splits(table))
    assert assign_splits(shuffled).index.equals(shuffled.index)


def test_seed_moves_people_and_another_valid_share_leaves_test_alone():
    table = people()
    assert places(assign_splits(table)) != places(assign_splits(table, seed=1))
    small, large = assign_splits(table, valid=0.1), assign_splits(table, valid=0.3)
    assert small.path[small.split == 'test'].tolist() == large.path[large.split == 'test'].tolist()


@pytest.mark.parametrize(('shipped', 'cut'), [(['train', 'test'], 'valid'), (['train', 'valid'], 'test')])
def test_missing_split_is_cut_from_train_alone(shipped, cut):
    table = people(n=20_000, images=40_000, shipped=shipped)
    out = assign_splits(table)
    kept = table.split == shipped[1]
    assert (out.split[kept] == shipped[1]).all() and set(out.split[~kept]) == {'train', cut}
    pool = out[~kept].groupby('patient').split.first()
    share = 0.15/0.85
    assert abs((pool == cut).mean() - share) < 4*np.sqrt(share*(1 - share)/len(pool))
    check_disjoint(out)


def test_all_three_shipped_stay():
    table = people(shipped=['train', 'valid', 'test'])
    pd.testing.assert_frame_equal(assign_splits(table), table)


def test_shipped_crossing_stays_and_a_cut_adds_none():
    table = people(n=300, images=3000)
    table['split'] = np.random.default_rng(1).choice(['train', 'train', 'train', 'test'], len(table)).astype(object)
    before = crossing(table)
    assert before > 100
    extra = frame([f'new{i}' for i in range(200)]*2, [0, 1]*200, ['train']*400)
    out = assign_splits(pd.concat([table, extra], ignore_index=True))
    assert crossing(out) == before and (out.split[:len(table)][table.split == 'test'] == 'test').all()
    tested = set(table.patient[table.split == 'test'])
    assert tested.isdisjoint(out.patient[out.split == 'valid'])
    assert (out.split[:len(table)][table.patient.isin(tested)] == table.split[table.patient.isin(tested)]).all()


def test_image_without_split_goes_where_its_patient_is():
    table = people(shipped=['train', 'test', 'valid'])
    blank = table.assign(split=table.split.where(np.arange(len(table)) % 3 > 0, None).astype(object))
    out, known = assign_splits(blank), blank.dropna(subset='split').groupby('patient').split.first()
    check_disjoint(out)
    listed = out.patient.isin(known.index)
    assert listed.sum() < len(out)
    assert (out.split[listed] == out.patient[listed].map(known)).all() and (out.split[~listed] == 'train').all()


def test_crossing_counts_patients_and_the_error_tells_no_id():
    table = frame(['a', 'a', 'secret', 'secret', 'secret', 'd'], [0, 1]*3, ['train', 'valid', 'test', 'test', 'train', 'test'])
    assert crossing(table) == 2
    line = wrong(table, call=check_disjoint)
    assert line.startswith('2 patients') and 'secret' not in line
    assert crossing(table.iloc[3:]) == 1 and crossing(table.iloc[[0, 2, 3]]) == 0
    check_disjoint(table.iloc[[0, 2, 3]])


@pytest.mark.parametrize('column', ['patient', 'split'])
def test_unknown_patient_or_split_is_not_disjoint(column):
    table = assign_splits(people())
    table[column] = table[column].where(table.index > 4, None)
    assert wrong(table, call=check_disjoint).startswith('5 images have no patient or no split')


def test_summary_counts():
    table = frame(['a', 'a', 'b', 'c'], [0, 1, 1, 0], ['train', 'train', 'train', 'test'])
    summary = split_summary(table)
    assert summary.index.tolist() == ['train', 'valid', 'test', 'all']
    assert summary[['images', 'patients', 'pneumonia']].to_numpy().tolist() == [[3, 2, 2], [0, 0, 0], [1, 1, 0], [4, 3, 2]]
    assert summary.prevalence[['train', 'test', 'all']].tolist() == [2/3, 0, 1/2] and np.isnan(summary.prevalence['valid'])


@pytest.mark.parametrize(('valid', 'test'), [(0, 0.1), (0.1, 0), (-0.1, 0.1), (0.5, 0.5), (0.15, 1.2), (float('nan'), 0.1)])
def test_shares_out_of_range(valid, test): assert 'are no shares' in wrong(people(), valid=valid, test=test)


def test_patient_missing():
    table = people()
    assert wrong(table.assign(patient=table.patient.where(table.index > 2, None))).startswith('3 images have no patient')


def test_split_without_a_class_or_with_one_patient():
    lone = frame(['a']*4 + ['b']*4, [0, 1]*4)
    assert '2 patients with pneumonia are too few for 70%/15%/15%' in wrong(lone)
    shipped = people(shipped=['train', 'valid'])
    one = frame(['x', 'x'], [0, 1], ['test', 'test'])
    assert 'the shipped test split holds 1 patient only' in wrong(pd.concat([shipped, one], ignore_index=True))
    negatives = frame(['x', 'y'], [0, 0], ['test', 'test'])
    assert 'the shipped test split holds no image of class \'pneumonia\'' in wrong(pd.concat([shipped, negatives], ignore_index=True))


def test_each_patient_is_tested_in_exactly_one_fold_and_more_images_move_nobody():
    table = people(400)
    folds = [assign_fold(table, 5, k) for k in range(5)]
    for f in folds: check_disjoint(f)
    tests = pd.concat([f[f.split == 'test'] for f in folds])
    assert sorted(tests.patient) == sorted(table.patient)
    assert all(0.1 < (f.split == 'valid').mean() < 0.2 for f in folds)
    some = table.iloc[::2]
    for k, f in enumerate(folds): assert (assign_fold(some, 5, k).split == f.split[some.index]).all()
    with pytest.raises(InputError, match='too few'): assign_fold(table.head(4), 5, 0)


def taken(table): return set(table.patient[table.split == 'train'])


def test_shares_of_train_are_nested_by_patient_stratified_and_leave_valid_and_test_as_they_were():
    whole = assign_splits(people())
    ill = whole.groupby('patient').label.max()
    shares = {f: share_of_train(whole, f, '0 0') for f in (.05, .1, .25, .5, 1)}
    assert shares[1].equals(whole) and taken(shares[.05]) < taken(shares[.1]) < taken(shares[.25]) < taken(shares[.5]) < taken(whole)
    for f, part in shares.items():
        check_disjoint(part)
        held = part.split.isin(['valid', 'test'])
        assert part[held].equals(whole[held]) and (part.split[~held & (part.split != 'train')] == UNUSED).all()
        for k in (0, 1):
            n, of = (sum(ill[p] == k for p in taken(t)) for t in (part, whole))
            assert n == round(f*of)
    summary = split_summary(shares[.1])
    assert summary.index.tolist() == ['train', 'valid', 'test', UNUSED, 'all'] and summary.images[:4].sum() == summary.images['all']


def test_a_share_is_dealt_anew_from_all_of_train_and_moves_with_the_draw_alone():
    whole = assign_splits(people())
    part = share_of_train(whole, .25, '0 0')
    assert share_of_train(part, .5, '0 0').equals(share_of_train(whole, .5, '0 0')) and share_of_train(part, 1, '').equals(whole)
    assert taken(share_of_train(whole.sample(frac=1, random_state=0), .25, '0 0')) == taken(part)
    assert taken(share_of_train(whole, .25, '0 1')) != taken(part)


def test_a_share_with_too_few_patients_of_a_class_is_refused():
    whole = assign_splits(people(n=60, images=90))
    assert 'fraction 0.01 of train would leave 0 of its ' in wrong(whole, .01, '', call=share_of_train)
