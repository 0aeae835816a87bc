"The data set of a run, made ready before the user's eyes."
from ..report.terminal import show_cohort
from ..screen import bar


def cohort_ready(data, experiment, cache):
    "Read, decode and split what `data` names, with progress bars, and show it."
    with bar('reading the cohort') as tick:
        from ..data.prepare import find_cohort, prepare  # within the bar: pandas takes its time
        from ..data.split import split_summary
        cohort = find_cohort(data, cache, tick)
    with bar('decoding images') as tick: cohort = prepare(cohort, experiment, cache, tick)
    show_cohort(cohort, split_summary(cohort.table))
    return cohort
