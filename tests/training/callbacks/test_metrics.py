import pytest
import torch
from sklearn import metrics as sk

from pneumo_fastai.training.loaders import split_dl


def test_the_metric_suite_is_scikit_learns_on_the_whole_validation_set(make):
    learn, e = make(epochs=1)
    learn.fit(1, e.lr)
    got = dict(zip(learn.recorder.metric_names[1:-1], learn.recorder.values[-1], strict=True))
    p, y = (t.numpy() for t in learn.get_preds(dl=split_dl(learn.dls, 'valid')))
    p, called = p[:, 1], p[:, 1] >= 0.5
    want = dict(accuracy=sk.accuracy_score(y, called), recall=sk.recall_score(y, called),
                specificity=sk.recall_score(y, called, pos_label=0), f1=sk.f1_score(y, called), auroc=sk.roc_auc_score(y, p))
    if called.any(): want['precision'] = sk.precision_score(y, called)
    assert set(got) == {'train_loss', 'valid_loss', 'accuracy', 'precision', 'recall', 'specificity', 'f1', 'auroc'}
    for k, v in want.items(): assert got[k] == pytest.approx(v), k


def test_what_is_measured_at_each_step_never_leaves_its_device(make):
    "A tensor of the device 'meta' has no numbers: whoever asks for one raises."
    learn, _ = make()
    learn.pred, learn.loss = torch.empty(4, 2, device='meta'), torch.empty((), device='meta')
    learn.xb, learn.yb = (None,), (torch.empty(4, dtype=torch.long, device='meta'),)
    for measure in (*learn.metrics, learn.recorder.loss, learn.recorder.smooth_loss):
        measure.reset()
        for _ in range(3): measure.accumulate(learn)
    assert learn.metrics[0].preds[-1].is_meta and learn.recorder.loss.value.is_meta and learn.recorder.smooth_loss.val.is_meta
