import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.explain.boxes import boxed, mean_box
from pneumo_fastai.explain.evaluation import subject


def test_masks_are_the_boxes_in_the_frame_that_the_network_sees(explainable):
    "(8, 10, 16, 20) of 48 pixels is (5.33, 6.67, 10.67, 13.33) of 32."
    of = subject(explainable())
    rows, masks, without, cut = boxed(of, 'test')
    assert (rows.label == 1).all() and len(rows) == len(masks) == of.rows('test').label.sum() and without == cut == 0
    assert masks[:, 7:20, 5:16].all() and masks[0].sum() == 13*11
    np.testing.assert_array_equal(mean_box(of), masks[0].astype(np.float32))


def test_images_without_boxes_are_counted_and_boxes_beyond_the_image_cut(explainable):
    folder = explainable()
    split = pd.read_csv(folder/'split.csv', dtype=str)
    first, second, *_ = split.index[(split.split == 'test') & (split.label == '1')]
    split.loc[first, 'boxes'], split.loc[second, 'boxes'] = '[]', '[[40, 40, 30, 30]]'
    train = split.index[(split.split == 'train') & (split.label == '1')]
    split.loc[train, 'boxes'] = '[]'
    split.loc[train[:3], 'boxes'] = ['[[0, 0, 24, 48]]', '[[0, 0, 48, 24]]', '[[0, 0, 24, 24]]']
    split.to_csv(folder/'split.csv', index=False)
    of = subject(folder)
    rows, masks, without, cut = boxed(of, 'test')
    assert (without, cut) == (1, 1) and split.path[first] not in set(rows.path)
    corner = masks[rows.path.tolist().index(split.path[second])]
    assert corner[27:, 27:].all() and corner.sum() == 25
    mean = mean_box(of)
    assert [mean[0, 0], mean[0, -1], mean[-1, 0], mean[-1, -1]] == pytest.approx([1, 1/3, 1/3, 0])


def test_where_nobody_drew_a_box_there_is_no_mean(explainable):
    of = subject(explainable(boxes=False))
    rows, masks, without, _ = boxed(of, 'test')
    assert not len(rows) and masks.shape == (0, 32, 32) and without == of.rows('test').label.sum() and mean_box(of) is None
