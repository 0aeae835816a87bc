import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.report.figures.augmented import augmented_page, examples


@pytest.mark.parametrize('synthetic', [False, True])
def test_a_row_an_image_and_a_column_a_form(synthetic):
    images, masks = np.random.default_rng(0).random((2, 3, 16, 16)), np.zeros((2, 3, 16, 16), bool)
    masks[0, :, 4:9, 10:] = True   # to the edge
    fig = augmented_page('films [$x_{$', dict(rotate=10., erase=.3), [1, 0], images, masks, 'normalisation and mixup', synthetic)
    fig.draw_without_rendering()
    top, below = fig.subfigs
    words = ' '.join(o.get_text() for o in top.texts)
    assert ('synthetic data' in words) == synthetic
    said = 'films [$x_{$', 'rotate 10: up to', 'erase 0.3: prob', '16 x 16', 'and mixup', 'boxes', 'not for diagnosis'
    assert all(o in words for o in said)
    axes = np.array(below.axes).reshape(2, 3)
    assert [ax.get_ylabel() for ax in axes[:, 0]] == ['pneumonia', 'no pneumonia']
    assert [ax.get_title() for ax in axes[0]] == ['as it is', 'augmented, 1', 'augmented, 2']
    assert all(ax.images[0].get_clim() == (0, 1) for ax in axes.flat)
    x, y = axes[0, 1].collections[0].get_paths()[0].vertices.T
    assert (x.min(), x.max(), y.min(), y.max()) == (9.5, 15.5, 3.5, 8.5) and not axes[1, 1].collections


def test_examples_are_of_train_and_of_both_classes_and_have_boxes_where_there_are_any():
    table = pd.DataFrame(dict(path=range(40), label=[0, 1] * 20, split=['train', 'train', 'test', 'valid'] * 10, boxes=[[]] * 40))
    some = examples(table)
    assert some.label.tolist() == [1, 1, 0, 0] and (some.split == 'train').all() and some.path.is_unique
    table.at[21, 'boxes'] = [(1, 2, 3, 4)]
    assert examples(table).path.tolist()[0] == 21 and len(examples(table)) == 3
    one = examples(table.assign(split=None, label=0, boxes=[[]] * 40))   # one class, no splits
    assert len(one) == 2
