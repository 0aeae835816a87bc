import json
import re
from shutil import rmtree
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
import torchvision

from pneumo_fastai.cli import run
from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import Experiment
from pneumo_fastai.fit import fit
from pneumo_fastai.inference.bundle import Bundle, joined
from pneumo_fastai.models.zoo import build, described
from pneumo_fastai.training.initial import check_unseen, said, start

RECIPE = dict(aspect='pad', mean=.5, std=.25, threshold=.5, calibrator=dict(method='none'))
FC = ['fc.weight', 'fc.bias']
WEIGHTS = 'model/weights.safetensors'


@pytest.fixture(autouse=True)
def _small(): "Here the networks are the real ones."


@pytest.fixture
def trained(tmp_path):
    "Makes a run's folder with a network of other random weights, and its state."
    def make(name='run', patients=(), **changes):
        e = Experiment(size=64, **changes)
        torch.manual_seed(5)
        state = build(**described(e)).state_dict()
        (tmp_path/name).mkdir()
        Bundle(state, dict(RECIPE, **described(e))).save(tmp_path/name/'model')
        rows = pd.DataFrame([dict(path=f'{name}/{i}', label=0, split=s, patient=p, view='AP', age=50, sex='F', detail='', boxes='[]')
                             for i, (p, s) in enumerate(patients)])
        if patients: rows.to_csv(tmp_path/name/'split.csv', index=False)
        (tmp_path/name/'environment.json').write_text('{}')
        return tmp_path/name, state
    return make


def begun(weights, **changes):
    "The network of an experiment, what it was before, and what `start` says."
    e = Experiment(size=64, weights=str(weights), **changes)
    net = build(**described(e))
    before = {k: v.clone() for k, v in net.state_dict().items()}
    return net.state_dict(), before, start(net, e)


def test_a_run_gives_everything_but_the_head_whatever_its_size_and_stochastic_depth(trained):
    folder, state = trained(antialias=True, stochastic_depth=.2)
    random = torch.get_rng_state()
    now, before, told = begun(folder, antialias=True)
    assert all(torch.equal(v, (before if k in FC else state)[k]) for k, v in now.items())
    assert (told['given'], told['loaded'], told['not_loaded']) == (str(folder), len(now) - 2, FC) and len(told['sha256']) == 64
    assert said(told) == f'weights: {len(now) - 2} tensors from {folder}; not loaded, so random: fc.weight, fc.bias'
    assert start(None, Experiment()) is None and json.dumps(told)
    assert not torch.equal(random, torch.get_rng_state())  # of building the network alone
    assert begun(folder/'model', antialias=True)[2]['sha256'] == told['sha256']


@pytest.mark.parametrize('arch, stem', [('resnet18', 'conv1.weight'), ('densenet121', 'features.conv0.weight')])
def test_a_file_of_torchvisions_has_its_first_convolution_summed(tmp_path, arch, stem):
    state = torchvision.models.get_model(arch, num_classes=1000).state_dict()
    old = {k.replace('.norm1.', '.norm.1.').replace('.conv2.', '.conv.2.') if arch == 'densenet121' else k: v
           for k, v in state.items() if not k.endswith('num_batches_tracked')}  # as files of long ago are
    for kind in (dict(), dict(_use_new_zipfile_serialization=False)):
        torch.save(old, tmp_path/'theirs.pth', **kind)
        now, _, told = begun(tmp_path/'theirs.pth', arch=arch)
        assert torch.equal(now[stem], state[stem].sum(1, keepdim=True))
        body = [k for k in now if k not in told['not_loaded'] and k != stem and 'tracked' not in k]
        assert all(torch.equal(now[k], state[k]) for k in body) and told['loaded'] == len(body) + 1
        assert set(told['not_loaded']) == {k for k in now if k.startswith(('fc', 'classifier'))}


def test_a_file_of_timms_needs_no_prefix(tmp_path):
    import timm
    state = timm.create_model('resnet10t', num_classes=5).state_dict()
    torch.save(state, tmp_path/'theirs.pt')
    now, _, told = begun(tmp_path/'theirs.pt', arch='timm:resnet10t')
    assert told['not_loaded'] == ['net.fc.weight', 'net.fc.bias'] and told['sha256']
    assert torch.equal(now['net.conv1.0.weight'], state['conv1.0.weight'].sum(1, keepdim=True))
    assert torch.equal(now['net.layer4.0.conv2.weight'], state['layer4.0.conv2.weight'])


