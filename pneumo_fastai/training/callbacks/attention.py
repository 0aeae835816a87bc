"A callback that shows how attention moves as a network learns."
from dataclasses import fields, replace

import numpy as np
from fastai.callback.core import Callback

from ...data.prepare import boxes_in_square
from ...explain.maps import Maps, compute
from ...report.figures import heatmaps, style
from ..loaders import normalised_by

FRAME = 600  # milliseconds an epoch in the animation


class WatchGradCAM(Callback):
    "The maps of a few fixed validation images before training and every few epochs: attention.png, and attention.gif that plays them."
    order = 80  # after the weights of the epoch are measured
    def __init__(
        self, folder, experiment,
        n=6,        # images: two in three with pneumonia
        frames=10,  # about so many epochs are kept
        **how,      # layers, method and mirror, as for `GradCAM`
    ):
        self.folder, self.experiment, self.n, self.frames, self.how = folder, experiment, n, frames, how

    def before_fit(self):
        self.run = not hasattr(self, 'lr_finder') and not hasattr(self, 'gather_preds')
        if not self.run: return
        valid = self.dls.cohort.table.query('split == "valid"')
        of = {c: rows.path for c, rows in valid.sample(frac=1, random_state=0).groupby('label')}
        self.paths, self.kept = [*of[1][:self.n * 2 // 3], *of[0][:self.n - self.n * 2 // 3]], []
        self._keep('before' if self.experiment.weights else 'untrained')

    def after_epoch(self):
        every = -(-self.n_epoch // self.frames)
        if self.epoch % every == 0 or self.epoch == self.n_epoch - 1: self._keep(f'epoch {self.epoch}')

    def _keep(self, title): self.kept.append((title, self._maps(self.paths)))

    def _maps(self, paths):
        return compute(self.model, self.dls.cohort.pixels, paths, normalised_by(self.dls), **self.how)

    def state(self): return dict(kept=[(title, vars(maps)) for title, maps in self.kept])

    def resume(self, state):
        def arrays(maps): return {k: [a.numpy() for a in maps[k]] for k in ('native', 'values')}
        self.kept = [(title, Maps(**{f.name: maps[f.name] for f in fields(Maps)} | arrays(maps))) for title, maps in state['kept']]

    def after_fit(self):
        cohort = self.dls.cohort
        valid = cohort.table.path[cohort.table.split == 'valid']
        end = self._maps(valid).on_scale(valid)  # of the weights that are kept: the scale of the run's other panels
        kept = [(title, list(replace(maps, tops=end.tops).shown(self.paths))) for title, maps in self.kept]
        images = [np.array(cohort.pixels[p]) for p in self.paths]
        boxes = [boxes_in_square(cohort, p, self.experiment) for p in self.paths]
        style.save(heatmaps.attention(images, kept, boxes, end.scale, cohort.synthetic), self.folder/'attention.png')
        frames = [heatmaps.image_grid(images, [title] * len(self.paths), heat, boxes, synthetic=cohort.synthetic, scale=end.scale)
                  for title, heat in kept]
        heatmaps.save_animation(frames, self.folder/'attention.gif', FRAME)

