"What of a training step a device does not repeat to the bit."
import re
import warnings

import torch

from .callbacks.random_state import random_state_kept
from .precision import step, trial

SAYS = re.compile(r'^(\S+) does not have a deterministic implementation')


def not_deterministic(learn) -> list[str]:
    "The operations of a step of a copy of the learner's network that torch says so of, by name; none where the same bytes come each time."
    before, only_warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    with random_state_kept(learn.dls), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        torch.use_deterministic_algorithms(True, warn_only=True)
        try: step(*trial(learn), False)()
        finally: torch.use_deterministic_algorithms(before, warn_only=only_warns)
    return sorted({m[1] for w in said if (m := SAYS.match(str(w.message)))})
