"Any network of the library timm that has maps of places."
import torch
from torch import nn

from ..errors import InputError

EXTRA = 'pip install "pneumo_fastai[timm]"'


class TimmNet(nn.Module):
    "(n, 1, h, w) -> (n, 2) logits; `features` are timm's `forward_features`, channels first. `InputError` where timm has no such network."
    def __init__(
        self, name,          # timm's
        pretrained=False,    # with the weights that the library downloads
    ):
        super().__init__()
        try:
            import timm
        except ImportError as e: raise InputError(f'arch timm:{name} needs the library timm; {EXTRA}') from e
        if not timm.is_model(name): raise InputError(unknown(name, timm.list_models()))
        self.net = timm.create_model(name, pretrained=pretrained, in_chans=1, num_classes=2)
        self.last, self.swapped = f'net.{self.net.default_cfg["classifier"]}', False
        self.swapped = self._channels_last(name)

    @torch.no_grad()
    def _channels_last(self, name):
        "Whether timm has the channels of the last maps at the end, found by a blank image."
        size, n = self.net.default_cfg['input_size'][-1], self.net.num_features
        training = self.training
        maps = self.eval().net.forward_features(torch.zeros(1, 1, size, size))
        self.train(training)
        if maps.ndim == 4 and n in (maps.shape[1], maps.shape[3]): return maps.shape[1] != n
        raise InputError(f'timm:{name} has no maps of places, which heatmaps need; take a convolutional network, such as timm:resnet34')

    def features(self, x):
        maps = self.net.forward_features(x)
        return maps.permute(0, 3, 1, 2) if self.swapped else maps

    def head(self, maps): return self.net.forward_head(maps.permute(0, 2, 3, 1) if self.swapped else maps)
    def forward(self, x): return self.head(self.features(x))


def unknown(name, names):
    from difflib import get_close_matches
    near = get_close_matches(name, names, 3)
    return f'timm has no network {name!r}; {"near it are " + ", ".join(near) if near else "timm.list_models() lists those there are"}'
