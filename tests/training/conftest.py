import pytest
from torch import nn

from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.data.prepare import prepare
from pneumo_fastai.experiment import Experiment
from pneumo_fastai.models import zoo


class Small(nn.Sequential):
    "What these tests train in place of ResNet18: the loop is under test, not the network."
    def __init__(self):
        super().__init__(nn.Conv2d(1, 8, 5, 4), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(8, 2))


@pytest.fixture(autouse=True)
def small(monkeypatch): monkeypatch.setitem(zoo.ARCHITECTURES, 'resnet18', Small)


@pytest.fixture(scope='session')
def tiny():
    "An experiment that a test can afford."
    return Experiment(size=32, batch_size=16, epochs=2, lr=1e-3, precision='float32')


@pytest.fixture(scope='session')
def cohort(films, tiny, tmp_path_factory): return prepare(read_cohort(films), tiny, tmp_path_factory.getbasetemp()/'cache')
