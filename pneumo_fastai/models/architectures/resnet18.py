"ResNet18 for single-channel images, from scratch (He et al. 2016, arXiv:1512.03385). Parameter names are torchvision's."
import torch
import torch.nn.functional as F
from torch import nn


class Blur(nn.Module):
    "Every second place of maps blurred by 1, 2, 1 both ways: downsampling that a shift of the image changes less (Zhang 2019)."
    def __init__(self):
        super().__init__()
        row = torch.tensor([1., 2., 1.]) / 4
        self.register_buffer('kernel', torch.outer(row, row)[None, None], persistent=False)

    def forward(self, x):
        n = int(x.shape[1]) if torch.jit.is_tracing() else x.shape[1]  # ONNX wants the kernel's shape known, torch.fx a proxy
        return F.conv2d(F.pad(x, (1, 1, 1, 1), 'replicate'), self.kernel.to(x.dtype).expand(n, 1, 3, 3), stride=2, groups=n)


def skipped(drop):
    from torchvision.ops import StochasticDepth  # here: torchvision takes a second, which `predict` has no use for
    return StochasticDepth(drop, 'row')


class BasicBlock(nn.Module):
    "Two 3x3 convolutions and a shortcut: (n, cin, h, w) -> (n, cout, h/stride, w/stride)."
    def __init__(
        self, cin, cout, stride=1,
        antialias=False,  # whether a `Blur` takes the place of the first convolution's stride, and of the shortcut's
        drop=0.,          # probability that training passes an image on by the shortcut alone (Huang et al. 2016)
    ):
        super().__init__()
        blurred = antialias and stride == 2
        if blurred: stride = 1
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or cin != cout: self.downsample = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))
        self.blur = Blur() if blurred else nn.Identity()
        self.drop = skipped(drop) if drop else nn.Identity()

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(self.blur(x))
        x = self.blur(self.relu(self.bn1(self.conv1(x))))
        return self.relu(self.drop(self.bn2(self.conv2(x))) + shortcut)


class ResNet18(nn.Module):
    "(n, in_channels, h, w) -> (n, n_classes) logits."
    last = 'fc'

    def __init__(
        self, in_channels=1, n_classes=2,
        output_stride=32,  # pixels a place of the last maps; 16 leaves out the last downsampling: 14 x 14 places for 224 x 224 pixels
        antialias=False, stochastic_depth=0.,  # as `recipe.Network` says
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        pool = nn.MaxPool2d(3, stride=1 if antialias else 2, padding=1)
        self.maxpool = nn.Sequential(pool, Blur()) if antialias else pool
        cin, drops = 64, torch.linspace(0, stochastic_depth, 8).tolist()  # block by block
        for i, (cout, stride) in enumerate(((64, 1), (128, 2), (256, 2), (512, output_stride // 16))):
            blocks = [BasicBlock(cin, cout, stride, antialias, drops[2*i]), BasicBlock(cout, cout, drop=drops[2*i + 1])]
            self.add_module(f'layer{i + 1}', nn.Sequential(*blocks))
            cin = cout
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512, n_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d): nn.init.kaiming_normal_(m.weight, mode='fan_out', nonlinearity='relu')

    def features(self, x):
        "The last maps, (n, 512, places down, places across)."
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    def head(self, maps): return self.fc(self.avgpool(maps).flatten(1))
    def forward(self, x): return self.head(self.features(x))


network = ResNet18
