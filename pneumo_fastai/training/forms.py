"Images in the forms that training sees, to be looked at."
import numpy as np
import torch
from fastai.data.transforms import IntToFloatTensor, Pipeline

from .augment import augmentations
from .batches import XRay
from .loaders import box_masks


def forms(
    cohort,      # prepared
    experiment,  # an `Experiment`
    rows,        # of the cohort's table
    n,           # augmented forms of each
) -> tuple:
    """Images (len(rows), 1 + n, size, size) in 0..1, first as they are and then as training draws them before they are normalised, by
    the experiment's seed; and the masks of their boxes (same shape, bool), moved along. torch's random state is left as it was."""
    batch = XRay(torch.from_numpy(np.stack([cohort.pixels[p] for p in rows.path]))[:, None]), box_masks(experiment, cohort, rows)
    still, moving = (Pipeline([IntToFloatTensor(), *augmentations(experiment)], split_idx=k) for k in (1, 0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(experiment.seed)
        images, masks = zip(*(tfms(batch) for tfms in (still, *[moving]*n)), strict=True)
    return torch.cat(images, 1).numpy(), torch.stack(masks, 1).bool().numpy()
