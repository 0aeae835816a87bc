"All that tells an image unlike those of training: its header, its grey levels, its layout, and the network's features of it."
from ..data.layout import Layout
from ..data.likeness import unlike
from .features import Far


class Likeness:
    "`Likeness(recipe, references, device)(pixels, features, doubts)`: for each image a tuple of what is unlike in it, in words."
    def __init__(self, recipe, references, device):
        self.grey, layout = recipe.get('grey'), recipe.get('layout')
        self.layout = Layout(layout) if layout else lambda image: None
        self.far = Far(recipe.get('features'), references, device)

    def __call__(
        self,
        pixels,    # (n, size, size) uint8
        features,  # of each network, as `network.seen` tells them
        doubts,    # for each image what its header says against it
    ) -> list:
        each = zip(doubts, pixels, self.far(features), strict=True)
        return [(*doubt, *filter(None, (unlike(image, self.grey), self.layout(image), far))) for doubt, image, far in each]
