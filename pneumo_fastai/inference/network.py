"A trained network made ready to predict, and work dealt out to threads: the same answers, sooner."
import copy
import threading
from multiprocessing.pool import ThreadPool

import torch
from torch import nn
from torch.fx.experimental.optimization import fuse
from torch.nn.functional import normalize

from ..models.ensemble import Ensemble
from .decision import check_precision


def folded(model) -> nn.Module:
    """A copy with each batch norm multiplied into the convolution before it (exact up to rounding; Jacob et al. 2018, arXiv:1712.05877,
    section 3.2); as it is where there is none, or where torch.fx cannot follow the network's own code, which it needs for that."""
    if any(isinstance(m, nn.BatchNorm2d) for m in model.modules()):
        try: return fuse(model)
        except Exception: pass  # whatever that code does
    return copy.deepcopy(model)


class Ready(nn.Module):
    "float32 logits, and with `both` features, of float32 images by a `folded` copy of a trained network in `dtype` and channels-last."
    def __init__(self, model, dtype):
        super().__init__()
        self.dtype, self.net, self.kept = dtype, folded(model).to(dtype, memory_format=torch.channels_last), threading.local()
        if last := getattr(model, 'last', None): self.net.get_submodule(last).register_forward_pre_hook(self._keep)

    def _keep(self, module, inputs): self.kept.features = inputs[0].flatten(1)

    def both(self, x) -> tuple[torch.Tensor, torch.Tensor]:
        "Logits, and what goes into the last layer, (n, channels): of a network that names none the logits again. Each thread has its own."
        self.kept.features = None
        logits = self(x)
        return logits, logits if self.kept.features is None else self.kept.features.float()

    def forward(self, x): return self.net(x.to(self.dtype, memory_format=torch.channels_last)).float()


def dtype_of(precision) -> torch.dtype:
    check_precision(precision)
    return getattr(torch, precision)


def ready(
    model,                # in evaluation mode; not changed
    precision='float32',  # or 'bfloat16'
) -> nn.Module:
    "Its copy for prediction, on the same device; of an ensemble, one whose members are such copies."
    dtype = dtype_of(precision)
    if not isinstance(model, Ensemble): return Ready(model, dtype)
    made = Ensemble([Ready(m, dtype) for m in model.members], [(0., 1.)] * len(model.members))
    made.scale, made.shift = model.scale, model.shift
    return made.eval()


def seen(network, x) -> tuple[torch.Tensor, list]:
    "Of a `ready` network or ensemble: probabilities (members, n, classes), and of each member the features (n, channels), of length 1."
    members, inputs = (network.members, network.members_see(x)) if isinstance(network, Ensemble) else ([network], [x])
    each = [member.both(o) for member, o in zip(members, inputs, strict=True)]
    return torch.stack([logits.softmax(-1) for logits, _ in each]), [normalize(features) for _, features in each]


def parts(items, most, start=0) -> list:
    "`items` from `start` on cut into runs of at most `most`, so many that no thread of torch's is without one where there are enough."
    size = max(1, min(most, -(-len(items) // torch.get_num_threads())))
    return [items[i:i + size] for i in range(start, max(len(items), 1), size)]


def in_threads(work, parts):
    """Yields `work(part)` of each, in order, side by side, each by one of torch's threads: threads that share a batch wait for each other
    at every layer. A single part has them all."""
    if len(parts) == 1:
        yield work(parts[0])
        return
    n = torch.get_num_threads()
    with ThreadPool(min(n, len(parts)), torch.set_num_threads, (1,)) as pool:
        try: yield from pool.imap(work, parts)
        finally: torch.set_num_threads(n)  # the number is a thread's own, but threads born later start with the last one set
