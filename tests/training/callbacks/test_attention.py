import pytest
from PIL import Image

from pneumo_fastai.report.figures import heatmaps
from pneumo_fastai.training.callbacks.attention import WatchGradCAM

pytestmark = pytest.mark.usefixtures('undrawn')


@pytest.mark.parametrize('epochs, kept', [(2, ['untrained', 'epoch 0', 'epoch 1']), (5, ['untrained', 'epoch 0', 'epoch 2', 'epoch 4'])])
def test_maps_of_a_few_images_are_kept_every_few_epochs_and_at_both_ends(make, tmp_path, monkeypatch, epochs, kept):
    learn, e = make()
    drawn, real = [], heatmaps.attention
    monkeypatch.setattr(heatmaps, 'attention', lambda *args: drawn.append(args) or real(*args))
    monkeypatch.setattr(heatmaps, 'save_animation', lambda frames, path, each: drawn.append(len(frames)))
    learn.fit(epochs, e.lr, cbs=WatchGradCAM(tmp_path, e, n=3, frames=3, layers=['3'], method='gradcam'))
    (images, titles, boxes, scale, synthetic), frames = drawn
    assert [title for title, _ in titles] == kept and frames == len(kept) and len(images) == len(boxes) == 3 and not synthetic
    assert all(heat.shape == (32, 32) and 0 <= heat.min() and heat.max() <= 1 for _, each in titles for heat in each)
    assert (titles[0][1][0] != titles[-1][1][0]).any() and scale.top > 0


def test_two_of_three_are_ill_and_a_search_for_the_rate_draws_nothing(make, tmp_path):
    learn, e = make()
    watch = WatchGradCAM(tmp_path/'new', e, n=3, layers=['3'], method='gradcam')
    learn.add_cb(watch)
    learn.lr_find(num_it=3, show_plot=False)
    assert not hasattr(watch, 'kept')
    (tmp_path/'new').mkdir()
    learn.fit(1, e.lr)
    labels = learn.dls.cohort.table.set_index('path')
    assert labels.label[watch.paths].tolist() == [1, 1, 0] and (labels.split[watch.paths] == 'valid').all()
    with Image.open(tmp_path/'new'/'attention.gif') as film: assert film.n_frames >= 1
