import torch
from torch.nn import functional as F
from torchvision.models import densenet121

from pneumo_fastai.models.architectures.densenet121 import network


def test_with_torchvisions_weights_it_gives_torchvisions_outputs_of_an_image_in_the_first_channel():
    torch.manual_seed(0)
    theirs, ours = densenet121(num_classes=2).eval(), network().eval()
    weights = theirs.state_dict()
    ours.load_state_dict(weights | {'features.conv0.weight': weights['features.conv0.weight'][:, :1]})
    x = torch.randn(2, 1, 64, 64)
    with torch.no_grad(): torch.testing.assert_close(ours(x), theirs(F.pad(x, (0, 0, 0, 0, 0, 2))))
