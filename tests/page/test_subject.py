import shutil

import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.explain.layers import mapping
from pneumo_fastai.models.zoo import build
from pneumo_fastai.page.subject import blocks, opened


def test_a_run_has_its_metrics_and_a_model_alone_says_what_is_missing(subject, tmp_path):
    assert subject.title == 'weighted on films' and subject.metrics['test']['n'] and subject.why == '' and not subject.synthetic
    shutil.copytree(subject.folder/'model', tmp_path/'alone')
    alone = opened(tmp_path/'alone')
    assert alone.run is None and alone.metrics is None and 'predictions.csv' in alone.why and alone.own_maps == (None, 'gradcam', False)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(InputError): opened(tmp_path)


@pytest.mark.parametrize('arch, found', [('resnet18', ['layer1', 'layer2', 'layer3', 'layer4']), ('densenet121', 'features.denseblock4')])
def test_the_blocks_of_a_network_are_few(arch, found):
    model = build(arch)
    names = blocks(model, mapping(model, 64))
    assert names == found if isinstance(found, list) else found in names and len(names) < 12
