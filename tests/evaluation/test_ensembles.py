import json
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from pneumo_fastai.evaluation.calibrators import logit, sigmoid
from pneumo_fastai.evaluation.ensembles import disagreement
from pneumo_fastai.evaluation.intervals.estimates import blocks
from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.evaluation.uncertainty import mutual_information, referral
from pneumo_fastai.report.page import write_page
from pneumo_fastai.report.words import also_in_words
from pneumo_fastai.report.written import measure
from pneumo_fastai.runs.folder import read_run

pytestmark = pytest.mark.usefixtures('undrawn')
FEW, HOW_TO = Settings(n_boot=60), 'can be asked of an ensemble: python -m pneumo_fastai.ensemble RUN RUN RUN'


def images(n=200, seed=0):
    rng = np.random.default_rng(seed)
    y = (np.arange(n) % 3 == 0).astype(int)
    return pd.DataFrame(dict(path=[f'{i}.dcm' for i in range(n)], patient=np.arange(n)//2, split='test', label=y,
                             probability=sigmoid(rng.normal(2*y - 1, 1.2))))


def members(rows, noise, k=5, prefix='network_', seed=1):
    "k predictions of each image, the log-odds moved by normal noise; indexed by path, as `read_members` gives them."
    rng, x = np.random.default_rng(seed), logit(rows.probability)
    each = {f'{prefix}{i}': sigmoid(x + noise*rng.normal(size=len(rows))) for i in range(1, k + 1)}
    return pd.DataFrame(dict(split=rows.split.to_numpy(), **each), index=pd.Index(rows.path, name='path'))


def averaged(rows, table): return rows.assign(probability=table.drop(columns='split').mean(axis=1).to_numpy())


def test_scores_are_those_of_scikit_learn_and_the_resamples_those_of_the_table_of_results():
    rows = images()
    table = members(rows, .8)
    mean = averaged(rows, table)
    found = disagreement(mean, mean, table, .5, 'ensemble', FEW)
    y, each = rows.label, table.drop(columns='split').to_numpy().T
    single = [roc_auc_score(y, p) for p in each]
    assert found['auroc']['mean']['value'] == pytest.approx(roc_auc_score(y, mean.probability))
    assert [o['value'] for o in found['auroc']['each']] == pytest.approx(single)
    assert found['auroc']['difference']['value'] == pytest.approx(roc_auc_score(y, mean.probability) - np.mean(single))
    assert [o['value'] for o in found['brier']['each']] == pytest.approx([brier_score_loss(y, p) for p in each])
    assert found['brier']['mean']['value'] == pytest.approx(brier_score_loss(y, mean.probability))
    assert found['auroc']['mean'] == pytest.approx(blocks(mean, {'x': .5}, 60, 0)['x']['auroc'])
    of_copies = disagreement(rows, rows, table, .5, 'augmentation', FEW)  # here the single prediction is the run's own
    assert of_copies['auroc']['single']['value'] == pytest.approx(roc_auc_score(y, rows.probability))
    assert of_copies['auroc']['mean'] == pytest.approx(found['auroc']['mean'])
    wrong, information = (mean.probability >= .5) != y, mutual_information(each)
    assert found['marking']['disagreement']['value'] == pytest.approx(roc_auc_score(wrong, information))
    assert found['marking']['confidence']['value'] == pytest.approx(roc_auc_score(wrong, -np.abs(logit(mean.probability))))
    assert found['information']['wrong']['n'] == wrong.sum()
    assert found['information']['right']['quantiles']['50%'] == pytest.approx(np.median(information[~wrong]))


def test_members_that_agree_gain_nothing_and_mark_nothing():
    rows = images()
    found = disagreement(rows, rows, members(rows, 0.), .5, 'ensemble', FEW)
    assert found['information']['wrong']['mean'] == found['information']['right']['quantiles']['95%'] == 0
    for metric in ('auroc', 'brier'):
        assert [found[metric]['difference'][k] for k in ('value', 'low', 'high')] == pytest.approx([0, 0, 0], abs=1e-12)
    marking = found['marking']
    assert marking['disagreement']['reason'] == marking['difference']['reason'] == 'not defined, because the networks agree on every image'
    assert marking['confidence']['value'] > .5
    assert all(cut['disagreement']['referred'] == 0 for cut in found['referral'])  # equally sure images are not parted


def test_disagreement_marks_errors_where_it_knows_what_the_probability_does_not():
    "Every call lies equally far from the threshold; a third of the images are hard, their members disagree and their calls are guesses."
    rng, n = np.random.default_rng(3), 600
    y, hard = rng.integers(0, 2, n), np.arange(n) % 3 == 0
    right = np.where(hard, rng.random(n) < .5, True)
    call = np.where(right, y, 1 - y)
    each = np.abs((1 - call) - .8) + np.outer([-.15, .15], hard)  # the mean is 0.8 or 0.2, whether hard or not
    rows = images(n).assign(label=y, probability=each.mean(0))
    table = pd.DataFrame(dict(split='test', network_1=each[0], network_2=each[1]), index=pd.Index(rows.path, name='path'))
    found = disagreement(rows, rows, table, .5, 'ensemble', FEW)
    marking = found['marking']
    assert marking['confidence']['value'] == pytest.approx(.5, abs=.1) and marking['disagreement']['low'] > .8
    assert marking['difference']['low'] > .2
    assert found['information']['right']['quantiles']['50%'] == 0 and found['information']['wrong']['quantiles']['5%'] > .01
    finer = table.assign(network_2=table.network_2 + np.where(hard, rng.uniform(0, .01, n), 0))  # no two hard images rank the same
    cut = disagreement(averaged(rows, finer), averaged(rows, finer), finer, .5, 'ensemble', FEW)['referral'][1]['disagreement']
    assert cut['n'] == .8*n and cut['accuracy']['value'] == pytest.approx(1 - (1 - right.mean())*.4/.8, abs=.03)  # 3 of 5 hard ones go


