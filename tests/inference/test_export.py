import shutil

import numpy as np
import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.inference.export import export_again
from pneumo_fastai.runs.checksums import altered, write_sums


def test_a_bundle_is_made_again_from_its_weights(explainable):
    folder = explainable()
    write_sums(folder)
    before = Bundle.load(folder)
    (folder/'model/README.md').unlink()
    with pytest.raises(InputError, match=r'holds no README\.md'): Bundle.load(folder/'model')
    assert export_again(folder) == folder/'model'
    after = Bundle.load(folder)
    assert (folder/'model/README.md').is_file() and not altered(folder, ('model/model.json', 'model/README.md'))
    x = np.zeros((1, 32, 32), np.uint8)
    assert np.array_equal(before.of_pixels(x), after.of_pixels(x)) and after.about['metrics']['test']['n']


def test_an_export_that_stopped_on_the_way_is_made_again(explainable):
    folder = explainable()
    export_again(folder)
    write_sums(folder)
    card = (folder/'model/README.md').read_bytes()
    (folder/'model/README.md').unlink()
    (folder/'model/README.md').mkdir()  # the last file before model.json
    with pytest.raises(IsADirectoryError): export_again(folder)
    with pytest.raises(InputError, match=r'holds no README\.md'): Bundle.load(folder)
    (folder/'model/README.md').rmdir()
    export_again(folder)
    assert (folder/'model/README.md').read_bytes() == card and Bundle.load(folder) and not altered(folder, ('model/model.json',))


def test_an_export_that_stopped_before_its_sums_is_made_again_but_not_of_other_weights(explainable):
    folder, other = explainable('a'), explainable('b', seed=1)
    write_sums(folder)
    sums = (folder/'SHA256SUMS').read_text()
    export_again(folder)  # there is a model.onnx now, so model.json is another
    (folder/'SHA256SUMS').write_text(sums)
    with pytest.raises(InputError, match=r'model/model\.json was another when the run ended; .*export'): Bundle.load(folder)
    export_again(folder)
    assert Bundle.load(folder)
    for file in (other/'model').iterdir(): shutil.copy(file, folder/'model')
    with pytest.raises(InputError, match=r'weights\.safetensors was another when the run ended'): export_again(folder)
