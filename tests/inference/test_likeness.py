"What a model warns of, each by its own measure, together and in order."
import numpy as np
import torch

from pneumo_fastai.data.layout import SIDE, Layout, unit
from pneumo_fastai.inference.likeness import Likeness

UP = unit(np.linspace(0, 1, SIDE)[:, None] * np.ones(SIDE))
KNOWN = dict(grey={'mean': [80., 160.], 'standard deviation': [15., 90.]}, layout=dict(image=UP.tolist(), correlation=[.8, .9]),
             features=dict(k=1, limits=[.1]))
ONE = dict(features_1=np.array([[1., 0.]], np.float16), labels_1=np.zeros(1, np.int8))


def test_header_grey_levels_layout_and_features_are_said_in_that_order():
    like = Likeness(KNOWN, ONE, 'cpu')
    ramp = np.repeat(np.linspace(0, 255, 48).astype(np.uint8), 48).reshape(48, 48)
    pixels = np.stack([ramp, 255 - ramp, np.zeros_like(ramp)])
    found = like(pixels, [torch.tensor([[1., 0.], [1., 0.], [0., 1.]])], [(), ('says that its view is LL, not frontal',), ()])
    assert found[0] == () and found[1] == ('says that its view is LL, not frontal', *found[1][1:]) and len(found[1]) == 2
    assert found[1][1] in Layout(KNOWN['layout']).said  # its negative is it upside down too
    assert found[2][0].startswith('grey levels') and found[2][1].startswith('farther from') and len(found[2]) == 2


def test_a_model_that_knows_nothing_of_its_training_images_warns_of_the_header_alone():
    found = Likeness({}, {}, 'cpu')(np.zeros((1, 8, 8), np.uint8), [torch.zeros(1, 2)], [('a doubt',)])
    assert found == [('a doubt',)]
