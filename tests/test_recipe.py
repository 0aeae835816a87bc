import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import TYPES, Experiment, names
from pneumo_fastai.recipe import CONTRADICTIONS, GROUPS, RANGES, Network


def test_every_field_is_of_one_group_and_every_number_has_a_range():
    fields = [name for group in GROUPS for name in names(group)]
    assert len(fields) == len(set(fields)) and set(fields) == set(TYPES)
    ranged = [name for name, *_ in RANGES]
    assert len(ranged) == len(set(ranged)) and set(ranged) == {k for k, kind in TYPES.items() if kind in (int, float)} - {'split_seed'}


@pytest.mark.parametrize('field, wrong', [
    ('size', 31), ('valid', 0.), ('fraction', 0.), ('fraction', 1.1), ('folds', 1),
    ('output_stride', 8), ('epochs', 0), ('batch_size', 1), ('lr', 0.), ('seed', -1),
    ('seed', 2**31), ('flip', 1.1), ('crop', .05), ('brightness', 1.), ('tta', 65), ('lr', float('nan')),
    ('mixup', 1e-3), ('cutmix', 1e-50)])
def test_a_value_out_of_range_says_what_would_do(field, wrong):
    with pytest.raises(InputError, match=f'^{field} is .*, it takes '): Experiment(**{field: wrong})


CONTRADICT = [dict(valid=.5, test=.5), dict(mixup=1., cutmix=1.), dict(mixup=1., box_guidance=1.), dict(cutmix=1., loss='focal'),
              dict(loss='focal', label_smoothing=.1), dict(size_start=64, size=32), dict(crop=.5, resized_crop=.5),
              dict(oversample='view', class_weights='balanced'),
              dict(warmup=1., schedule='one_cycle'), dict(warmup=3., epochs=3), dict(compiled=True, size_start=32),
              dict(freeze_epochs=1), dict(folds=5, held_out='dark'), dict(guided_by='labels')]


@pytest.mark.parametrize('fields', CONTRADICT)
def test_two_that_contradict_each_other_are_refused_and_each_alone_is_not(fields):
    with pytest.raises(InputError) as e: Experiment(**fields)
    assert '\n' not in str(e.value) and '{' not in str(e.value)
    if len(fields) == 2 and 'size' not in fields and 'epochs' not in fields:
        for name, value in fields.items(): Experiment(**{name: value})


def test_each_contradiction_is_one_of_these(): assert len(CONTRADICT) == len(CONTRADICTIONS)


def test_the_default_network_is_the_plain_one(): assert Network() == Network('resnet18', 32, False, 0., '', False)
