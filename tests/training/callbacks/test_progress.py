from io import StringIO

from rich.console import Console
from rich.progress import Progress

from pneumo_fastai.training.callbacks.progress import Bar


def test_a_step_is_a_step_of_the_bar_and_an_epoch_a_line(make):
    learn, e = make()
    out = StringIO()
    progress = Progress(console=Console(file=out, width=200))
    with learn.no_logging(): learn.fit(2, e.lr, cbs=Bar(progress))
    task, = progress.tasks
    assert task.completed == task.total == 2 * (len(learn.dls.train) + len(learn.dls.valid))
    head, *lines = out.getvalue().splitlines()
    assert head.split()[:2] == ['epoch', 'loss'] and [line.split()[0] for line in lines] == ['0', '1']
    assert lines[-1].split()[1:3] == [f'{v:.3f}' for v in learn.recorder.values[-1][:2]]


def test_predictions_have_a_bar_of_their_own_and_no_line(make):
    learn, _ = make()
    out = StringIO()
    progress = Progress(console=Console(file=out, width=200))
    learn.get_preds(cbs=[Bar(progress, 'predicting')])
    (task,), n = progress.tasks, len(learn.dls.valid)
    assert (task.description, task.completed, task.total) == ('predicting', n, n) and not out.getvalue()
