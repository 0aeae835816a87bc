import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.evaluation.shortcut import TOGETHER
from pneumo_fastai.report.figures import audit
from pneumo_fastai.report.figures.style import figure


def counts(images, pneumonia): return dict(images=images, patients=images, pneumonia=pneumonia, prevalence=pneumonia/images)


def score(value, low=None, high=None, reason=None):
    return dict(value=value, low=low, high=high, reason=reason, n=40, stated=40, patients=20)


def facts(**more):
    by = dict.fromkeys(('no pneumonia', 'pneumonia'), .25)
    found = dict(data='films [$x_{$', layout='manifest', synthetic=False, notes=[], **counts(40, 10),
                 counts=dict(view=dict(AP=counts(10, 5), PA=counts(30, 5))),
                 patients_by_images=dict(patients=20, images_a_patient={'1': 5, '2': 12, '3 to 5': 2, '11 or more': 1}, of_both_classes=3),
                 duplicates=dict(pairs=2, images=4, across_labels=1, across_splits=None, across_patients=2),
                 borders=dict(bar=10, bar_share_by_class=by, constant=['a']), rejected=dict(files=7),
                 order=[counts(20, 2), counts(20, 8)],
                 shortcut={'view': score(.7, .6, .8), 'age': score(None, reason='no image states it'), TOGETHER: score(.65)})
    return found | more


def axis():
    fig = figure((4, 4), synthetic=False)
    return fig.subplots()


def said(part): return [t.get_text() for t in part.texts]


TABLE = pd.DataFrame(dict(label=[0, 1]*20, age=[20., np.nan]*20))


@pytest.mark.parametrize('shown', [(), ('pairs',), ('pairs', 'bars')])
def test_a_row_of_examples_is_there_only_where_there_is_one(shown):
    pictures = {k: [('[$x_{$', np.zeros((8, 8), np.uint8))]*2 if k in shown else [] for k in ('pairs', 'bars')}
    fig = audit.audit_page(facts(), TABLE, pictures)
    fig.draw_without_rendering()
    assert len(fig.subfigs) == 3 + len(shown) and [len([ax for ax in s.axes if ax.images]) for s in fig.subfigs[3:]] == [2]*len(shown)
    assert len(fig.subfigs[1].axes) == 3
    assert len(audit.audit_page(facts(), TABLE.assign(age=np.nan), pictures).subfigs[1].axes) == 2  # nobody's age is stated


def test_the_heading_counts_and_leaves_no_note_out_without_a_word():
    first, second, *notes = audit.heading_lines(facts(notes=['a', 'b']))
    assert first == ('40 images of 40 patients, 25.0% labelled pneumonia. Rejected files: 7. Pairs of duplicates: 2. Constant images: 1.')
    assert 'not for diagnosis' in second and notes == ['Note: a', 'Note: b']
    many = audit.heading_lines(facts(notes=['word '*50]*9))
    assert len(many) == 2 + audit.NOTES and many[-1] == '... and more notes in the .json' and max(map(len, many)) <= audit.WIDTH
    fig = figure((4, 4), synthetic=False)
    for synthetic in (False, True):
        part = fig.subfigures()
        audit.heading(part, facts(synthetic=synthetic), [first], 1)
        assert ('synthetic data' in said(part)) == synthetic


def test_bars_of_a_view_are_stacked_to_its_images():
    audit.stacked(ax := axis(), facts()['counts']['view'])
    bars = {(round(b.get_x() + b.get_width()/2), b.get_y()): b.get_height() for b in ax.patches}
    assert bars == {(0, 0): 25, (0, 25): 5, (1, 0): 5, (1, 5): 5} and said(ax) == ['17% of 30', '50% of 10']
    assert [t.get_text() for t in ax.get_xticklabels()] == ['PA', 'AP']
    audit.stacked(ax := axis(), {'not stated': counts(40, 10)})
    assert 'no image states its view' in ax.get_title() and [t.get_text() for t in ax.get_xticklabels()] == ['all']
    audit.stacked(ax := axis(), {str(k): counts(100 - k, 1) for k in range(audit.MOST + 2)})
    assert [t.get_text() for t in ax.get_xticklabels()] == [str(k) for k in range(audit.MOST)]


@pytest.mark.parametrize('top, bins', [(4, 5), (71, 15)])
def test_every_age_falls_into_a_bin_and_children_get_a_bin_a_year(top, bins):
    table = pd.DataFrame(dict(label=[0, 0, 0, 0], age=[0., 1., top/2, top]))
    audit.age_by_class(ax := axis(), table)
    edges = np.unique(ax.patches[0].get_path().vertices[:, 0])
    assert edges[0] == 0 and edges[-1] > top and len(edges) == bins + 1
    assert [t.get_text() for t in ax.get_legend().texts] == [f'no pneumonia, median {table.age.median():.0f}']  # one class alone


def test_slices_stand_beside_what_chance_would_do():
    audit.order(ax := axis(), facts())
    assert list(ax.lines[1].get_ydata()) == [10, 40] and list(ax.lines[1].get_xdata()) == [25, 75]
    band = ax.patches[0].get_extents()
    low, high = ax.transData.inverted().transform([(0, band.y0), (0, band.y1)])[:, 1]
    half = 100*1.96*(.25*.75/20)**.5
    assert (low, high) == pytest.approx((25 - half, 25 + half))
    audit.order(ax := axis(), facts(order=[]))
    assert said(ax) == ['40 images are too few to cut into slices'] and not ax.lines


def test_a_shortcut_without_a_number_says_why():
    found = facts()['shortcut']
    audit.shortcuts(ax := axis(), found)
    assert said(ax) == ['0.650 [no interval]', 'not defined: no image states it', '0.700 [0.60, 0.80]']
    assert [t.get_text() for t in ax.get_yticklabels()] == [TOGETHER, 'age', 'view'] and ax.get_xlim()[0] == pytest.approx(.4)
    audit.shortcuts(ax := axis(), found | dict(sex=score(.3, .18, .4)))
    assert ax.get_xlim()[0] == pytest.approx(.1)  # no interval is cut off


def test_patients_and_titles_of_the_examples():
    audit.patients(ax := axis(), facts()['patients_by_images'])
    assert [t.get_text() for t in ax.get_xticklabels()] == ['1', '2', '3-5', '11+'] and said(ax) == ['5', '12', '2', '1']
    assert '(across labels 1, splits not known, across patients 2), of 4 images' in audit.pairs(facts())
    assert audit.bars(facts()).endswith('25.0% of no pneumonia, 25.0% of pneumonia. The widest of 10')
