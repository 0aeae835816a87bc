import pytest

from pneumo_fastai.report.labels import number
from pneumo_fastai.report.sections.uncertainty import doubted, gain, left, uncertainty


def score(value, low=None, high=None, reason=None): return dict(value=value, low=low, high=high) | (dict(reason=reason) if reason else {})


def cut(referred=.25, n=90, accuracy=.9):
    value = score(accuracy, .8, .95) if accuracy else score(None, reason='not defined, because x')
    return dict(asked=.2, referred=referred, n=n, accuracy=value, recall=value, specificity=value)


def test_what_is_left_when_images_go():
    assert left('20%', cut()) == ('20%', '25.0%', 90, *['0.900 [0.80, 0.95]']*3)
    name, gone, n, *rest = left('20%', cut(None, 0, None))
    assert (name, gone, n) == ('20%', '\u2013', 0) and all('not defined, because x' in o for o in rest)


@pytest.mark.parametrize('networks', [1, 3])
def test_networks_stand_one_by_one_and_the_one_image_of_copies_does_not(networks):
    each = [score(.8 + .01*k, .7, .9) for k in range(networks)]
    metric = dict(each=each, single=score(.8), mean=score(.85, .75, .95), difference=score(.05, -.0004, .1))
    rows = gain(dict(auroc=metric, brier=metric), ['one', 'all', 'all less one'])
    names = [f'network {k + 1}' for k in range(networks)] if networks > 1 else []
    assert [row[0] for row in rows] == [*names, 'one', 'all', 'all less one'] and all(row[1] == row[2] for row in rows)
    assert rows[-1][1] == '+0.050 [+0.000, +0.100]' and rows[-2][1] == '0.850 [0.750, 0.950]'
    if networks > 1: assert rows[1][1] == '0.810 [0.700, 0.900]'


def test_disagreement_and_nearness_stand_beside_each_other():
    rows = doubted(dict(referral=[dict(asked=.2, disagreement=cut(.3), confidence=cut(.1))]))
    assert [row[:2] for row in rows] == [('the 20% with most disagreement', '30.0%'), ('the 20% nearest to the threshold', '10.0%')]


def test_the_page_has_what_was_measured(plain):
    _, _, read, metrics = plain
    found, facts = metrics['uncertainty'], uncertainty(None, None, metrics)
    assert [row[0] for row in facts['referral']] == ['none' if not c['asked'] else f'{c["asked"]:.0%}' for c in found['referral']]
    assert facts['referral'][0][2:4] == (metrics['test']['n'], number(metrics['test']['at_threshold']['accuracy']))
    covered = {row[0]: row[1:] for row in facts['covered']}
    by_class = found['conformal']['by_class']
    assert set(by_class) == {'all', 'no pneumonia', 'pneumonia'} < set(covered) and covered['all'][0] == metrics['test']['n']
    for label in ('no pneumonia', 'pneumonia'):
        assert covered[label][0] == sum(n for name, (n, _) in covered.items() if name.endswith(f', {label}')), label  # over views
    assert sum(a + b for _, a, b in facts['sets']) == metrics['test']['n']
    shown = [[''.join(c) for c in row] for row in read.rows['uncertainty']]
    for row in (*facts['referral'], *facts['sets']): assert [str(c) for c in row] in shown
