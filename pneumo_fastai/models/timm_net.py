"Any network of the library timm that has maps of places."
from difflib import get_close_matches

import torch
from torch import nn

from ..errors import InputError

EXTRA = 'pip install "pneumo_fastai[timm]"'


class TimmNet(nn.Module):
    """(n, 1, h, w) -> (n, 2) logits; `features` are timm's `forward_features`, channels first. It is tried on a blank image of `size`, and
    takes other sizes unless it is `fixed`. `InputError` where timm has no such network, or it has no maps, or none of images so large."""
    def __init__(
        self, name,          # timm's
        size=None,           # pixels a side of the images; None: as the network is published
        pretrained=False,    # with the weights that the library downloads
    ):
        super().__init__()
        try:
            import timm
        except ImportError as e: raise InputError(f'arch timm:{name} needs the library timm; {EXTRA}') from e
        if not timm.is_model(name): raise InputError(unknown(name, timm.list_models()))
        published = timm.get_pretrained_cfg(name) or timm.models.PretrainedCfg()
        usual, self.fixed = published.input_size[-1], published.fixed_input_size
        self.image_size = size or usual
        own = dict(img_size=size) if self.fixed and self.image_size != usual else {}
        try:
            self.net = timm.create_model(name, pretrained=pretrained, in_chans=1, num_classes=2, **own)
            maps = self._blank()
        except (TypeError, ValueError, AssertionError, RuntimeError) as e:
            if pretrained: raise
            if size in (None, usual): raise InputError(f'timm:{name} takes no images of one channel; take another network') from e
            raise InputError(f'timm:{name} cannot be made for images of {size} x {size} pixels; give --size {usual}') from e
        self._check(name, maps)

    def _check(self, name, maps):
        "What has no two halves is refused; where the channels are, and the name of the last layer."
        last, n = str(self.net.default_cfg['classifier']), self.net.num_features
        if not torch.is_tensor(maps) or maps.ndim != 4 or n not in (maps.shape[1], maps.shape[3]): raise InputError(
            f'timm:{name} has no maps of places, which heatmaps need; take a convolutional network, such as timm:resnet34')
        if last not in dict(self.net.named_modules()): raise InputError(
            f'timm:{name} does not end in one layer, by which head and body are told apart; take another network, such as timm:resnet34')
        self.last, self.swapped = f'net.{last}', maps.shape[1] != n  # timm has their channels at the end

    @torch.no_grad()
    def _blank(self):
        "What timm makes of a blank image."
        maps = self.net.eval().forward_features(torch.zeros(1, 1, self.image_size, self.image_size))
        self.net.train()
        return maps

    def features(self, x):
        maps = self.net.forward_features(x)
        return maps.permute(0, 3, 1, 2) if self.swapped else maps

    def head(self, maps): return self.net.forward_head(maps.permute(0, 2, 3, 1) if self.swapped else maps)
    def forward(self, x): return self.head(self.features(x))


def unknown(name, names):
    near = get_close_matches(name, names, 3)
    return f'timm has no network {name!r}; {"near it are " + ", ".join(near) if near else "timm.list_models() lists those there are"}'
