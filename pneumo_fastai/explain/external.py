"A run's model measured on another data set, from its folder to the page: `inference.external`, and heatmaps against the boxes there."
import json
from dataclasses import replace

import numpy as np
import pandas as pd

from ..evaluation.apart import some as sampled
from ..inference import external
from ..inference.differs import differing
from ..inference.norms import check_norms, of_patients
from ..report.figures import heatmaps, style
from ..report.written import measure, present
from ..runs.checksums import write_sums
from ..runs.folder import read_run
from ..screen import bar
from ..writing import write
from . import localization
from .boxes import boxed
from .evaluation import Subject, biased, checked, grouped, some
from .gradcam import METHODS
from .layers import check_layers
from .maps import compute_each
from .panels import panel

HALF = 'mean box of the others'  # of the patients of the other half


def evaluate_on(
    folder,   # a finished run's
    data,     # a folder, as `fit` takes it
    out,      # the new folder, or None: one beside the run
    command,  # as typed
    cache=None,
    precision='float32',  # or bfloat16
    norms=None,           # patients there whose images the network takes its norms from
    **given,  # of `Settings`, what the command line says besides the run's
):
    "The `Run` and its metrics of a new folder; raises `InputError` where the run or the data cannot be measured."
    run, own, choices, place, bundle = external.opened(folder, out, given, precision)
    if norms is not None: check_norms(bundle)
    cohort, left = external.unseen(data, run, cache)
    if norms is not None: bundle, cohort = of_patients(bundle, cohort, norms, choices.seed)
    cohort, predictions = external.predicted(bundle, cohort)
    differs = differing(run, bundle, cohort, cache)
    place = external.made(place, run, f'{run.folder.name}-on-{cohort.name}')
    external.write_folder(place, run, own, bundle, cohort, predictions, left, command, norms=norms)
    write(place/'differs.json', json.dumps(differs, indent=1, allow_nan=False))
    saved = read_run(place)
    with bar('measuring and drawing'):
        metrics = measure(saved, choices)
        explain(Subject(saved, bundle, cohort), choices)
        present(saved, metrics)
    write_sums(place)
    return saved, metrics


def explain(of, choices):
    "localization.json and gradcam.png, where the data have boxes; nothing where they have none."
    of.cohort = replace(of.cohort, table=limited(of.cohort.table))
    rows, masks, without, cut = boxed(of, 'test')
    if not len(rows): return
    layers, method, of.mirror = of.recipe(None, None, None)
    check_layers(of.bundle.model, layers, of.run.experiment.size)
    paths = list(dict.fromkeys([*rows.path, *some(of)]))
    each = compute_each(of.bundle.model, of.cohort.pixels, paths, of.stats, layers, dict.fromkeys([method, *METHODS]), of.mirror)
    maps = each[method].on_scale(paths)
    scored = dict(localized(of, each, maps, rows, masks, choices), positives_without_boxes=int(without), boxes_clipped=int(cut))
    found = dict(layers=maps.layers, method=method, mirror=of.mirror, synthetic=of.run.synthetic, images=len(paths),
                 box_guidance=of.run.experiment.box_guidance, localization=scored, sanity=checked(of, maps),
                 bias=biased(of, maps, some(of)), others=[], choices=dict(n_boot=choices.n_boot, seed=choices.seed))
    write(of.run.folder/'localization.json', json.dumps(found, indent=1, allow_nan=False))
    shown = of.run.predictions[of.run.predictions.path.isin(paths)]
    style.save(panel(of.cohort, of.run.experiment, heatmaps.spread(shown), maps), of.run.folder/'gradcam.png')


def limited(table):
    "Without boxed images beyond what `apart.some` takes: their masks are in memory together."
    boxed = table.boxes.map(bool)
    return pd.concat([table[~boxed], sampled(table[boxed])]).sort_index()


def localized(of, each, maps, rows, masks, choices):
    "`localization` of the model and of what sees nothing; the IoU is at one half of the heat, for no image is there to choose it on."
    paths, size, patient = list(rows.path), of.run.experiment.size, rows.patient
    untrained = of.maps(of.bundle.untrained(of.run.experiment.seed + 1), paths, maps.layers, maps.method)
    heats = {'model': maps.each(paths), 'a random point': [np.ones((size, size), np.float32)]*len(paths), HALF: others(masks, patient),
             'untrained network': untrained.each(paths)}
    none = np.zeros((0, size, size), bool)
    found = localization.localization({k: ((), v) for k, v in heats.items()}, (none, masks), patient, grouped(of, rows), choices.n_boot,
                                      choices.seed)
    def means(m): return localization.means({k: v for k, v in localization.table(m.each(paths), masks).items() if k != 'iou'}, patient)
    return dict(found, methods={name: means(each[name]) for name in METHODS})


def others(masks, patient):
    "For each image the mean mask of the images of the other half of the patients, from 0 to 1 at the most frequent place, one by one."
    half = np.unique(np.asarray(patient, dtype=str), return_inverse=True)[1] % 2
    def mean(k):
        total = masks[half != k].mean(0) if (half != k).any() else np.ones(masks.shape[1:])
        return (total/total.max()).astype(np.float32)
    both = mean(0), mean(1)
    return (both[k] for k in half)
