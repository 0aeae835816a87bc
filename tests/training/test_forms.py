from dataclasses import replace

import numpy as np
import torch

from pneumo_fastai.training.forms import forms


def test_forms_are_what_they_say(tiny, cohort):
    "The first is the image itself; the boxes move along; the seed decides and torch's own random state is left alone."
    table = cohort.table.assign(boxes=[[(10, 10, 20, 20)] if y else [] for y in cohort.table.label])
    rows = table[table.label == 1].head(2)
    e, state = replace(tiny, flip=1., erase=1.), torch.get_rng_state()
    images, masks = forms(cohort, e, rows, 3)
    assert torch.equal(torch.get_rng_state(), state)
    assert images.shape == masks.shape == (2, 4, 32, 32) and masks.dtype == bool
    for of, path in zip(images, rows.path, strict=True): np.testing.assert_allclose(of[0], cohort.pixels[path] / 255, atol=1e-6)
    assert masks.any((2, 3)).all() and (masks[:, 1:] == masks[:, :1, :, ::-1]).all() and not (masks[:, 1] == masks[:, 0]).all()
    assert len(np.unique(images.reshape(8, -1), axis=0)) == 8
    np.testing.assert_array_equal(forms(cohort, e, rows, 3)[0], images)
    assert not np.array_equal(forms(cohort, replace(e, seed=1), rows, 3)[0], images)
