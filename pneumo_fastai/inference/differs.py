"What differs between a run's own test images and those of another data set: who is in them, what the pixels are like, one number for all."
import numpy as np
import pandas as pd
import torch

from ..data.borders import SIDES, looks
from ..data.cache import open_pixels
from ..data.counts import counted
from ..data.likeness import measures
from ..evaluation.apart import some, told_apart
from ..screen import bar
from .network import seen

BATCH = 16
FACTS = {'view': ['view'], 'age': ['age'], 'sex': ['sex'], 'pixel spacing': ['spacing'], 'stored size': ['height', 'width']}


def differing(run, bundle, cohort, cache):
    "differs.json: `facts` of the run's own test images (own) and of these (here), and `told_apart`, or a reason where the former are gone."
    with bar('own test images') as tick: rows, pixels = own_images(run, cohort.pixels.how, cache, tick)
    sets = dict(own=(run.cohort[run.cohort['split'] == 'test'], rows, pixels), here=(cohort.table, some(cohort.table), cohort.pixels))
    with bar('features') as tick: known = {k: features(bundle, p, r, tick) for k, (_, r, p) in sets.items()}
    with bar('borders, grey levels') as tick:
        sides = {k: facts(*sets[k], cohort.pixels.how[1], bundle, known[k][1], tick) for k in sets}
    if rows is None: return dict(sides, apart=None, reason='the run\'s own test images are gone')
    with bar('telling the sets apart'):
        table = pd.concat([stated(r, p).assign(label=i, patient=f'{i} ' + r['patient'])
                           for i, (_, r, p) in enumerate(sets.values())], ignore_index=True)
        return dict(sides, apart=told_apart(table, FACTS, np.concatenate([f for f, _ in known.values()])))


def own_images(run, how, cache, tick):
    "Rows of the run's test images whose files are there, at most so many as `apart.some` takes, and their `Pixels`; None where none is."
    rows = some(run.cohort[run.cohort['split'] == 'test'])
    pixels = open_pixels(rows['path'], *how, folder=cache, tick=tick)
    rows = rows[pixels.table.reindex(rows['path'])['reason'].isna().to_numpy()].reset_index(drop=True)
    return (rows, pixels) if len(rows) else (None, None)


@torch.inference_mode()
def features(bundle, pixels, rows, tick):
    "Of each image: its features (n, channels), of an ensemble those of its first network, and whether the model warns of it [n]."
    if rows is None: return None, None
    at, found, warned = [pixels.row(p) for p in rows['path']], [], []
    for i in range(0, len(at), BATCH):
        images = pixels.read(at[i:i + BATCH])
        _, each = seen(bundle.network, bundle.normalised(images))
        found.append(each[0].cpu().numpy())
        warned += map(bool, bundle.likeness(images, each, [()]*len(images)))
        tick(len(warned), len(at))
    return np.concatenate(found), np.array(warned)


def stated(rows, pixels):
    header = pixels.table.loc[rows['path'], ['spacing', 'height', 'width']].reset_index(drop=True)
    return pd.concat([rows[['view', 'sex', 'age']].reset_index(drop=True), header], axis=1)


def facts(
    table,   # every image of the set
    rows,    # those that were looked at, or None
    pixels, aspect, bundle, warned, tick,
) -> dict:
    "images, patients, pneumonia, prevalence; view and sex (images by value), age (quartiles), and of `rows` what their pixels say."
    def values(column): return table[column].astype(object).where(table[column].notna(), 'not stated').value_counts().to_dict()
    found = dict(counted(table), view=values('view'), sex=values('sex'), age=quartiles(table['age']), looked_at=0)
    return found if rows is None else found | dict(looked_at=len(rows), **seen_in(rows, pixels, aspect, bundle, warned, tick))


def quartiles(values):
    "Median, lower and upper quartile; None where nothing is stated."
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    return np.quantile(values, [.5, .25, .75]).tolist() if len(values) else None


def seen_in(rows, pixels, aspect, bundle, warned, tick):
    "Quartiles of stored height, width, mean grey and its deviation; shares with a bar at an edge, constant, warned of, enlarged."
    header, edge = pixels.table.loc[rows['path']], looks(pixels, list(rows['path']), aspect, tick)
    mean, deviation = np.array([list(measures(pixels[path]).values()) for path in rows['path']]).T
    bars = (edge[[f'{side}_bar' for side in SIDES]] > 0).any(axis=1) & ~edge['constant'].astype(bool)
    return dict(height=quartiles(header['height']), width=quartiles(header['width']), grey=quartiles(mean), deviation=quartiles(deviation),
                bars=float(bars.mean()), constant=float(edge['constant'].mean()),
                unlike=float(warned.mean()) if bundle.recipe.get('grey') else None,
                enlarged=float((header[['height', 'width']].max(axis=1) < bundle.recipe['size']).mean()))
