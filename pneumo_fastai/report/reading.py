"The data set of a run, read before the user's eyes. In a room without torch: what is wrong with it is said at once."
from ..screen import bar
from .terminal import show_cohort


def cohort_ready(data, experiment, cache, check=lambda cohort: None):
    "Read, decode and split what `data` names, with progress bars, and show it; `check` sees it before anything is decoded."
    with bar('reading the cohort') as tick:
        from ..data.prepare import find_cohort, prepare, stepped  # within the bar: pandas takes its time
        from ..data.split import split_summary
        cohort = find_cohort(data, cache, tick)
    check(cohort)
    with bar('decoding images') as tick: cohort = prepare(cohort, experiment, cache, tick)
    show_cohort(stepped(cohort, experiment), split_summary(cohort.table))
    return cohort
