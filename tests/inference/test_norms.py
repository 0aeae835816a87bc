import numpy as np
import pytest
import torch
from torch import nn

from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.data.prepare import decoded
from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import Experiment
from pneumo_fastai.inference.bundle import Bundle, joined
from pneumo_fastai.inference.norms import GIVEN, check_norms, model_of, normed, of_patients
from pneumo_fastai.models import zoo
from pneumo_fastai.runs import facts

RECIPE = dict(arch='resnet18', size=32, aspect='pad', mean=.5, std=.25, threshold=.5, calibrator=dict(method='none'))


class Net(nn.Module):
    "A batch norm of what it gets, or several one after the other, and two numbers of its mean."
    norms = 1
    def __init__(self):
        super().__init__()
        several = [nn.BatchNorm2d(1) for _ in range(self.norms)]
        self.norm = nn.Sequential(*several) if self.norms > 1 else several[0]
        self.drop, self.fc = nn.Dropout(.5), nn.Linear(1, 2)
    def features(self, x): return self.drop(self.norm(x))
    def head(self, maps): return self.fc(maps.mean((2, 3)))
    def forward(self, x): return self.head(self.features(x))


@pytest.fixture
def bundle(monkeypatch):
    monkeypatch.setattr(zoo, 'maker', lambda arch: Net)
    torch.manual_seed(0)
    return Bundle(Net().state_dict(), RECIPE)


@pytest.fixture
def pixels():
    rng = np.random.default_rng(0)
    return (rng.integers(0, 160, (24, 32, 32)) + rng.integers(0, 95, (24, 1, 1))).astype(np.uint8)


def test_mean_and_variance_are_those_of_the_images(bundle, pixels):
    x = (pixels/255 - .5)/.25
    made = normed(bundle, [pixels])
    assert made.model.norm.running_mean.item() == pytest.approx(x.mean(), abs=1e-5)
    assert made.model.norm.running_var.item() == pytest.approx(x.var(ddof=1), rel=1e-5)
    halves = normed(bundle, [pixels[:12], pixels[12:]]).model.norm
    assert halves.running_mean.item() == pytest.approx(x.mean(), abs=1e-5)
    assert halves.running_var.item() == pytest.approx((x[:12].var(ddof=1) + x[12:].var(ddof=1))/2, rel=1e-5)


def test_the_bundle_stays_as_it_was_and_the_new_one_differs_in_nothing_else(bundle, pixels):
    before = {k: v.clone() for k, v in bundle.model.state_dict().items()}
    made = normed(bundle, [pixels])
    assert all(torch.equal(v, before[k]) for k, v in bundle.model.state_dict().items()) and made.recipe == bundle.recipe
    assert all(torch.equal(v, before[k]) for k, v in made.model.state_dict().items() if not k.startswith('norm.'))
    assert not any(m.training for m in made.model.modules()) and made.identity != bundle.identity


def test_what_is_brighter_and_flatter_everywhere_is_answered_as_before(bundle, pixels):
    "Which is what the batch norm of this network can undo, and what another place's images often are."
    at_home, there = normed(bundle, [pixels]), (pixels/4 + 100).round().astype(np.uint8)
    moved = abs(bundle.of_pixels(there) - at_home.of_pixels(pixels)).mean()
    assert abs(normed(bundle, [there]).of_pixels(there) - at_home.of_pixels(pixels)).max() < .01 < moved


def test_the_second_half_of_the_layers_keeps_its_own(bundle, pixels, monkeypatch):
    monkeypatch.setattr(Net, 'norms', 5)
    five = Bundle(Net().state_dict(), RECIPE)
    was, now = ([layer.running_var.item() for layer in b.model.norm] for b in (five, normed(five, [pixels])))
    assert [a != b for a, b in zip(was, now, strict=True)] == [True, True, True, False, False]


def test_each_network_of_an_ensemble_gets_its_own(bundle, pixels):
    other = Bundle(bundle.model.state_dict(), RECIPE | dict(mean=.3, std=.1))
    both = Bundle(joined([bundle, other]).state_dict(), RECIPE | dict(members=2))
    means = [m.norm.running_mean.item() for m in normed(both, [pixels]).model.members]
    assert means == [pytest.approx((pixels/255 - mean).mean()/std, rel=1e-4) for mean, std in ((.5, .25), (.3, .1))]


def test_a_network_without_batch_norms_is_refused(bundle):
    check_norms(bundle)
    bundle.model.norm = nn.Identity()
    with pytest.raises(InputError, match='resnet18 has no batch normalisation'): check_norms(bundle)


def test_patients_are_drawn_whose_images_are_not_measured(bundle, films):
    cohort = decoded(read_cohort(films), Experiment(size=32))
    made, left = of_patients(bundle, cohort, 12, 0)
    given = left.rejected.path[left.rejected.reason == GIVEN]
    rows = cohort.table[cohort.table.path.isin(given)]
    assert rows.patient.nunique() == 12 and not set(rows.patient) & set(left.table.patient)
    assert len(rows) + len(left.table) == len(cohort.table) and f'{len(rows)} images of 12 patients here' in left.notes[-1]
    x = cohort.pixels.read([cohort.pixels.row(p) for p in given])
    assert made.model.norm.running_mean.item() == pytest.approx((x/255 - .5).mean()/.25, rel=1e-4)
    assert list(of_patients(bundle, cohort, 12, 0)[1].rejected.path) == list(left.rejected.path)
    assert set(of_patients(bundle, cohort, 12, 1)[1].rejected.path) != set(left.rejected.path)
    with pytest.raises(InputError, match=r'norms is 5; give 10 or more'): of_patients(bundle, cohort, 5, 0)
    with pytest.raises(InputError, match=r'too few for 10000 .* give --norms'): of_patients(bundle, cohort, 10_000, 0)


def test_images_without_labels_make_a_model_for_predict_that_claims_no_metrics(explainable, with_norm, films, tmp_path, capsys):
    run = with_norm(explainable())
    (broken := tmp_path/'there').mkdir()
    for i, path in enumerate(sorted(films.rglob('*.png'))[:40]): (broken/f'{i}.png').write_bytes(path.read_bytes() if i else b'no image')
    folder, n = model_of(run, broken, None)
    made, found = Bundle.load(folder), facts.read(folder)
    x = made.normalised(np.stack([made.pixels(p) for p in sorted(broken.glob('*.png')) if p.name != '0.png']))
    assert n == 39 and made.model[0].running_mean.item() == pytest.approx(x.mean().item(), abs=1e-4)  # batches of 20 and 19 count alike
    assert folder.parent == run.parent and folder.name.startswith('run-norms-of-there-') and (folder/facts.ONNX).is_file()
    assert found['norms'] == dict(images=39, data='there') and not found['metrics'] and made.recipe == Bundle.load(run).recipe
    card, screen = (folder/facts.CARD).read_text(), ' '.join(capsys.readouterr().out.split())
    assert 'those of 39 images of' in card and 'how good it is there was not measured' in card
    assert '1 of 40 images could not be read and are left out' in screen
    with pytest.raises(InputError, match='films exists; give --out a new folder'): model_of(run, broken, films)
    with pytest.raises(InputError, match='few has 3 images that can be read, too few to take norms from; give 32 or more'):
        (few := tmp_path/'few').mkdir()
        for i in (1, 2, 3): (few/f'{i}.png').write_bytes((broken/f'{i}.png').read_bytes())
        model_of(run, few, None)
