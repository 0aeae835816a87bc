from importlib.metadata import version

import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.runs.environment import about_data, checked, hardware, machine, pace

NETWORK = dict(folder='f', command='c', recipe={}, sha256='0')


def test_what_fit_writes_passes_and_what_it_would_not_is_named():
    for good in ({}, dict(command='fit', data={}, packages={}), dict(networks=[NETWORK]),
                 dict(training=dict(seconds=3., steps_seconds=2., images=5))): assert checked(good, 'run') is good
    for bad, says in ((dict(packages=['torch']), 'packages in run/environment.json is no dict'), (dict(command=3), 'is no str'),
                      (dict(networks=[NETWORK | dict(recipe=3)]), 'lack folder'), (dict(networks=[{'folder': 'f'}]), 'lack folder'),
                      (dict(training=dict(seconds=3.)), 'training in run/environment.json lacks'),
                      (dict(training=dict(seconds='3', steps_seconds=1., images=2)), 'lacks seconds')):
        with pytest.raises(InputError) as e: checked(bad, 'run')
        assert says in str(e.value)


def test_what_the_data_are_comes_from_one_of_the_two_files_or_is_asked_for():
    data = dict(name='films', layout='RSNA', synthetic=True, notes=['a note'])
    assert about_data('run', dict(data=data), dict(synthetic=False)) == data
    assert about_data('run', {}, dict(data='films', synthetic=False)) == dict(name='films', layout=None, synthetic=False, notes=[])
    with pytest.raises(InputError, match='says what the data are'): about_data('run', {}, {})
    with pytest.raises(InputError, match='no name or notes'): about_data('run', dict(data=data | dict(notes='a note')), {})


def test_the_machine_names_the_versions_that_are_installed():
    found = machine('cpu', 3)
    assert (found['device'], found['threads']) == ('cpu', 3) and found['cores'] >= 1 and found['processor']
    assert {'torch', 'fastai', 'pneumo_fastai'} < set(found['packages'])
    for name, stated in found['packages'].items(): assert stated == version(name)


def test_hardware_in_words():
    one = dict(device='cpu', processor='a Xeon', precision='float32', threads=1)
    assert hardware(one) == 'cpu, a Xeon, float32, 1 thread' and hardware(dict(packages={})) == ''
    assert hardware(one | dict(device='cuda:0', threads=8, processes=4)) == 'cuda:0, a Xeon, float32, 8 threads, 4 processes'
    assert hardware(dict(device='cpu')) == 'cpu'


def test_of_a_training_on_a_gpu_its_model_is_told(monkeypatch, tmp_path):  # there is none here: the files are as its driver writes them
    for i in range(2):
        (tmp_path/f'0000:0{i}:00.0').mkdir()
        (tmp_path/f'0000:0{i}:00.0'/'information').write_text('Model: \t\t NVIDIA H200\nIRQ:   \t\t 0\n')
    monkeypatch.setattr('pneumo_fastai.runs.environment.DRIVER', tmp_path)
    cpu = machine('cpu')['processor']
    assert machine('cuda:1')['processor'] == f'NVIDIA H200 beside {cpu}' and 'NVIDIA' not in cpu


def test_an_ensemble_took_the_minutes_of_all_its_networks():
    each = [dict(training=dict(seconds=60*k, steps_seconds=30, images=90)) for k in (2, 3)]
    assert pace(each[0]) == (2, 3) and pace(dict(networks=each)) == (5, None) and pace(dict(networks=[*each, {}])) == (None, None)
    assert hardware(dict(networks=[dict(hardware='a'), dict(hardware='b'), dict(hardware='a'), {}])) == 'a and b'
