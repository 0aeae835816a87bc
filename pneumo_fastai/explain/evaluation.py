"What a run's heatmaps are worth: scored against boxes, checked for sanity and for bias; localization.json and gradcam.npz."
import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..data.cache import open_pixels
from ..data.cohort import CLASSES, Cohort
from ..data.prepare import Prepared
from ..errors import InputError
from ..evaluation.subgroups import area_band, area_cuts, box_area
from ..experiment import READING, reading
from ..inference.bundle import Bundle
from ..report.figures.heat import TOP
from ..runs.checksums import renewing
from ..runs.files import BY
from ..runs.folder import read_run
from ..writing import whole, write
from . import bias, localization, sanity
from .boxes import boxed, mean_box
from .differences import Differences
from .gradcam import METHODS, how_maps
from .layers import check_layers
from .maps import compute, compute_each
from .panels import draw

CHECKED = 64  # images of test for the sanity checks: half of each class
COARSE = 56   # pixels a side for comparing maps with each other
WRITTEN = [name for name, by in BY.items() if by == 'gradcam']


@dataclass
class Subject:
    "A finished run, its model and its images."
    run:object        # `folder.Run`
    bundle:Bundle
    cohort:Prepared
    mirror:bool = False  # as for `GradCAM`

    @property
    def stats(self): return self.bundle.recipe['mean'], self.bundle.recipe['std']

    def rows(self, split): return self.cohort.table[self.cohort.table.split == split]

    def maps(self, model, paths, layers, method):
        return compute(model, self.cohort.pixels, paths, self.stats, layers, method, mirror=self.mirror)

    def recipe(self, layers, method, mirror):
        "How to draw maps, from the run's recipe where not given."
        own, n = how_maps(self.run.experiment), self.bundle.n
        if n > 1 and own['layers']: own['layers'] = [f'members.{i}.{o}' for i in range(n) for o in own['layers']]
        return layers or own['layers'], method or own['method'], own['mirror'] if mirror is None else mirror


def subject(folder, cohort=None, cache=None, run=None) -> Subject:
    "Of a run's folder; its images from the cache or decoded again. Raises `InputError` where they are gone."
    run = run or read_run(folder)
    if cohort is None:
        pixels = open_pixels(run.cohort.path, *reading(run.experiment), folder=cache)
        if (gone := pixels.table.reason.notna()).any():
            first = pixels.table[gone].iloc[0]
            raise InputError(f'{int(gone.sum())} of {len(gone)} images are gone, {first.name}: {first.reason}; put them back')
        base = Cohort(table=run.cohort, rejected=run.rejected, name=run.data['name'], layout=run.data['layout'],
                      synthetic=run.data['synthetic'], notes=[])
        cohort = Prepared(**vars(base), pixels=pixels)
    return Subject(run, Bundle.load(folder, device='cuda' if torch.cuda.is_available() else 'cpu'), cohort)


def opponents(of, valid, test, layers, method, mean) -> dict:
    "What the model's maps have to beat: an even map (a random point), the mean box of train, labels alone, and the untrained network."
    size = of.run.experiment.size
    def same(image): return [image] * len(valid), [image] * len(test)
    fresh = of.bundle.untrained(of.run.experiment.seed + 1)
    untrained = of.maps(fresh, [*valid.path, *test.path], layers, method)
    out = {'a random point': same(np.ones((size, size), np.float32))}
    if mean is not None: out['mean box of train'] = same(mean)
    if len(train := of.rows('train')):  # what is adapted has none at hand
        labels = Differences.of(of.cohort.pixels, train)
        out['differences by label'] = tuple(labels.each((of.cohort.pixels[p] for p in rows.path), size) for rows in (valid, test))
    return {**out, 'untrained network': (untrained.each(valid.path), untrained.each(test.path))}


def grouped(of, test) -> dict:
    "View, third of box area, and whether the call was right, for each image of `test`."
    cuts = area_cuts(of.cohort.table.boxes.map(box_area))
    p = of.run.predictions.set_index('path').probability.reindex(test.path).to_numpy()
    out = {'box area': np.array([area_band(box_area(b), cuts) for b in test.boxes]),
           'call': np.where(p >= of.bundle.recipe['threshold'], 'found', 'missed')}
    if test['view'].notna().any(): out['view'] = test['view'].fillna('not stated').to_numpy()
    return out


def localized(of, each, maps, mean, n_boot, seed) -> dict:
    "`localization` of the model and its opponents; a reason where the data have no boxes to compare with."
    (valid, valid_masks, *_), (test, masks, without, cut) = (boxed(of, split) for split in ('valid', 'test'))
    counts = dict(positives_without_boxes=int(without), boxes_clipped=int(cut))
    if not len(test) or not len(valid): return dict(reason='not defined, because no positive of valid or of test has boxes', **counts)
    rest = opponents(of, valid, test, maps.layers, maps.method, mean)
    heats = {'model': (maps.each(valid.path), maps.each(test.path)), **rest}
    found = localization.localization(heats, (valid_masks, masks), test.patient, grouped(of, test), n_boot, seed)
    def means(m):
        if m is maps: return {k: v for k, v in found['maps']['model'].items() if k != 'iou'}
        columns = localization.table(m.each(test.path), masks)
        return localization.means({k: v for k, v in columns.items() if k != 'iou'}, test.patient)
    return dict(found, **counts, methods={name: means(each[name]) for name in METHODS})


