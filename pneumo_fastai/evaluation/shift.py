"""What it costs that test is of one kind, of which training and valid had none.

Two numbers, for the images of a kind may also be harder than others: what test is below valid, and, on images that another training was
tested on too which had seen the kind, what is due to not having seen it."""
from ..errors import InputError
from .intervals.bootstrap import stated
from .intervals.counts import ONE_CLASS
from .intervals.levels import of_difference
from .repetitions import difference


def beyond_valid(
    valid, test,  # as `repetitions.measured` gives them
):
    "The mean AUROC of test less that of valid: value, low, high (95%), as of patients of which no two are the same; or a reason."
    a, b = (stated(m['mean'], m, ONE_CLASS) for m in (test['metrics']['auroc'], valid['metrics']['auroc']))
    return of_difference(a, b)


def on_shared(
    without, seen,  # repetitions by name: what had none of the kind in training, and what had some
    choices,
):
    "`repetitions.difference` of `without` from `seen` on the test images that both have, repetition by repetition; `n`: at most so many."
    both = {k: set(of_test(without[k]).path) & set(of_test(seen[k]).path) for k in without if k in seen}
    def kept(tables): return {k: (rows := of_test(tables[k]))[rows['path'].isin(paths)] for k, paths in both.items()}
    n = max(map(len, both.values()), default=0)
    try: return dict(difference(kept(without), kept(seen), 'test', choices), n=n)
    except InputError as e: return dict(value=None, low=None, high=None, reason=str(e), n=n)


def of_test(table): return table[table['split'] == 'test']
