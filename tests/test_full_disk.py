"A disk that is full while weights, tables or pictures are saved: one line, and no file that is half of one."
import contextlib
import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from fastai.data.core import DataLoaders, Datasets, TfmdDL
from fastai.learner import Learner
from matplotlib.figure import Figure

from pneumo_fastai.cli import run
from pneumo_fastai.explain.maps import Maps
from pneumo_fastai.fit import fit
from pneumo_fastai.inference.stored import write_weights
from pneumo_fastai.models.architectures.resnet18 import ResNet18
from pneumo_fastai.report.figures import style
from pneumo_fastai.training import checkpoints
from pneumo_fastai.training.run import save_learner
from pneumo_fastai.writing import write

NOISE = np.random.default_rng(0).random((1, 1000, 1000))


@pytest.fixture
def small_disk(tmp_path):
    "Makes a folder on a file system of that many MB."
    places = []
    def mount(megabytes):
        place = tmp_path/'disk'
        place.mkdir()
        command = 'mount', '-t', 'tmpfs', '-o', f'size={megabytes}m', 'tmpfs', str(place)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode: pytest.skip(f'no file system can be mounted here: {done.stderr.strip()}')
        places.append(place)
        return place
    yield mount
    for place in places: subprocess.run(['umount', '-l', place], check=True)


def learner(folder):
    dls = DataLoaders(*(TfmdDL(Datasets([0])) for _ in range(2)))
    return Learner(dls, ResNet18(), torch.nn.CrossEntropyLoss(), path=folder, model_dir='.')


def big_figure():
    fig = Figure()
    fig.subplots().imshow(NOISE[0])
    return fig


WRITERS = {
    '2-00001-000000000.checkpoint': lambda folder: checkpoints.save(folder, dict(phase=2, epoch=1, step=0, w=torch.zeros(2**20))),
    'weights.safetensors': lambda folder: write_weights(folder/'weights.safetensors', ResNet18().state_dict()),
    'learner.pkl': lambda folder: save_learner(learner(folder), folder),
    'predictions.csv': lambda folder: write(folder/'predictions.csv', 'x' * 2**23),
    'roc.png': lambda folder: style.save(big_figure(), folder/'roc.png', dpi=600),
    'gradcam.npz': lambda folder: Maps(['a'], ['b'], 'gradcam', 2, [NOISE], [NOISE]).save(folder/'gradcam.npz')}


@pytest.mark.parametrize('name', WRITERS)
def test_a_file_appears_whole_or_not_at_all_and_what_was_there_stays(small_disk, name):
    folder = small_disk(2)
    (folder/name).write_text('as it was')
    with pytest.raises(OSError) as e: WRITERS[name](folder)
    assert e.value.errno == errno.ENOSPC and e.value.filename == str(folder/name)
    assert [p.name for p in folder.iterdir()] == [name] and (folder/name).read_text() == 'as it was'


@pytest.mark.slow
def test_fit_on_a_full_disk_says_it_in_one_line_and_goes_on_when_there_is_room(small_disk, films, tmp_path):
    folder = small_disk(20)  # a checkpoint is 130 MB
    argv = ['--data', str(films), '--size', '32', '--epochs', '2', '--cache', str(tmp_path/'cache')]
    def fit(*argv): return subprocess.run([sys.executable, '-m', 'pneumo_fastai.fit', *argv], capture_output=True, text=True, check=False)
    def remount(how): subprocess.run(['mount', '-o', f'remount,{how}', folder], check=True)
    done = fit(*argv, '--out', str(folder))
    err = done.stderr
    assert done.returncode == 2 and err.startswith('error: ') and err.count('\n') == 1 and '.checkpoint' in err and 'No space left' in err
    made, = folder.iterdir()
    assert not {'model', 'learner.pkl', 'SHA256SUMS'} & {p.name for p in made.iterdir()} and not [*made.rglob('.*')]
    remount('size=600m,ro')
    done = fit('--resume', str(made))
    assert done.returncode == 2 and done.stderr.count('\n') == 1 and 'Read-only file system' in done.stderr
    remount('rw')
    assert fit('--resume', str(made)).returncode == 0 and fit(*argv, '--out', str(tmp_path)).returncode == 0
    whole = next(tmp_path.glob('baseline-*'))
    for name in ('predictions.csv', 'history.csv', 'model/weights.safetensors'):
        assert (made/name).read_bytes() == (whole/name).read_bytes()


def fill(folder):
    "Not a byte is free on its file system."
    with contextlib.suppress(OSError), (folder/'filler').open('wb') as file:
        while True: file.write(bytes(2**12))


@pytest.mark.slow
def test_a_member_that_had_no_room_goes_on_from_its_checkpoint_when_there_is(small_disk, small, films, tmp_path, monkeypatch, capsys):
    from pneumo_fastai.training import run as runs
    for name in ('present', 'draw_images'): monkeypatch.setattr(runs, name, lambda *a: None)  # the members' figures and pages
    disk, save = small_disk(4), checkpoints.save
    def last_room(folder, state):
        save(folder, state)
        if folder.parent.name == 'seed=1.partial' and state['epoch'] == 1: fill(disk)
    argv = ['--data', str(films), '--size', '32', '--batch-size', '16', '--epochs', '2', '--tta', '0', '--precision', 'float32',
            '--minutes', '0', '--sweep', 'seed=0,1', '--cache', str(tmp_path/'cache')]
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, 'save', last_room)
        assert run(fit, [*argv, '--out', str(disk)]) == 2
    err = capsys.readouterr().err
    assert err.count('\n') == 1 and 'No space left' in err
    (disk/'filler').unlink()
    made, = disk.glob('baseline-*')
    assert run(fit, ['--resume', str(made), '--minutes', '0']) == 0 and 'goes on at epoch 1, step 0' in capsys.readouterr().out
    assert run(fit, [*argv, '--out', str(tmp_path)]) == 0
    whole, = tmp_path.glob('baseline-*')
    for name in ('predictions.csv', 'history.csv'): assert (made/'seed=1'/name).read_bytes() == (whole/'seed=1'/name).read_bytes()


def test_where_nothing_can_be_mounted_a_writer_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def full(*_, **__): raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(Path, 'write_bytes', full)
    with pytest.raises(OSError, match='No space left'): WRITERS['weights.safetensors'](tmp_path)
    assert not list(tmp_path.iterdir())
