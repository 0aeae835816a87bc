import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.data.counts import balanced_weights, counted


def rows(label): return pd.DataFrame(dict(label=label, patient=[f'p{i//2}' for i in range(len(label))]))


def test_images_patients_and_pneumonia_are_counted():
    assert counted(rows([1, 0, 1])) == dict(images=3, patients=2, pneumonia=2, prevalence=2/3)
    assert counted(rows([])) == dict(images=0, patients=0, pneumonia=0, prevalence=None)


def test_balanced_weights_make_both_classes_weigh_the_same():
    w = balanced_weights(np.repeat([0, 1], [300, 100]))
    assert w == (400/600, 2.) and w[0]*300 == pytest.approx(w[1]*100)  # n / (classes * n of the class), by hand
    assert balanced_weights(pd.Series([0, 1]*50)) == (1, 1) and balanced_weights(pd.Series([1, 1])) is None
