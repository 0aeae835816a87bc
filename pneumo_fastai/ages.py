"Ages in years: which are plausible, and the bands in which the audit and the report's subgroups count them."
import math
from bisect import bisect

OLDEST = 120  # what is above is a slip
LOWEST = 0, 18, 40, 60, 75  # of each band
UNKNOWN, SLIP = 'not stated', 'not plausible'


def age_band(age) -> str:
    "The band of an age, which is NaN where not known: '18 to 39', '75 and older', 'not plausible' or 'not stated'."
    if math.isnan(age): return UNKNOWN
    if not 0 <= age <= OLDEST: return SLIP
    above = bisect(LOWEST, age)
    return f'{LOWEST[above - 1]} to {LOWEST[above] - 1}' if above < len(LOWEST) else f'{LOWEST[-1]} and older'


BANDS = (*map(age_band, LOWEST), SLIP)  # in their order
