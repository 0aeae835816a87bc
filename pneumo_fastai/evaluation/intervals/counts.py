"Labels and probabilities, checked, the four counts of calls, and why a number of them may be undefined."
import numpy as np

from ...errors import InputError

NO_POSITIVE, NO_NEGATIVE = 'no image is positive', 'no image is negative'
ONE_CLASS = 'the images are all of one class'
NO_IMAGE = 'there is no image'
NO_CALL = 'no call of this kind is to be expected'


def _numbers(values, name):
    try: return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as e: raise InputError(f'{name} holds something that is not a number ({e}); give numbers') from e


def checked(y, p):
    "`y` as int64 [n] and `p` as float64 [n]; `InputError` for lengths that differ, labels not 0 or 1, probabilities outside [0, 1]."
    y, p = _numbers(y, 'the label'), _numbers(p, 'the probability')
    if y.ndim != 1 or y.shape != p.shape:
        raise InputError(f'labels have shape {y.shape} and probabilities {p.shape}; give two lists of one length')
    if (bad := ~np.isin(y, (0, 1))).any():
        raise InputError(f'{bad.sum()} of {len(y)} labels are not 0 or 1, the first is {y[bad][0]}; give 1 for pneumonia, else 0')
    if (bad := ~((p >= 0) & (p <= 1))).any():
        raise InputError(f'{bad.sum()} of {len(p)} probabilities are not in [0, 1], the first is {p[bad][0]}; apply a softmax')
    return y.astype(int), p


def confusion(y, p, threshold=0.5):
    "`(tn, fp, fn, tp)`; an image is called positive when `p >= threshold`."
    y, p = checked(y, p)
    return tuple(int(n) for n in np.bincount(2*y + (p >= threshold), minlength=4))


def ratio(a, b):
    "`a / b`, NaN where `b` is 0."
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return np.divide(a, b, out=np.full(np.broadcast(a, b).shape, np.nan), where=b != 0)


def both_classes(y): return 0 < np.sum(y) < len(y)
