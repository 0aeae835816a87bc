"The section on uncertainty: prediction sets, images left to a radiologist, and what several predictions of one image are good for."
from ..labels import number
from ..registry import MEASURED, section
from ..templating import cell, share
from ..words import referral_in_words


def left(name, cut, shown=cell):
    "A row on what is left to the model when images go to a radiologist."
    gone = '\u2013' if cut['referred'] is None else share(cut['referred'])
    return name, gone, cut['n'], *(shown(cut[m]) for m in ('accuracy', 'recall', 'specificity'))


def gain(
    found,  # as `evaluation.ensembles.disagreement` returns it
    names,  # of the rows of one prediction, of the mean, and of the difference
):
    "Rows with AUROC and Brier score; of an ensemble each network first."
    both = found['auroc'], found['brier']
    pairs = list(zip(*(metric['each'] for metric in both), strict=True))
    each = [(f'network {i}', *(cell(m, digits=3) for m in pair)) for i, pair in enumerate(pairs, 1) if len(pairs) > 1]
    rest = zip(names, ('single', 'mean', 'difference'), ('', '', '+'), strict=True)
    return [*each, *((name, *(cell(metric[k], sign, 3) for metric in both)) for name, k, sign in rest)]


def doubted(found):
    "Rows on what is left when images go by disagreement, and when they go by nearness to the threshold."
    first = dict(disagreement='with most disagreement', confidence='nearest to the threshold')
    def short(metric): return cell(metric) if metric['value'] is None else number(metric)
    return [left(f'the {share(cut["asked"], 0)} {words}', cut[k], short) for cut in found['referral'] for k, words in first.items()]


@section('uncertainty', 'Uncertainty', 70, on=MEASURED)
def uncertainty(page, run, metrics):
    found = metrics['uncertainty']
    groups = found['conformal']['by_class'] | (found['conformal']['by_view'] or {})
    return dict(found=found, said=referral_in_words(metrics), gain=gain, doubted=doubted,
                referral=[left(share(cut['asked'], 0) if cut['asked'] else 'none', cut) for cut in found['referral']],
                covered=[(name, group['n'], cell(group['coverage'])) for name, group in groups.items()],
                sets=[(row['set'], row['no pneumonia'], row['pneumonia']) for row in found['conformal']['sets']])
