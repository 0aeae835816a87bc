"Whether localization.json has the shape that the report reads."
import math


def fits(value, shape) -> bool:
    """Whether JSON has a shape: a type (float: any finite number) or None; a tuple, one of its shapes; [s] a list of such, [s, ...] of one
    or more; {str: s} a mapping of such; another mapping, these keys and maybe more, where one that ends in ? may be absent."""
    if isinstance(shape, tuple): return any(fits(value, s) for s in shape)
    if isinstance(shape, list): return isinstance(value, list) and len(value) >= len(shape) - 1 and all(fits(v, shape[0]) for v in value)
    if isinstance(shape, dict): return isinstance(value, dict) and has(value, shape)
    if shape is float: return type(value) in (int, float) and math.isfinite(value)
    return value is None if shape is None else type(value) is shape


def has(value, keys):
    if set(keys) == {str}: return all(fits(v, keys[str]) for v in value.values())
    return all(fits(value[k], shape) if (k := key.rstrip('?')) in value else k != key for key, shape in keys.items())


METRIC = dict(value=float, low=float, high=float), dict(value=float, low=None, high=None)
ANY = *METRIC, dict(value=None, low=None, high=None, reason=str)
ROW = dict(pointing=METRIC, energy=ANY, average_precision=ANY, iou=ANY)
GROUP = dict(ROW, group=str, n=int, small=bool, others={str: dict(pointing=float)})
LIKE = dict(mean=float, sd=float, low=float, high=float), {'mean': float, 'sd': float, 'low?': None, 'high?': None}, None
ALIKE = dict(ssim=LIKE, rank_correlation=LIKE, n=int, flat=int)
COUNTS = dict(positives_without_boxes=int, boxes_clipped=int)
SCORES = dict(COUNTS, n=int, patients=int, maps={str: ROW}, difference={str: ROW}, cut={str: float}, by={str: [GROUP]},
              methods={str: {str: ANY}})
SHAPE = dict(layers=[str], method=str, localization=(dict(COUNTS, reason=str), SCORES), others=[dict(ALIKE, run=str, differs=dict)],
             sanity=dict(cascade=[dict(ALIKE, randomised=str), ...], limit=float, survives=bool),
             bias={str: dict(n=int, shares={str: {'heat': float, 'area': float, 'more?': METRIC}})})


def right(
    found,    # what the file holds
    model,    # its name
    rivals,   # those that it may be compared with
    methods,  # those there are
) -> bool:
    "Whether `found` has `SHAPE`, and speaks of the same maps, groups and regions throughout."
    if not fits(found, SHAPE) or len({frozenset(kind['shares']) for kind in found['bias'].values()}) != 1: return False
    if 'reason' in (where := found['localization']): return True
    others = set(where['maps']) - {model}
    return (model in where['maps'] and others <= set(rivals) and others == set(where['difference'])
            and set(where['maps']) <= set(where['cut']) and set(where['methods']) <= set(methods)
            and all(others <= set(g['others']) for groups in where['by'].values() for g in groups))
