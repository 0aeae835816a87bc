"localization.json of another shape than gradcam writes: told, and never a traceback."
import json
import math
from types import SimpleNamespace

import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.report.html import Page
from pneumo_fastai.report.registry import every_section
from pneumo_fastai.report.sections import heatmaps
from pneumo_fastai.report.sections.heatmaps import scored, warnings
from pneumo_fastai.report.sections.map_shape import fits

WRONG = None, 5, -1.5, 'x', [], {}, True, [{}], {'x': {}}


def number(value=.5): return dict(value=value, low=value - .1, high=value + .1)
def row(): return dict.fromkeys(('pointing', 'energy', 'average_precision', 'iou'), number())


def facts():
    "The smallest that has every part."
    like = dict(ssim=dict(mean=.1, low=.09, high=.11, sd=.05), rank_correlation=dict(mean=.1, low=.06, high=.14, sd=.1), n=64, flat=2)
    share, rivals = dict(heat=.2, area=.1, more=number(.1)), ('mean box of train', 'untrained network')
    group = dict(group='AP', n=29, small=True, others={k: dict(pointing=.2) for k in rivals}, **row())
    return dict(layers=['layer4'], method='gradcam', others=[dict(like, run='b', differs=dict(seed=1))],
                sanity=dict(cascade=[dict(like, randomised='fc')], limit=.8, survives=False),
                bias={k: dict(n=40, shares={'border': share}) for k in ('no pneumonia', 'pneumonia')},
                localization=dict(n=30, patients=20, positives_without_boxes=3, boxes_clipped=4, cut=dict.fromkeys(('model', *rivals), .15),
                                  maps={k: row() for k in ('model', *rivals)}, difference={k: row() for k in rivals}, by=dict(view=[group]),
                                  methods=dict(gradcam=row())))


def places(value, at=()):
    "The way to everything in it."
    if at: yield at
    if isinstance(value, (dict, list)):
        for k, v in value.items() if isinstance(value, dict) else enumerate(value): yield from places(v, (*at, k))


GRADCAM = next(s for s in every_section() if s.id == 'gradcam')


def a_run(folder): return SimpleNamespace(folder=folder, of=None, experiment=SimpleNamespace(box_guidance=0.))


def shown(folder, found):
    (folder/'localization.json').write_text(json.dumps(found))
    return GRADCAM.html(Page(), a_run(folder), {})


def test_what_is_changed_anywhere_is_refused_in_one_line_or_can_be_shown(tmp_path, monkeypatch):
    refused = total = 0
    assert 'Against the boxes' in shown(tmp_path, facts())
    monkeypatch.setattr(heatmaps, 'read_json', lambda path: found)  # two thousand files take longer than to look at them
    for at in places(facts()):
        for wrong in (*WRONG, 'gone'):
            found = facts()
            inner = found
            for k in at[:-1]: inner = inner[k]
            if wrong == 'gone': del inner[at[-1]]
            else: inner[at[-1]] = wrong
            total += 1
            try: GRADCAM.html(Page(), a_run(tmp_path), {})
            except InputError as e:
                refused += 1
                assert 'gradcam RUN writes it anew' in str(e)
    assert .7 < refused / total < 1, (refused, total)


@pytest.mark.parametrize('key, value', [('localization', 5), ('sanity', {}), ('bias', {}), ('others', 3), ('layers', None)])
def test_the_cases_that_were_found_first(tmp_path, key, value):
    (tmp_path/'localization.json').write_text(json.dumps({**facts(), key: value}))
    for read in (scored, lambda folder: list(warnings(folder))):
        with pytest.raises(InputError, match='is not what gradcam writes'): read(tmp_path)


def test_a_number_is_finite_and_no_truth_value():
    assert fits(3, float) and fits(.5, float) and not any(fits(o, float) for o in (True, math.nan, math.inf, '1', None))
    assert fits([], [int]) and not fits([], [int, ...]) and fits([1, 2], [int, ...]) and not fits([1, 'a'], [int])
    assert fits({}, {'a?': int}) and not fits({'a': 'x'}, {'a?': int})
    assert not fits({}, dict(a=None)) and fits(dict(a=None, b=1), dict(a=None))
