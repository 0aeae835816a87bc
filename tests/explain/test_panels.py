import numpy as np
import pandas as pd

from pneumo_fastai.explain import panels
from pneumo_fastai.explain.evaluation import subject
from pneumo_fastai.report.figures import heatmaps


def test_a_panel_shows_what_the_network_sees_with_its_label_probability_and_boxes(explainable, monkeypatch):
    of, seen = subject(explainable()), []
    monkeypatch.setattr(heatmaps, 'image_grid', lambda *args: seen.append(args))
    some = of.run.predictions.query('split == "valid"').sort_values('label').iloc[[0, -1]].assign(probability=[.25, .75])
    panels.panel(of.cohort, of.run.experiment, some)
    images, titles, heat, boxes, _, synthetic, scale = seen[0]
    for image, path in zip(images, some.path, strict=True): np.testing.assert_array_equal(image, of.cohort.pixels[path])
    assert titles == ['label: no pneumonia\nprobability of pneumonia 0.250', 'label: pneumonia\nprobability of pneumonia 0.750']
    assert heat is scale is None and not synthetic and boxes[0] == [] and np.allclose(boxes[1], np.array([[8, 10, 16, 20]]) * 32/48)
    panels.panel(of.cohort, of.run.experiment, some.assign(case='missed'))
    assert seen[1][1][0].startswith('missed\n')


def test_the_mean_box_stands_beside_the_mean_maps_only_where_readers_drew_boxes(explainable, undrawn, monkeypatch, tmp_path):
    drawn, real = [], heatmaps.mean_maps
    monkeypatch.setattr(heatmaps, 'mean_maps', lambda maps, mark: drawn.append(maps) or real(maps, mark))
    found = {'pneumonia': dict(n=3, mean_map=np.ones((4, 4)))}
    for boxes in (True, False):
        of = subject(explainable(f'boxes-{boxes}', boxes=boxes))
        paths = [p for split in ('valid', 'test') for p in of.rows(split).path]
        maps = of.maps(of.bundle.model, paths, ['2'], 'gradcam').on_scale(of.rows('valid').path)
        at = {name: tmp_path/name for name in ('gradcam.png', 'cases.png', 'mean_maps.png', 'top_losses.html')}
        mean = np.ones((32, 32)) if boxes else None
        assert panels.draw(of, maps, found, mean, 4, at) == 4 and all(p.is_file() for p in at.values())
    (some, none), train = drawn, pd.read_csv(tmp_path/'boxes-True'/'split.csv').query('split == "train"')
    assert list(some) == ['pneumonia', 'boxes of train'] and some['boxes of train'][0] == train.label.sum() and list(none) == ['pneumonia']
