"Training on a rich progress bar."
from fastai.callback.core import Callback


class Bar(Callback):
    "A rich progress bar over the steps of a fit or of predictions, and a line an epoch."
    order = 70  # after the Recorder
    heads = dict(train_loss='loss', valid_loss='v. loss', accuracy='acc.', precision='prec.', specificity='spec.', f1='F1', auroc='AUROC')

    def __init__(self, progress, description='training'): self.progress, self.description = progress, description

    def _start(self, total): self.task = self.progress.add_task(self.description, total=total, note='')

    def before_fit(self):
        if hasattr(self, 'gather_preds'): return
        self.steps = len(self.dls.train) + len(self.dls.valid)
        self._start(self.n_epoch * self.steps)
        self._line([self.heads.get(o, o) for o in self.recorder.metric_names])

    def before_validate(self):
        if hasattr(self, 'gather_preds'): self._start(len(self.dl))

    def before_epoch(self):
        if not hasattr(self, 'gather_preds'): self.progress.update(self.task, completed=self.epoch * self.steps)

    def after_batch(self): self.progress.advance(self.task)

    def after_epoch(self):
        if not hasattr(self, 'gather_preds'): self._line(self.recorder.log)

    def _line(self, values):
        cells = [f'{v:.3f}' if isinstance(v, float) else str(v) for v in values]
        self.progress.console.print(cells[0].rjust(5) + ''.join(c.rjust(8) for c in cells[1:]), no_wrap=True, crop=False)
