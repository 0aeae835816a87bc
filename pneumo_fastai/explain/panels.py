"The pictures of a run's heatmaps: panels of valid, mean maps, and the page of the greatest losses; `of` is an `evaluation.Subject`."
import numpy as np

from ..data.cohort import CLASSES
from ..data.prepare import boxes_in_square, rows_in_square
from ..report.figures import heatmaps, style
from ..report.gallery import write_errors
from ..report.sections.heatmaps import taught
from ..runs import tables


def panel(cohort, experiment, rows, maps=None, columns=3):
    "Images of `rows` (path, label, probability and maybe case, to stand for the label), boxes and, where given, the heat of `Maps`."
    boxes = [boxes_in_square(cohort, p, experiment) for p in rows.path]
    said = rows.case if 'case' in rows else 'label: ' + rows.label.map(dict(enumerate(CLASSES)))
    titles = [f'{words}\nprobability of pneumonia {p:.3f}' for words, p in zip(said, rows.probability, strict=True)]
    heat, scale = (None, None) if maps is None else (list(maps.shown(rows.path)), maps.scale)
    images = [np.array(cohort.pixels[p]) for p in rows.path]
    return heatmaps.image_grid(images, titles, heat, boxes, columns, cohort.synthetic, scale)


def draw_panels(cohort, experiment, valid, threshold, maps, at):
    "gradcam.png and cases.png of the rows of valid, each `at` its path."
    for name, some, columns in (('gradcam.png', heatmaps.spread(valid), 3), ('cases.png', heatmaps.cases(valid, threshold), 4)):
        style.save(panel(cohort, experiment, some, maps, columns), at[name])


def draw(of, maps, found, mean, worst, at):
    "gradcam.png and cases.png of valid, mean_maps.png, top_losses.html of test, each `at` its path; how many images the last shows."
    mark, threshold = of.run.synthetic, of.bundle.recipe['threshold']
    draw_panels(of.cohort, of.run.experiment, of.run.predictions.query('split == "valid"'), threshold, maps, at)
    each = {k: (v['n'], v['mean_map']) for k, v in found.items()}
    if mean is not None: each['boxes of train'] = int(of.rows('train').boxes.map(bool).sum()), mean
    style.save(heatmaps.mean_maps(each, mark), at['mean_maps.png'])
    table = tables.worst(of.run.predictions, of.run.cohort, worst or None)
    boxes = rows_in_square(of.cohort, of.cohort.table.set_index('path', drop=False).loc[table.path], of.run.experiment)
    rows = zip((row for _, row in table.iterrows()), (of.cohort.pixels[p] for p in table.path), maps.shown(table.path), boxes, strict=True)
    return write_errors(at['top_losses.html'], rows, threshold, of.run.title, len(of.rows('test')), mark, maps.scale,
                        taught=taught(of.run.experiment))
