"A run's model leaves it: the bundle in its folder."
from ..errors import Failed, InputError
from ..report import card
from ..runs import facts
from ..runs.checksums import altered, renewing
from ..runs.files import read_json
from ..runs.folder import ended, is_cross_validation, read_run
from ..runs.folds import read_folds
from ..screen import note
from .bundle import Bundle, joined
from .features import together


def export(
    run,      # the `folder.Run` or `CrossValidation` whose folder gets model/
    found,    # its metrics, or what cv.json has
    bundles,  # its network, or several that become one
    **more,   # that the recipe says besides
):
    "model/, for `predict` and for others: the weights, how an image is made ready, what was chosen and measured, on which data."
    facts_of = dict(experiment=run.name, data=run.source, synthetic=run.synthetic, **card.decided(run, found), **more)
    model, several, references = bundles[0].model, {}, bundles[0].references
    if len(bundles) > 1:
        model, (several, references) = joined(bundles), together(bundles)
        several['members'] = len(bundles)
    made = Bundle(model.state_dict(), bundles[0].recipe | facts_of | several, references=references, about=card.about(run, found))
    save_whole(made, run.folder/facts.FOLDER)


def save_whole(bundle, folder):
    "A bundle in its folder, with an ONNX file, or a note of why there is none."
    try: bundle.save(folder, onnx=True)
    except Failed as e:
        note(f'{e}; {folder.name}/ has no {facts.ONNX}')
        bundle.save(folder)


def export_again(folder):
    "model/ of a finished run or cross-validation anew, from its weights and what it says now; returns the bundle's folder."
    several = is_cross_validation(folder)
    run = ended((read_folds if several else read_run)(folder))
    found = read_json(run.folder/('cv.json' if several else 'metrics.json'))
    if bad := altered(folder, (f'{facts.FOLDER}/{facts.WEIGHTS}',)): raise InputError(f'{folder}: {bad[0]}; {facts.REMEDY}')
    bundle = Bundle.load(run.folder/facts.FOLDER, unchecked=facts.ANEW)  # whose model.json an interruption may have left without a sum
    with renewing(folder): export(run, found, [bundle])
    return run.folder/facts.FOLDER
