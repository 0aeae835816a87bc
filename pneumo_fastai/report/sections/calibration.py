"The section on calibration."
from ...evaluation.adaptation import WORDS
from ...evaluation.calibrators import METHODS
from ..html import noted
from ..registry import MEASURED, section
from ..templating import cell, plain
from ..words import calibration_in_words

MEASURES = dict(ece='expected calibration error, bins of equal width', ece_equal_mass='the same, bins of equal number',
                mce='largest error of a bin', brier='Brier score', reliability='Brier: reliability, the less the better',
                resolution='Brier: resolution, the more the better', uncertainty='Brier: uncertainty, of the data alone',
                within_bins='Brier: left within bins', log_loss='negative log-likelihood',
                slope='slope, perfect is 1; below it overconfident', intercept='intercept, perfect is 0',
                in_the_large='calibration in the large, perfect is 0; below it too high')
SIGNED = 'intercept', 'in_the_large'


def measures(found):
    "Rows of calibration measures, before and after."
    both = found['before'], found['after']
    def value(k, m): return cell(m, '+' if k in SIGNED else '') if isinstance(m, dict) else plain(m)
    rows = [(words, *(value(k, block[k]) for block in both)) for k, words in MEASURES.items()]
    perfect = noted('perfect probabilities would show', 'mean and 95th percentile of the first line by chance, drawn by patient')
    rows.insert(1, (perfect, *('{mean:.3f}, up to {high:.3f}'.format(**block['ece_of_a_perfect_model']) for block in both)))
    return rows


def calibrator(chosen):
    "Its method and numbers, in words."
    method, numbers = chosen['method'].replace('_', ' '), {k: v for k, v in chosen.items() if isinstance(v, float)}
    return method + ''.join(f'{"" if k == method else ", " + k.replace("_", " ")} {v:.3f}' for k, v in numbers.items())


@section('calibration', 'Calibration', 60, on=MEASURED)
def calibration(page, run, metrics):
    found = metrics['calibration']
    words, best = WORDS | {k: m.words for k, m in METHODS.items()}, found.get('kept', found['chosen']['method'])
    tried = [(noted(k.replace('_', ' '), words[k]), f'{v:.4f}', 'kept' if k == best else '') for k, v in found['log_loss'].items()]
    return dict(said=calibration_in_words(metrics), found=found, tried=tried, kept=calibrator(found['chosen']), measures=measures(found))
