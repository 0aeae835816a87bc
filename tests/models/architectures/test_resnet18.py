from copy import deepcopy

import torch
from torchvision.models import resnet18

from pneumo_fastai.models.architectures.resnet18 import ResNet18


def test_with_torchvisions_weights_it_gives_torchvisions_outputs():
    torch.manual_seed(0)
    theirs = resnet18(num_classes=2)
    theirs.conv1 = torch.nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    ours = ResNet18()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(4, 1, 96, 80)
    for mode in (True, False):  # training too: the running statistics then move alike
        torch.testing.assert_close(ours.train(mode)(x), theirs.train(mode)(x))
    for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True): torch.testing.assert_close(a, b)


def test_features_and_head_are_its_forward_to_the_last_bit():
    "And that is what it was before the two had names, written out."
    torch.manual_seed(0)
    model, x = ResNet18(), torch.randn(4, 1, 96, 80)
    other = deepcopy(model)
    def forward(m, x):
        x = m.maxpool(m.relu(m.bn1(m.conv1(x))))
        x = m.layer4(m.layer3(m.layer2(m.layer1(x))))
        return m.fc(m.avgpool(x).flatten(1))
    for mode in (True, False):
        ours, theirs = model.train(mode)(x), forward(other.train(mode), x)
        ours[:, 1].sum().backward()
        theirs[:, 1].sum().backward()
        assert torch.equal(ours, theirs)
    assert torch.equal(model.head(model.features(x)), ours)
    for a, b in zip(model.parameters(), other.parameters(), strict=True): assert torch.equal(a.grad, b.grad)


def test_its_first_and_last_layer_are_the_stated_ones():
    model = ResNet18()
    assert tuple(model.conv1.weight.shape) == (64, 1, 7, 7) and model.conv1.bias is None
    assert (model.conv1.stride, model.conv1.padding) == ((2, 2), (3, 3))
    assert (model.fc.in_features, model.fc.out_features) == (512, 2)
    # torchvision's without fc, less two input channels, with our fc
    assert sum(p.numel() for p in model.parameters()) == 11_176_512 - 6_272 + 1_026


def test_output_stride_16_has_the_same_weights_and_maps_twice_as_fine():
    model, coarse, x = ResNet18(output_stride=16), ResNet18(), torch.randn(2, 1, 224, 224)
    model.load_state_dict(coarse.state_dict())
    shapes = []
    for m in (model, coarse): m.layer4.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape[1:])))
    model(x), coarse(x)
    assert shapes == [(512, 14, 14), (512, 7, 7)]
