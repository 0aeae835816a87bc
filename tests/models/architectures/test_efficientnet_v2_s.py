import torch
from torch.nn import functional as F
from torchvision.models import efficientnet_v2_s

from pneumo_fastai.models.architectures.efficientnet_v2_s import network


def test_with_torchvisions_weights_it_gives_torchvisions_outputs_of_an_image_in_the_first_channel():
    torch.manual_seed(0)
    theirs, ours = efficientnet_v2_s(num_classes=2).eval(), network().eval()
    weights = theirs.state_dict()
    ours.load_state_dict(weights | {'features.0.0.weight': weights['features.0.0.weight'][:, :1]})
    x = torch.randn(2, 1, 64, 64)
    with torch.no_grad(): torch.testing.assert_close(ours(x), theirs(F.pad(x, (0, 0, 0, 0, 0, 2))))


def test_stochastic_depth_grows_from_block_to_block():
    from torchvision.ops import StochasticDepth
    p = [m.p for m in network(stochastic_depth=.4).modules() if isinstance(m, StochasticDepth)]
    assert p == sorted(p) and p[0] == 0 and .3 < p[-1] <= .4
