"The data set of a run, made ready before the user's eyes."
from ..report.terminal import show_cohort
from ..screen import bar


def cohort_ready(data, experiment, cache, check=lambda cohort: None):
    "Read, decode and split what `data` names, with progress bars, and show it; `check` sees it before anything is decoded."
    with bar('reading the cohort') as tick:
        from ..data.prepare import find_cohort, prepare, stepped  # within the bar: pandas takes its time
        from ..data.split import split_summary
        cohort = find_cohort(data, cache, tick)
    check(cohort)
    with bar('decoding images') as tick: cohort = prepare(cohort, experiment, cache, tick)
    show_cohort(stepped(cohort, experiment.batch_size), split_summary(cohort.table))
    return cohort
