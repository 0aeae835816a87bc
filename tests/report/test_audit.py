import json

import pytest

from pneumo_fastai.report import audit


@pytest.fixture
def screen(capsys):
    "What was printed since the last look, on one line."
    return lambda: ' '.join(capsys.readouterr().out.replace('│', ' ').split())


@pytest.fixture(scope='module')
def found(films, tiny, tmp_path_factory, saving_dots):
    "(findings, cohort, folder of what was written)."
    here = tmp_path_factory.mktemp('audit')
    with saving_dots(): return *audit.audited(str(films), tiny, here/'audit.png', here/'audit.json', here/'cache'), here


def test_what_is_returned_is_what_is_written(found):
    findings, cohort, here = found
    assert json.loads((here/'audit.json').read_text()) == json.loads(json.dumps(findings)) and (here/'audit.png').is_file()
    assert findings['images'] == len(cohort.table) == 80 and 'shortcut' in findings


def test_every_part_is_shown_and_the_notes_last(found, screen):
    findings, _, _ = found
    audit.show(findings | dict(notes=['[b]beware[/b]']))
    shown = screen()
    parts = ['all 80 40 28 35.0%', 'patients: 40, with up to 2 images each; 0 have images of both classes', 'rejected: 0 files',
             'duplicates: 0 pairs', 'bars of one tone', 'constant: 0 images', 'order: prevalence runs from', 'shortcut test: AUROC',
             'note: [b]beware[/b]']
    places = [shown.index(part) for part in parts]
    assert places == sorted(places) and 'not stated in any image: view, sex, age, detail' in shown and shown.endswith(parts[-1])


def test_files_that_were_rejected_are_counted_by_reason_and_the_first_named(screen):
    files = [dict(path=f'[b]{k}.png', reason='broken') for k in range(7)]
    audit.show_rejected(dict(files=7, reasons=dict(broken=7), list=files))
    shown = screen()
    assert shown.startswith('rejected: 7 files: 7 broken [b]0.png: broken') and '[b]4.png' in shown and '[b]5.png' not in shown


@pytest.mark.parametrize('splits, says', [(None, 'across splits not told, there being none'), (0, '0 across splits')])
def test_a_pair_of_duplicates_says_what_it_crosses(screen, splits, says):
    pair = dict(correlation=.99951, a='a[b]', b='c', across_labels=True, across_splits=False, across_patients=True)
    counts = dict(pairs=1, images=2, identical=0, across_labels=1, across_splits=splits, across_patients=1)
    audit.show_duplicates(counts | dict(list=[pair]))
    shown = screen()
    assert says in shown and shown.endswith('1.000 a[b] c across labels, across patients')


def test_too_few_images_for_slices_tell_no_order(screen):
    audit.show_order([], .3)
    assert screen() == 'order: not told, there being too few images for two slices'
    audit.show_order([dict(prevalence=p) for p in (.2, .7, .1)], .3)
    assert screen() == 'order: prevalence runs from 10.0% to 70.0% over 3 slices of the sorted file names, 30.0% in all'


def test_shortcuts_without_a_number_are_named_once_by_reason(screen):
    def score(value, reason=None): return dict(value=value, low=None, high=None, reason=reason, n=4, stated=2, patients=3)
    unstated = score(None, 'no image states it')
    audit.show_shortcut(dict(view=score(.7), sex=unstated, age=unstated, size=score(None, 'x')))
    shown = screen()
    assert 'not defined: sex, age, because no image states it not defined: size, because x' in shown and 'view 0.700 [no interval]' in shown
    audit.show_shortcut(dict(view=score(None, 'x'), sex=score(None, 'x')))
    assert 'not defined: all, because x' in screen()
