"The section on calibration."
from ...evaluation.calibrators import METHODS
from ..html import bullets, cell, join, p, plain, tag
from ..labels import FIGURES
from ..registry import RUN, Parts, section
from ..words import calibration_in_words

MEASURES = dict(ece='expected calibration error, bins of equal width', ece_equal_mass='the same, bins of equal number',
                mce='largest error of a bin', brier='Brier score', reliability='Brier: reliability, the less the better',
                resolution='Brier: resolution, the more the better', uncertainty='Brier: uncertainty, of the data alone',
                within_bins='Brier: left within bins', log_loss='negative log-likelihood',
                slope='slope, perfect is 1; below it overconfident',
                intercept='intercept, perfect is 0',
                in_the_large='calibration in the large, perfect is 0; below it too high')


SIGNED = dict.fromkeys(('intercept', 'in_the_large'), '+')


def before_and_after(page, found, where='on test'):
    "The table of calibration measures."
    before, after = found['before'], found['after']
    def value(block, k): return cell(block[k], SIGNED.get(k, '')) if isinstance(block[k], dict) else plain(block[k])
    rows = [(words, value(before, k), value(after, k)) for k, words in MEASURES.items()]
    perfect = [f'{b["ece_of_a_perfect_model"]["mean"]:.3f}, up to {b["ece_of_a_perfect_model"]["high"]:.3f}' for b in (before, after)]
    chance = tag('small', 'mean and 95th percentile of the first line by chance, drawn by patient')
    rows.insert(1, (join(['perfect probabilities would show', chance]), *perfect))
    alike = before['ece_of_a_perfect_model'].get('likeness')
    drawn = f' Chance: in {alike:.0%} of patients one draw settles all labels, so alike are those of one patient here.' if alike else ''
    return page.table((where, 'before', 'after'), rows, f'n = {before["n"]} images, {before["bins"]} bins.{drawn}')


def calibrator(chosen):
    "Its method and numbers, in words."
    method, numbers = chosen['method'].replace('_', ' '), {k: v for k, v in chosen.items() if isinstance(v, float)}
    return method + ''.join(f'{"" if k == method else ", " + k.replace("_", " ")} {v:.3f}' for k, v in numbers.items())


@section('calibration', 'Calibration', 60, on=RUN)
def calibration(page, run, metrics):
    found = metrics['calibration']
    tried = [(join([k.replace('_', ' '), tag('small', METHODS[k].words)]), f'{v:.4f}', 'kept' if k == found['chosen']['method'] else '')
             for k, v in found['log_loss'].items()]
    left = [f'{k.replace("_", " ")}: {why}' for k, why in found['left_out'].items()]
    table = page.table(('method', 'cross-validated log-loss on valid', ''), tried, f'{found["folds"]} folds by patient.') if tried else ''
    kept = calibrator(found['chosen'])
    words = ('Class weights and overfitting distort probabilities. Ways to mend that are compared on valid, by cross-validation over '
             f'patients, and the one with the least log-loss is kept: {kept}. Each is fitted to labels of (n + 1)/(n + 2) and 1/(n + 2) in '
             'place of 1 and 0, n being the images of the class (Platt 1999): images that valid happens to separate are no ground for '
             'certainty. It changes no call and no AUROC of the tables above, which are from the probabilities before calibration.')
    return Parts(next(calibration_in_words(metrics), ''), page.figure(run.folder/'reliability.png', FIGURES['reliability.png']), folded=(
        ('How the calibration was chosen', join([p(words), table, bullets(left)])), ('All measures', before_and_after(page, found))))
