"A run adapted to labelled patients of another place: its numbers on all other patients there, after and before."
import numpy as np

from .adaptation import choose_recalibrator, own_of
from .calibration import calibration_measures
from .calibrators import apply, log_loss
from .draws import SIZES, repeated
from .intervals.bootstrap import stated
from .intervals.counts import ONE_CLASS
from .intervals.estimates import rates_block
from .intervals.levels import Z, of_means, of_signed
from .results import evaluate

UNMOVED = 'it is the same for every image'


def evaluate_adapted(
    predictions,  # columns path, patient, split ('valid': adapted to; 'test': all others), label, probability
    cohort,       # every image of them, as `subgroups.read_split` gives it
    metrics,      # metrics.json of the run
    choices,      # a `Settings`
    draws=50,
    where='valid',  # what valid is, for the words of the threshold's rule
):
    """What `results.evaluate` says with threshold, calibrator and limits of valid, `before` of its calibration being by the run's own
    calibrator; and adaptation: own, kept (a name of `adaptation.WORDS`), before (test at the run's own threshold), difference (after less
    before, of the same images: recall, specificity, log_loss), sizes (`draws.repeated`) and draws."""
    own = own_of(metrics)
    def calibrate(rows, _, choices): return choose_recalibrator(rows['label'], rows['probability'], rows['patient'], own, choices.seed)
    found = evaluate(predictions, cohort=cohort, choices=choices, calibrate=calibrate, where=where)
    valid, test = (predictions[predictions['split'] == s] for s in ('valid', 'test'))
    sizes = repeated(predictions, own, choices, draws, (*SIZES, int(valid['patient'].nunique())))
    here = dict(own=own, kept=found['calibration']['kept'], before=rates_block(test, own['threshold'], choices.prevalence), sizes=sizes,
                draws=draws, difference=difference(test, own, found['threshold']['value'], found['calibration']['chosen']))
    before = calibration_measures(test.assign(probability=apply(own['calibrator'], test['probability'])), choices.seed)
    return dict(found, adaptation=here, calibration=dict(found['calibration'], before=before))


def difference(test, own, threshold, calibrator):
    "recall, specificity and log_loss, after less before, with intervals over patients, both being of the same images."
    y, p, patient = (test[k].to_numpy() for k in ('label', 'probability', 'patient'))
    moved = (p >= threshold).astype(float) - (p >= own['threshold'])
    def share(rows, sign):
        if not rows.any(): return stated(None, dict(low=None, high=None), ONE_CLASS)
        return even(float((sign*moved[rows]).mean()), of_signed(patient[rows], dict(x=sign*moved[rows]))['x'])
    loss = log_loss(y, apply(calibrator, p)) - log_loss(y, apply(own['calibrator'], p))
    def normal(name, mean, variance, patients): return dict(low=mean - Z*variance**.5, high=mean + Z*variance**.5) if variance else None
    interval = {k: v if v is None else float(v) for k, v in of_means(patient, dict(x=loss), normal)['x'].items()}
    return dict(recall=share(y == 1, 1), specificity=share(y == 0, -1), log_loss=even(float(np.mean(loss)), interval))


def even(value, interval):
    "`stated`, and why there is no interval where no image differs from another."
    found = stated(value, interval, '')
    return found if interval['low'] is not None else dict(found, reason=f'no interval, because {UNMOVED}')