def test_referral_by_another_ranking():
    rows = images(10)
    kept = np.arange(10) >= 2
    cut = referral(rows, rows, .5, shares=(.2,), sure=(np.arange(10), np.arange(10)))[0]
    assert cut['n'] == 8 and cut['accuracy']['value'] == pytest.approx(((rows.probability >= .5) == rows.label)[kept].mean())


def test_who_goes_by_disagreement_is_settled_by_valid():
    rows = images(10).assign(probability=.5)
    def agreeing(of, apart): return pd.DataFrame(dict(split=of, network_1=.5 - apart, network_2=.5 + apart), index=pd.Index(ids[of]))
    ids = dict(valid=[f'v{i}' for i in range(10)], test=list(rows.path))
    table = pd.concat([agreeing('valid', np.linspace(.01, .1, 10)), agreeing('test', np.r_[.2, .2, .2, np.full(7, .05)])])
    cuts = disagreement(rows.assign(path=ids['valid']), rows, table, .5, 'ensemble', FEW)['referral']
    assert [c['disagreement']['n'] for c in cuts] == [7, 7]  # three disagree more than any of valid does, no further one more than .8 do


def test_what_is_not_defined_says_why():
    rows = images()
    table = members(rows, .8)
    sure = rows.assign(probability=np.where(rows.label == 1, .9, .1))
    for frame, why in ((sure, 'no call is wrong'), (sure.assign(probability=1 - sure.probability), 'every call is wrong')):
        found = disagreement(frame, frame, table, .5, 'augmentation', FEW)
        assert {o['reason'] for o in found['marking'].values()} == {f'not defined, because {why}'}
    assert disagreement(sure, sure, table, .5, 'augmentation', FEW)['information']['wrong'] == dict(
        n=0, mean=None, quantiles=None, reason='not defined, because no call is wrong')
    negative = disagreement(rows.assign(label=0), rows.assign(label=0), table, .5, 'augmentation', FEW)
    assert 'all of one class' in negative['auroc']['difference']['reason'] and negative['brier']['difference']['value'] is not None
    one = disagreement(rows, rows, table[['split', 'network_1']], .5, 'ensemble', FEW)
    assert one == dict(members=1, reason='not defined, because it takes two networks to disagree')


def saved(run, noise=.8, k=3):
    "Write augmented.csv of a run and, its predictions being made their mean, members.csv."
    rows = pd.read_csv(run/'predictions.csv')
    table = members(rows, noise, k)
    averaged(rows, table).to_csv(run/'predictions.csv', index=False)
    table.to_csv(run/'members.csv')
    members(averaged(rows, table), noise, k, 'copy_', 2).to_csv(run/'augmented.csv')
    return run


def test_files_are_read_measured_and_told(new_run):
    run = read_run(saved(new_run()))
    metrics = json.loads(json.dumps(measure(run, FEW), allow_nan=False))
    for source in ('augmentation', 'ensemble'): assert metrics['uncertainty'][source]['members'] == 3
    assert metrics['uncertainty']['ensemble']['auroc']['mean'] == pytest.approx(metrics['test']['at_0.5']['auroc'])
    shuffled = pd.read_csv(run.folder/'members.csv').sample(frac=1, random_state=0)
    shuffled.to_csv(run.folder/'members.csv', index=False)  # the order of the file does not matter
    assert measure(read_run(run.folder), FEW)['uncertainty']['ensemble'] == metrics['uncertainty']['ensemble']
    page = write_page(run, metrics).read_text()
    assert 'test-time augmentation' in page and 'network 3' in page and HOW_TO not in page and 'ensemble less single' in page
    assert page.count(' nearest to the threshold</th>') == 4
    said = [s for s in also_in_words(metrics) if 'marks the wrong calls' in s]
    assert len(said) == 2 and f'{metrics["uncertainty"]["ensemble"]["marking"]["disagreement"]["value"]:.3f}' in said[1]


def test_a_run_without_the_files_says_how_to_get_them(new_run):
    run = read_run(new_run())
    metrics = measure(run, FEW)
    assert run.members == {} and not {'augmentation', 'ensemble'} & set(metrics['uncertainty'])
    page = write_page(run, metrics).read_text()
    assert HOW_TO in page and 'test-time augmentation' not in page
    assert not any('Disagreement' in s for s in also_in_words(metrics))


@pytest.mark.parametrize('spoil', ['one member', 'no wrong call', 'agree', 'one class'])
def test_a_page_of_what_is_not_defined(new_run, predict_anew, spoil):
    run = saved(new_run(), noise=0. if spoil == 'agree' else .8, k=1 if spoil == 'one member' else 3)
    rows = pd.read_csv(run/'predictions.csv')
    if spoil == 'one class': rows.loc[rows.split == 'test', 'label'] = 0
    if spoil == 'no wrong call': rows['label'] = (rows.probability >= .5).astype(int)
    predict_anew(run, rows)
    found = read_run(run)
    page = write_page(found, measure(found, FEW)).read_text()
    text = re.search('<section id="uncertainty">(.*?)</section>', page, re.S).group(1).split('test-time augmentation')[1]
    assert 'not defined, because' in text and not re.search(r'\bnan\b|>None<', text, re.I)
