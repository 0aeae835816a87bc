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
from .export import save_whole
from .norms import check_norms, of_images

COPIED = facts.WEIGHTS, facts.REFERENCES, facts.ONNX  # neither threshold nor calibrator is in them


def adapt_to(
    folder,    # a finished run's
    data,      # a folder, as `fit` takes it
    patients,  # how many are drawn
    out,       # the new folder, or None: one beside the run
    command,   # as typed
    draws=50,  # of each number of patients, to say what so many are worth
    cache=None,
    norms=False,  # whether the network also takes its norms from their images
    **given,   # of `Settings`, what the command line says besides the run's
):
    "The `Run` and its metrics of a new folder; raises `InputError` where the run or the data do not allow it."
    run, own, choices, place, bundle = external.opened(folder, out, given)
    if norms: check_norms(bundle)
    cohort, left = external.unseen(data, run, cache)
    cohort = apart(cohort, patients, choices.seed)
    if norms: bundle, cohort = with_norms(bundle, cohort)
    cohort, predictions = external.predicted(bundle, cohort)
    place = external.made(place, run, f'{run.folder.name}-adapted-to-{cohort.name}')
    adapted = dict(patients=patients, draws=draws, training=bundle.about.get('training', {}))
    external.write_folder(place, run, own, bundle, cohort, predictions, left, command, adapted=adapted, norms=patients if norms else None)
    saved = read_run(place)
    with bar('measuring and drawing'):
        metrics = measure(saved, choices)
        write_model(run, saved, metrics, bundle if norms else None)
        present(saved, metrics)
    write_sums(place)
    return saved, metrics


def apart(cohort, n, seed):
    "With the images of `n` patients in valid, drawn by chance, and those of all others in test."
    check_enough(cohort.table.patient, cohort.table.label, n, cohort.name)
    inside = drawn(cohort.table.patient, cohort.table.label.to_numpy(), n, seed)
    return replace(cohort, table=cohort.table.assign(split=np.where(inside, 'valid', 'test')))


def with_norms(bundle, cohort):
    "The bundle with the norms of the images in valid, and the cohort with a note of it."
    made, told = of_images(bundle, cohort, (cohort.table.split == 'valid').to_numpy())
    return made, replace(cohort, notes=[*cohort.notes, told])


def write_model(run, saved, metrics, bundle=None):
    "model/ of the run, or of a `bundle` made of it, with what was chosen here in place of its own threshold, calibrator and limits."
    source, here = facts.place(run.folder), saved.folder/facts.FOLDER
    here.mkdir()
    if bundle: save_whole(bundle, here)
    for name in () if bundle else COPIED:
        if (source/name).is_file(): shutil.copyfile(source/name, here/name)
    said = facts.read(source)
    card.renew(saved, dict(said, source=said['source'] | dict(synthetic=saved.synthetic)), metrics)