def some(of) -> list:
    "Paths of up to CHECKED images of test, half of each class, drawn with seed 0."
    test = of.rows('test').sort_values('path')
    return [p for _, rows in test.groupby('label') for p in rows.path.sample(min(len(rows), CHECKED // 2), random_state=0)]


def patients(of, paths): return of.rows('test').set_index('path').patient.loc[paths]


def checked(of, maps) -> dict:
    "`sanity.similarity` of the maps before and after each stage of the cascade; for the last one, whether the method survives."
    paths, out = some(of), []
    before = maps.heat(paths, COARSE)
    fresh = of.bundle.untrained(of.run.experiment.seed + 1)
    for block, model in sanity.cascade(of.bundle.model, fresh):
        after = of.maps(model, paths, maps.layers, maps.method).heat(paths, COARSE)
        out.append(dict(randomised=block, **sanity.similarity(before, after, patients(of, paths))))
    last = out[-1]['rank_correlation']
    return dict(cascade=out, limit=sanity.SURVIVES, survives=bool(last and last['mean'] >= sanity.SURVIVES))


def shared(of, theirs): return sorted(set(of.rows('test').path) & set(theirs.run.predictions.query('split == "test"').path))


def beside(of, other, layers, cache=None) -> Subject:
    "Another run's `Subject`, with the images of `of` where it sees them alike; `InputError` where the maps cannot be compared."
    seen = [tuple(run.recipe[k] for k in READING) for run in (of.run, read_run(other))]
    theirs = subject(other, of.cohort if seen[0] == seen[1] else None, cache)
    theirs.mirror = of.mirror
    if not shared(of, theirs):
        raise InputError(f'{other} has no image of test in common with {of.run.folder}; give a run on the same data and split')
    check_layers(theirs.bundle.model, layers, theirs.run.experiment.size)
    return theirs


def compared(of, maps, theirs) -> dict:
    "How alike the maps of another run are, on the images that are in test for both; what differs in its recipe."
    paths = shared(of, theirs)
    heat = theirs.maps(theirs.bundle.model, paths, maps.layers, maps.method).heat(paths, COARSE)
    differs = {k: v for k, v in theirs.run.recipe.items() if of.run.recipe[k] != v}
    name = Path(theirs.run.folder).resolve().name
    return dict(run=name, differs=differs, **sanity.similarity(maps.heat(paths, COARSE), heat, patients(of, paths)))


def biased(of, maps, paths=None) -> dict:
    "`bias.shares` and the mean map, of test images (or of these of them) with and without pneumonia."
    out, table = {}, of.rows('test')
    for label, rows in (table if paths is None else table[table.path.isin(paths)]).groupby('label'):
        images, mean = (of.cohort.pixels[p] for p in rows.path), maps.heat(rows.path, COARSE).mean(0, dtype=float)
        shares = bias.shares(images, maps.each(rows.path), rows.patient)
        out[CLASSES[label]] = dict(n=len(rows), shares=shares, mean_map=mean.round(3).tolist())
    return out


def explain_run(
    folder,        # a finished run's
    layers=None,   # a name, or several to fuse; these three from the run's recipe unless given
    method=None,
    others=(),     # folders of runs to compare the maps with: another seed, shuffled labels
    cohort=None,   # the run's `Prepared`, where it is at hand, and below the run itself
    cache=None, n_boot=1000, seed=0,
    tick=None,     # called with (maps done, maps in all)
    mirror=None,
    worst=100,     # images in top_losses.html, those with the greatest loss; 0: all of test
    run=None,
) -> dict:
    """Write `WRITTEN`, all of it or, whatever happens, nothing: gradcam.npz (maps of valid and test), localization.json, whose content is
    returned, and what shows them."""
    with renewing(folder), ExitStack() as stack:
        at = {name: stack.enter_context(whole(Path(folder)/name)) for name in WRITTEN}
        return explained(subject(folder, cohort, cache, run), layers, method, others, cache, n_boot, seed, tick, mirror, worst, at)


def explained(of, layers, method, others, cache, n_boot, seed, tick, mirror, worst, at):
    "`explain_run` of a `Subject`, each file `at` its path."
    layers, method, of.mirror = of.recipe(layers, method, mirror)
    check_layers(of.bundle.model, layers, of.run.experiment.size)
    theirs = [beside(of, other, layers, cache) for other in others]
    paths = [p for split in ('valid', 'test') for p in of.rows(split).path]
    each = compute_each(of.bundle.model, of.cohort.pixels, paths, of.stats, layers, dict.fromkeys([method, *METHODS]), of.mirror, tick=tick)
    maps, mean = each[method].on_scale(of.rows('valid').path), mean_box(of)
    found = dict(layers=maps.layers, method=method, mirror=of.mirror, synthetic=of.run.synthetic, images=len(of.rows('test')),
                 box_guidance=of.run.experiment.box_guidance, localization=localized(of, each, maps, mean, n_boot, seed),
                 sanity=checked(of, maps), bias=biased(of, maps),
                 others=[compared(of, maps, o) for o in theirs], choices=dict(n_boot=n_boot, seed=seed),
                 scale=dict(tops=maps.tops, quantile=TOP, images=len(of.rows('valid')), label=maps.scale.label))
    maps.save(at['gradcam.npz'])
    draw(of, maps, found['bias'], mean, worst, at)
    write(at['localization.json'], json.dumps(found, indent=1, allow_nan=False))
    return found
