"What a run's heatmaps are worth: scored against boxes, checked for sanity and for bias; localization.json and gradcam.npz."
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..data.cache import open_pixels
from ..data.cohort import Cohort
from ..data.prepare import Prepared, boxes_in_square
from ..errors import InputError
from ..evaluation.folder import read_json, read_run, write
from ..evaluation.subgroups import area_band, area_cuts, box_area
from ..inference.bundle import Bundle
from . import bias, localization, sanity
from .gradcam import METHODS
from .maps import Maps, compute

CHECKED = 64  # images of test for the sanity checks: half of each class
COARSE = 56   # pixels a side for comparing maps with each other


@dataclass
class Subject:
    "A finished run, its model and its images."
    run:object        # `folder.Run`
    bundle:Bundle
    cohort:Prepared

    @property
    def stats(self): return self.bundle.recipe['mean'], self.bundle.recipe['std']

    def rows(self, split): return self.cohort.table[self.cohort.table.split == split]

    def maps(self, model, paths, layers, method, tick=None):
        return compute(model, self.cohort.pixels, paths, self.stats, layers, method, tick=tick)


def subject(folder, cohort=None, cache=None) -> Subject:
    "Of a run's folder; its images from the cache or decoded again. Raises `InputError` where they are gone."
    run = read_run(folder)
    if cohort is None:
        e = run.experiment
        pixels = open_pixels(run.cohort.path, e.size, e.aspect, cache, any_view=e.any_view)
        if (gone := pixels.table.reason.notna()).any():
            first = pixels.table[gone].iloc[0]
            raise InputError(f'{int(gone.sum())} of {len(gone)} images are gone, {first.name}: {first.reason}; put them back')
        base = Cohort(table=run.cohort, rejected=run.rejected, name=run.data['name'], layout=run.data['layout'],
                      synthetic=run.data['synthetic'], notes=[])
        cohort = Prepared(**vars(base), pixels=pixels)
    bundle = Bundle.load(folder)
    if torch.cuda.is_available(): bundle.model.cuda()
    return Subject(run, bundle, cohort)


def boxed(of, split):
    "Positives of a split that have boxes, their masks (n, size, size), how many have none, and how many boxes were clipped."
    rows, size = of.rows(split).query('label == 1'), of.run.experiment.size
    found = [localization.clipped(boxes_in_square(of.cohort, p, of.run.experiment), size) for p in rows.path]
    has = [bool(boxes) for boxes, _ in found]
    masks = np.stack([localization.box_mask(b, size) for b, _ in found if b]) if any(has) else np.zeros((0, size, size), bool)
    return rows[has], masks, len(has) - sum(has), sum(n for _, n in found)


def opponents(of, valid, test, layers, method) -> dict:
    "What the model's maps have to beat: an even map (a random point), the mean box mask of train, and the untrained network."
    size, mean = of.run.experiment.size, boxed(of, 'train')[1].mean(0)
    def same(image): return tuple(np.broadcast_to(image.astype(np.float32), (len(r), size, size)) for r in (valid, test))
    fresh = of.bundle.untrained(of.run.experiment.seed + 1)
    untrained = of.maps(fresh, [*valid.path, *test.path], layers, method)
    return {'a random point': same(np.ones((size, size))), 'mean box of train': same(mean / mean.max()),
            'untrained network': (untrained.heat(valid.path), untrained.heat(test.path))}


def groups(of, test) -> dict:
    "View, third of box area, and whether the call was right, for each image of `test`."
    cuts = area_cuts(of.cohort.table.boxes.map(box_area))
    p = of.run.predictions.set_index('path').probability.reindex(test.path).to_numpy()
    out = {'box area': np.array([area_band(box_area(b), cuts) for b in test.boxes]),
           'call': np.where(p >= of.bundle.recipe['threshold'], 'found', 'missed')}
    if test['view'].notna().any(): out['view'] = test['view'].fillna('not stated').to_numpy()
    return out


def localized(of, maps, n_boot, seed) -> dict:
    "`localization` of the model and its opponents; a reason where the data have no boxes to compare with."
    (valid, valid_masks, *_), (test, masks, without, cut) = (boxed(of, split) for split in ('valid', 'test'))
    if not len(test) or not len(valid): return dict(reason='not defined, because no positive of valid or of test has boxes')
    rest = opponents(of, valid, test, maps.layers, maps.method)
    heats = {'model': (maps.heat(valid.path), maps.heat(test.path)), **rest}
    found = localization.localization(heats, (valid_masks, masks), test.person, groups(of, test), n_boot, seed)
    return dict(found, positives_without_boxes=int(without), boxes_clipped=int(cut), methods=methods(of, test, masks, maps, n_boot, seed))


