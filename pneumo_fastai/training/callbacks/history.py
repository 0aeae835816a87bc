"The history of a training as a file."
from fastai.callback.core import Callback

from ...writing import write


class History(Callback):
    "history.csv, an epoch a row, whole after each epoch; without its time, so that the same training writes the same bytes."
    order = 60  # after the Recorder
    def __init__(self, path): self.path = path

    def before_fit(self): self.run = not hasattr(self, 'lr_finder') and not hasattr(self, 'gather_preds')

    def after_epoch(self):
        names = [n for n in self.recorder.metric_names if n != 'time']
        rows = [names, *([i, *values] for i, values in enumerate(self.recorder.values))]
        write(self.path, ''.join(f'{",".join(map(str, row))}\n' for row in rows))
