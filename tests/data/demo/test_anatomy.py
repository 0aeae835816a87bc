import numpy as np
import pytest

from pneumo_fastai.data.demo import anatomy, phantom


def film(label, seed=0, view='PA'):
    return phantom.radiograph(np.random.default_rng(seed), phantom.draw_patient(np.random.default_rng(seed)), view, label)


@pytest.mark.parametrize('view', ['PA', 'AP'])
def test_lungs_are_darker_than_heart_and_lighter_than_air(view):
    pixels = np.mean([film(0, seed, view)[0] for seed in range(4)], axis=0)
    lung, heart, corner = pixels[400:500, 250:350].mean(), pixels[560:640, 520:580].mean(), pixels[900:, :10].mean()
    assert corner < lung < heart - 50


def test_an_opacity_brightens_its_box(monkeypatch):
    drawn = anatomy._opacities
    ill, boxes = film(2, seed=5)
    monkeypatch.setattr(anatomy, '_opacities', lambda rng, air: [0*patch for patch in drawn(rng, air)])
    monkeypatch.setattr(phantom, '_box', lambda patch, camera: None)
    gain = ill.astype(float) - film(2, seed=5)[0]
    inside = np.zeros_like(ill, dtype=bool)
    for x, y, w, h in boxes:
        inside[y:y + h, x:x + w] = True
        assert gain[y:y + h, x:x + w].mean() > 8
    assert abs(gain[~inside]).mean() < 1