def methods(of, test, masks, maps, n_boot, seed) -> dict:
    "The measures that need no threshold, for each of METHODS on the same layers."
    out = {}
    for method in METHODS:
        heats = maps if method == maps.method else of.maps(of.bundle.model, test.path, maps.layers, method)
        found = localization.table(heats.heat(test.path), masks)
        out[method] = localization.means({k: v for k, v in found.items() if k != 'iou'}, test.person, n_boot, seed)
    return out


def some(of) -> list:
    "Paths of up to CHECKED images of test, half of each class, drawn with the run's seed."
    test = of.rows('test').sort_values('path')
    return [p for _, rows in test.groupby('label') for p in rows.path.sample(min(len(rows), CHECKED // 2), random_state=0)]


def checked(of, maps, tick=None) -> dict:
    "`sanity.similarity` of the maps before and after each stage of the cascade; for the last one, whether the method survives."
    paths, out = some(of), []
    before = maps.heat(paths, COARSE)
    fresh = of.bundle.untrained(of.run.experiment.seed + 1)
    for block, model in sanity.cascade(of.bundle.model, fresh):
        after = of.maps(model, paths, maps.layers, maps.method).heat(paths, COARSE)
        out.append(dict(randomised=block, **sanity.similarity(before, after)))
        if tick: tick()
    last = out[-1]['rank_correlation']
    return dict(cascade=out, survives=bool(last and last['mean'] >= sanity.SURVIVES))


def compared(of, maps, other) -> dict:
    "How alike the maps of another run are, on the images that are in test for both; what differs in its recipe."
    theirs = subject(other, of.cohort if read_run(other).experiment.size == of.run.experiment.size else None)
    shared = sorted(set(of.rows('test').path) & set(theirs.run.predictions.query('split == "test"').path))
    if not shared: raise InputError(f'{other} has no image of test in common with {of.run.folder}; give a run on the same data and split')
    heat = theirs.maps(theirs.bundle.model, shared, maps.layers, maps.method).heat(shared, COARSE)
    differs = {k: v for k, v in theirs.run.recipe.items() if of.run.recipe[k] != v}
    return dict(run=Path(other).resolve().name, differs=differs, **sanity.similarity(maps.heat(shared, COARSE), heat))


def biased(of, maps) -> dict:
    "`bias.shares` and the mean map, of test images with and without pneumonia."
    out = {}
    for label, rows in of.rows('test').groupby('label'):
        images, heats = (of.cohort.pixels[p] for p in rows.path), (maps.heat([p])[0] for p in rows.path)
        out['pneumonia' if label else 'no pneumonia'] = dict(n=len(rows), **{'shares': bias.shares(images, heats)},
                                                            mean_map=maps.heat(list(rows.path), COARSE).mean(0).round(3).tolist())
    return out


def explain_run(
    folder,        # a finished run's
    layers=None,   # a name, or several to fuse; None: the last that gives maps
    method='gradcam',
    others=(),     # folders of runs to compare the maps with: another seed, shuffled labels
    cohort=None,   # the run's `Prepared`, where it is at hand
    cache=None, n_boot=1000, seed=0,
    tick=None,     # called with (maps done, maps in all)
) -> dict:
    "Write gradcam.npz (maps of valid and test) and localization.json into the run's folder; returns what the latter holds."
    of = subject(folder, cohort, cache)
    paths = [p for split in ('valid', 'test') for p in of.rows(split).path]
    maps = of.maps(of.bundle.model, paths, layers, method, tick)
    maps.save(Path(folder)/'gradcam.npz')
    found = dict(layers=maps.layers, method=method, synthetic=of.run.synthetic, images=len(of.rows('test')),
                 localization=localized(of, maps, n_boot, seed), sanity=checked(of, maps), bias=biased(of, maps),
                 others=[compared(of, maps, other) for other in others], choices=dict(n_boot=n_boot, seed=seed))
    write(Path(folder)/'localization.json', json.dumps(found, indent=1, allow_nan=False))
    return found


__all__ = ['Maps', 'Subject', 'explain_run', 'read_json', 'subject']
