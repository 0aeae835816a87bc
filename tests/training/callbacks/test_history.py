import pandas as pd

from pneumo_fastai.training.callbacks.history import History


def test_a_row_an_epoch_and_the_same_bytes_each_time(make, tmp_path):
    for name in 'ab':
        learn, e = make(epochs=2)
        learn.fit(2, e.lr, cbs=History(tmp_path/name))
    table = pd.read_csv(tmp_path/'a')
    assert table.epoch.tolist() == [0, 1] and {'train_loss', 'valid_loss', 'auroc'} < set(table) and 'time' not in table
    assert (tmp_path/'a').read_bytes() == (tmp_path/'b').read_bytes()
