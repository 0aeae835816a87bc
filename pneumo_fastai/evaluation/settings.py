"What whoever evaluates states beforehand, in one place."
import math
from dataclasses import dataclass

from ..errors import InputError

SHARES = 'sensitivity', 'specificity'


@dataclass(frozen=True)
class Settings:
    "Stated before looking at test; `InputError` for a value out of range."
    n_boot:int = 1000           # resamples of patients, where an interval rests on them
    seed:int = 0                # of resamples, folds and draws
    rule:str = 'youden'         # how the threshold is chosen on valid: youden, sensitivity, specificity or cost
    sensitivity:float = 0.9     # to reach at the operating point of that name
    specificity:float = 0.9     # to reach at the operating point of that name
    miss:float = 1.             # cost of a missed pneumonia
    alarm:float = 1.            # cost of a false alarm, in the same unit
    prevalence:float = None     # where the model would be used: precision, npv and cost are stated for it too
    error_rate:float = 0.1      # of the conformal prediction sets, in each class
    small:int = 30              # a subgroup with fewer images of a class than this is marked

    def __post_init__(self):
        for name in ('sensitivity', 'specificity', 'prevalence', 'error_rate'):
            value = getattr(self, name)
            if value is None or 0 < value < 1: continue
            raise InputError(f'{name.replace("_", " ")} is {value}; give a share above 0 and below 1, such as 0.1')
        if not (0 < self.miss < math.inf and 0 < self.alarm < math.inf):
            raise InputError(f'a miss costs {self.miss} and a false alarm {self.alarm}; give two numbers above 0, such as 5 and 1')

    def cost_prevalence(self, labels):
        "The stated prevalence, or else that of these labels."
        return self.prevalence if self.prevalence is not None else float(labels.mean())


def rule(text, option='operating-point'):
    "`text` as fields of `Settings`; `InputError` for what is no rule."
    name, _, value = text.partition('=')
    try:
        if name == 'youden' and not value: return dict(rule='youden')
        if name in SHARES: return {'rule': name, name: float(value)}
        if name == 'cost': return dict(rule='cost', miss=float(value))
    except ValueError: pass
    raise InputError(f'{option} got {text!r}, it takes youden, sensitivity=0.95, specificity=0.9 or cost=5')
