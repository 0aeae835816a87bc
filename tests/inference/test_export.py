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
