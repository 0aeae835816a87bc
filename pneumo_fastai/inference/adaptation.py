"A run adapted to some labelled patients of another place, without training: from its folder to a new one, whose model decides otherwise."
import shutil
from dataclasses import replace

import numpy as np

from ..evaluation.adaptation import check_enough, drawn
from ..report import card
from ..report.written import measure, present
from ..runs import facts
from ..runs.checksums import write_sums
from ..runs.folder import read_run
from ..screen import bar
from . import external

COPIED = facts.WEIGHTS, facts.REFERENCES, facts.ONNX  # neither threshold nor calibrator is in them


def adapt_to(
    folder,    # a finished run's
    data,      # a folder, as `fit` takes it
    patients,  # how many are drawn
    out,       # the new folder, or None: one beside the run
    command,   # as typed
    draws=50,  # of each number of patients, to say what so many are worth
    cache=None,
    **given,   # of `Settings`, what the command line says besides the run's
):
    "The `Run` and its metrics of a new folder; raises `InputError` where the run or the data do not allow it."
    run, own, choices, place, bundle = external.opened(folder, out, given)
    cohort, left = external.unseen(data, run, cache)
    check_enough(cohort.table.patient, cohort.table.label, patients, cohort.name)
    cohort, predictions = apart(*external.predicted(bundle, cohort), patients, choices.seed)
    place = external.made(place, run, f'{run.folder.name}-adapted-to-{cohort.name}')
    adapted = dict(patients=patients, draws=draws, training=bundle.about.get('training', {}))
    external.write_folder(place, run, own, bundle, cohort, predictions, left, command, adapted=adapted)
    saved = read_run(place)
    with bar('measuring and drawing'):
        metrics = measure(saved, choices)
        write_model(run, saved, metrics)
        present(saved, metrics)
    write_sums(place)
    return saved, metrics


def apart(cohort, predictions, n, seed):
    "Both with the images of `n` patients in valid, drawn by chance, and those of all others in test."
    check_enough(predictions.patient, predictions.label, n, cohort.name)
    inside = drawn(predictions.patient, predictions.label.to_numpy(), n, seed)
    split = np.where(inside, 'valid', 'test')
    return replace(cohort, table=cohort.table.assign(split=split)), predictions.assign(split=split)


def write_model(run, saved, metrics):
    "model/ of the run, with what was chosen here in place of its own threshold, calibrator and limits."
    source, here = facts.place(run.folder), saved.folder/facts.FOLDER
    here.mkdir()
    for name in COPIED:
        if (source/name).is_file(): shutil.copyfile(source/name, here/name)
    said = facts.read(source)
    card.renew(saved, dict(said, source=said['source'] | dict(synthetic=saved.synthetic)), metrics)
