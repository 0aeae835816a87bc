"The data set of a run, read before the user's eyes. In a room without torch: what is wrong with it is said at once."

from ..screen import bar
from .terminal import show_cohort


def cohort_ready(data, experiment, cache, check=lambda cohort: None):
    "Read, decode and split what `data` names, with progress bars, and show it; `check` sees it before anything is decoded."
    cohort = read(data, cache)
    check(cohort)
    return decoded(cohort, experiment, cache)


def cohorts_ready(data, experiments, cache) -> dict:
    "One for each way in which the experiments decode and split the data, by `deciding`; the data are read once."
    cohort, found = read(data, cache), {}
    from ..data.prepare import bare, deciding, prepare, stepped
    for e in experiments:
        if deciding(e) not in found: found[deciding(e)] = decoded(cohort, bare(e), cache)
        stepped(prepare(found[deciding(e)], e), e)  # whether there are boxes, where it asks for them, and images for a step
    return found


def read(data, cache):
    with bar('reading the cohort') as tick:
        from ..data.prepare import find_cohort  # within the bar: pandas takes its time
        return find_cohort(data, cache, tick)


def decoded(cohort, experiment, cache):
    from ..data.prepare import prepare, stepped
    from ..data.split import split_summary
    with bar('decoding images') as tick: cohort = prepare(cohort, experiment, cache, tick)
    show_cohort(stepped(cohort, experiment), split_summary(cohort.table))
    return cohort