def spoilt(path, how):
    raw = bytearray(path.read_bytes())
    raw[len(raw)//2] ^= 1
    path.write_bytes(raw if how == 'bit' else raw[:len(raw)//2])


@pytest.mark.parametrize('spoil, says', [
    (lambda o: o/'nowhere', 'nowhere do not exist; give the folder of a run, a file of weights, or imagenet'),
    (lambda o: rmtree(o/'model') or o, 'holds no model/'),
    (lambda o: spoilt(o/WEIGHTS, 'bit') or o, 'safetensors is damaged'),
    (lambda o: spoilt(o/WEIGHTS, 'half') or o/'model', 'safetensors is damaged'),
    (lambda o: spoilt(o/WEIGHTS, 'half') or o/WEIGHTS, 'safetensors is damaged or no safetensors'),
    (lambda o: spoilt(o/'model/model.json', 'half') or o, 'model.json is no JSON'),
    (lambda o: torch.save([1, 2], o/'x.pt') or o/'x.pt', r'x\.pt are damaged or no state dict'),
    (lambda o: torch.save({'epoch': 3}, o/'x.pt') or o/'x.pt', r'x\.pt are no state dict, a tensor a name'),
    (lambda o: torch.save({'state': {}, 'recipe': 2}, o/'x.pt') or o/'x.pt', r'x\.pt are no state dict, a tensor a name'),
    (lambda o: torch.save({'conv1.weight': torch.zeros(2)}, o/'x.pt') or o/'x.pt', 'conv1.weight has the shape'),
    (lambda o: torch.save(torchvision.models.resnet34().state_dict(), o/'x.pt') or o/'x.pt',
     'are not those of resnet18: there is layer1.2.conv1.weight too'),
    (lambda o: torch.save({}, o/'x.pt') or o/'x.pt', 'there is no conv1.weight'),
    (lambda o: torch.save({k: v * float('nan') for k, v in build('resnet18').state_dict().items()}, o/'x.pt') or o/'x.pt', 'no numbers')])
def test_what_cannot_be_loaded_is_told_in_a_line_before_anything_is_read(trained, spoil, says, capsys):
    assert run(fit, ['--weights', str(spoil(trained()[0])), '--data', 'nowhere', '--size', '64']) == 2
    err = capsys.readouterr().err
    assert re.search(says, err) and err.count('\n') == 1


@pytest.mark.parametrize('changes, says', [(dict(arch='densenet121'), 'have arch resnet18, here it is densenet121; make them the same'),
                                           (dict(antialias=True), 'have antialias False, here it is True'),
                                           (dict(output_stride=16), 'have output_stride 32, here it is 16')])
def test_a_run_of_another_network_is_refused(trained, changes, says):
    folder, _ = trained()
    with pytest.raises(InputError, match=says): begun(folder, **changes)


def test_several_networks_are_refused(trained, tmp_path):
    folder, _ = trained()
    Bundle(joined(2 * [Bundle.load(folder)]).state_dict(), dict(RECIPE, arch='resnet18', size=64, members=2)).save(folder/'model')
    with pytest.raises(InputError, match='those of several networks'): begun(folder)


def test_imagenets_are_the_librarys_and_where_they_cannot_be_had_that_is_told(monkeypatch, tmp_path, capsys):
    mine = torchvision.models.resnet18()
    def had(arch, weights): return mine if (arch, weights) == ('resnet18', 'DEFAULT') else None
    monkeypatch.setattr(torchvision.models, 'get_model', had)
    now, _, told = begun('imagenet')
    assert torch.equal(now['conv1.weight'], mine.conv1.weight.sum(1, keepdim=True)) and told['sha256'] is None
    assert torch.equal(now['layer4.1.bn2.running_var'], mine.layer4[1].bn2.running_var)
    def cannot(arch, weights): raise OSError('<urlopen error [Errno -2] Name or service not known>')
    monkeypatch.setattr(torchvision.models, 'get_model', cannot)
    assert run(fit, ['--weights', 'imagenet', '--data', 'nowhere']) == 2
    err = capsys.readouterr().err
    assert 'weights imagenet of resnet18 cannot be had here (<urlopen error [Errno -2] Name' in err and err.count('\n') == 1


def test_weights_that_have_learnt_from_a_patient_who_is_held_out_are_refused(trained, monkeypatch):
    grandparent, _ = trained('first', [('a', 'train'), ('z', 'test')])
    folder, _ = trained('second', [('b', 'train'), ('c', 'valid'), ('d', 'test')])
    def check(*held):
        cohort = SimpleNamespace(table=pd.DataFrame(dict(patient=['a', 'b', *held], split=['train', 'train', *['test'] * len(held)])))
        check_unseen(Experiment(weights=str(folder)), cohort)
    check('c', 'd', 'e', 'z')
    with pytest.raises(InputError, match='have learnt from 1 of the 2 patients that are to be held out here'): check('b', 'c')
    check('a')
    (folder/'environment.json').write_text(json.dumps(dict(weights=dict(given=str(grandparent)))))
    with pytest.raises(InputError, match='learnt from 1 of the 1'): check('a')
    (folder/'environment.json').write_text('{}')
    with pytest.raises(InputError, match='learnt from 1 of the 2'):  # each is held out in one of the folds
        split = pd.DataFrame(dict(patient=['b', 'e'], split=['train', 'test']))
        check_unseen(Experiment(weights=str(folder), folds=2), SimpleNamespace(table=split))
    parent = dict.fromkeys(('name', 'data', 'sha256'), 'x') | dict(folder=str(grandparent), synthetic=False, metrics={}, train=[], test={})
    (folder/'run.json').write_text(json.dumps(parent))  # it was adapted
    with pytest.raises(InputError, match='learnt from 1 of the 1'): check('a')
    (folder/'run.json').unlink()
    check_unseen(Experiment(weights='imagenet'), None)
    monkeypatch.chdir(grandparent.parent)
    (folder/'environment.json').write_text(json.dumps(dict(weights=begun('first')[2])))  # as typed there
    monkeypatch.chdir('/')
    with pytest.raises(InputError, match='learnt from 1 of the 1'): check('a')
    (folder/'environment.json').write_text('{}')
    folder = folder/WEIGHTS
    with pytest.raises(InputError, match='learnt from 1 of the 2'): check('b', 'c')
