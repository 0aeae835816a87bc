from dataclasses import replace

from pneumo_fastai.page import examples
from pneumo_fastai.page.answer import answer


def test_a_run_of_drawn_images_shows_those_of_its_test_set(subject):
    subject.run.data['synthetic'] = True
    found = examples.examples(subject)
    assert [truth for *_, truth in found] == ['no pneumonia'] * 3 + ['pneumonia'] * 3
    rows = examples.of_test(subject.run)
    assert all(row.split == 'test' for row in rows) and answer(subject.model, *found[0]).truth == 'no pneumonia'
    gone = replace(subject.run, cohort=subject.run.cohort.assign(path='/nowhere/' + subject.run.cohort.path))
    assert examples.of_test(gone) == []


def test_a_run_of_other_images_has_some_drawn_anew(subject, monkeypatch):
    monkeypatch.setattr(examples, 'DRAWN', 1)  # one takes a second
    (name, raw, truth), = examples.examples(subject)
    assert name == 'example 1' and raw[128:132] == b'DICM' and truth in ('no pneumonia', 'pneumonia')
