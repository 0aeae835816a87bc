import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.data.counts import balanced_weights, counted, effective_weights, prevalence_weights
from pneumo_fastai.experiment import Experiment


def rows(label): return pd.DataFrame(dict(label=label, patient=[f'p{i//2}' for i in range(len(label))]))


def test_images_patients_and_pneumonia_are_counted():
    assert counted(rows([1, 0, 1])) == dict(images=3, patients=2, pneumonia=2, prevalence=2/3)
    assert counted(rows([])) == dict(images=0, patients=0, pneumonia=0, prevalence=None)


def test_balanced_weights_make_both_classes_weigh_the_same():
    w = balanced_weights(np.repeat([0, 1], [300, 100]))
    assert w == (400/600, 2.) and w[0]*300 == pytest.approx(w[1]*100)  # n / (classes * n of the class), by hand
    assert balanced_weights(pd.Series([0, 1]*50)) == (1, 1) and balanced_weights(pd.Series([1, 1])) is None


def test_effective_weights_are_those_of_the_paper_and_sum_to_the_classes():
    """(1 - beta)/(1 - beta^n) is 1/(1 + beta + ... + beta^(n-1)), the sum written out."""
    labels = np.repeat([0, 1], [300, 100])
    for beta in (0., .9, .999, .999999):
        each = [1/sum(beta**k for k in range(n)) for n in (300, 100)]
        assert effective_weights(labels, beta) == pytest.approx([2*w/sum(each) for w in each])
    assert effective_weights(labels, 0.) == (1, 1) and effective_weights(pd.Series([1, 1]), .9) is None
    negative, positive = effective_weights(labels, 1 - 1e-9)
    assert positive/negative == pytest.approx(3)  # that of the balanced ones


def test_what_training_did_to_the_prevalence_is_the_same_by_weights_and_by_sampling():
    table = pd.DataFrame(dict(label=np.repeat([0, 1], [300, 100]), view=['AP', 'PA'] * 200))
    balanced = balanced_weights(table.label)
    assert prevalence_weights(Experiment(), table) is None
    for how in (dict(class_weights='balanced'), dict(oversample='class'), dict(oversample='view')):
        assert prevalence_weights(Experiment(**how), table) == pytest.approx(balanced)
    assert prevalence_weights(Experiment(class_weights='effective'), table) == effective_weights(table.label, .999)


def test_a_view_of_one_class_alone_leaves_the_classes_unequal_and_that_is_said():
    "Of the three groups two are negatives: their share is 2/3, where it was 3/4."
    table = pd.DataFrame(dict(label=[0]*200 + [0]*100 + [1]*100, view=['PA']*200 + ['AP']*200))
    assert prevalence_weights(Experiment(oversample='view'), table) == pytest.approx(((2/3)/(3/4), (1/3)/(1/4)))
