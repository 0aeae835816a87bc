"What cannot be is told before it is trained; on the command line of fit: test_fit_sweep.py."
import subprocess
import sys
from dataclasses import replace

import pytest

from pneumo_fastai import checks
from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import Experiment


@pytest.mark.parametrize('asked, says', [
    (dict(arch='densenet121', output_stride=16), 'output_stride means nothing to arch densenet121'),
    (dict(gradcam_layers='layer4,fc'), "no layer 'fc'"), (dict(weights='nowhere'), 'weights nowhere do not exist')])
def test_a_network_a_layer_or_weights_that_there_are_not(asked, says):
    with pytest.raises(InputError, match=says): checks.check_network(Experiment(size=64, **asked))


def test_members_that_ask_for_the_same_are_looked_at_once(monkeypatch):
    seen, e = [], Experiment()
    monkeypatch.setattr(checks, 'check_network', seen.append)
    checks.check_networks([replace(e, seed=seed, arch=arch) for seed in (0, 1) for arch in ('resnet18', 'densenet121')])
    assert [e.arch for e in seen] == ['resnet18', 'densenet121']
    checks.check_networks([replace(e, size_start=size) for size in (64, 0)])  # which a network of one size cannot all take
    assert [e.size_start for e in seen[2:]] == [64, 0]


def test_what_the_shipped_networks_take_is_known_without_torch():
    code = 'import sys; from pneumo_fastai import checks, experiment; checks.check_network(experiment.Experiment())\n' \
           'assert not {"torch", "fastai"} & set(sys.modules)'
    subprocess.run([sys.executable, '-c', code], check=True)
