"Which labels are likely wrong, by probabilities of networks that never saw the image: confident learning, and the loss beside it."
import numpy as np

from ..errors import InputError
from .intervals.bootstrap import bootstrap_sums, stated
from .intervals.counts import checked, ratio
from .intervals.levels import of_sums

EXTRA = 'pip install "pneumo_fastai[labels]"'
SHARES = .05, .1, .2  # of the images, those looked at first
LEAST = 1e-12  # of a probability, so that no loss is infinite
NONE_WRONG = 'no label is known to be wrong'


def probability_of_label(y, p): return np.where(y == 1, p, 1 - p)


def confident_learning(
    y,  # labels [n], both classes
    p,  # out-of-fold probabilities [n]
):
    """`(flagged [n], score [n], joint [2, 2])` (Northcutt, Jiang and Chuang 2021, by cleanlab): the labels counted as wrong; how well each
    fits, from 0, its probability against its class's threshold, the mean of that class; images by given label and estimated true one."""
    try:
        from cleanlab import count, rank
        from cleanlab.filter import find_label_issues
    except ImportError as e: raise InputError(f'ranking labels takes cleanlab, which is not installed; {EXTRA} adds it') from e
    y, p = checked(y, p)
    both = np.stack([1 - p, p], axis=1)
    flagged = find_label_issues(y, both, n_jobs=1)
    return flagged, rank.get_label_quality_scores(y, both, adjust_pred_probs=True), count.compute_confident_joint(y, both)


def places(*keys):
    "Place of each image from 1 [n], the least first; by the next key where equal."
    out = np.empty(len(keys[0]), dtype=int)
    out[np.lexsort(keys[::-1])] = np.arange(1, len(out) + 1)
    return out


def by_suspicion(rows):
    """`(rows, joint)`: `rows` (path, label, probability, calibrated) with flagged, score, rank, loss and rank_by_loss, by rank: those that
    are flagged first. Both ranks are of the calibrated probabilities, for each fold's network has a scale of its own; what calibration
    made equal stays in the network's order."""
    y, p = rows['label'].to_numpy(), rows['calibrated'].to_numpy()
    flagged, score, joint = confident_learning(y, p)
    loss, raw = -np.log(np.maximum(probability_of_label(y, p), LEAST)), probability_of_label(y, rows['probability'].to_numpy())
    last = raw, rows['path'].to_numpy(dtype=str)
    found = rows.assign(flagged=flagged, score=score, rank=places(~flagged, score, *last), loss=loss, rank_by_loss=places(-loss, *last))
    return found.sort_values('rank', ignore_index=True), joint


def shares_wrong(joint):
    "Of the images given each label, how many are estimated to have the other one, [2]."
    return (1 - np.diag(joint)/joint.sum(axis=1)).tolist()


def recall_at(
    patient,  # whose image each is [n]
    wrong,    # whether its label is known to be wrong [n]
    ranks,    # by name of ranking, of each image from 1 [n]
    shares=SHARES,
    n_boot=1000, seed=0,
):
    """For each share of all images, the first by a ranking: share, images, `recall` by name (how many of the wrong labels are among them;
    chance is the share) and `difference` of the first ranking less each other one, by its name, with a paired interval."""
    return [at_share(patient, np.asarray(wrong, dtype=bool), ranks, share, n_boot, seed) for share in shares]


def at_share(patient, wrong, ranks, share, n_boot, seed):
    "`recall_at` of one."
    first, *others = ranks
    most = int(share*len(wrong) + 1e-9)  # as floats, .07*100 is above 7 and .29*100 below 29
    columns = np.stack([wrong & found for r in ranks.values() for found in (r <= most, r > most)], axis=1)
    def values(sums): return {name: ratio(sums[:, 2*i], sums[:, 2*i] + sums[:, 2*i + 1]) for i, name in enumerate(ranks)}
    def less(sums): return {o: (v := values(sums))[first] - v[o] for o in others}
    total = columns.sum(0, keepdims=True)
    intervals = of_sums(patient, columns, values, {name: [[2*i, 2*i + 1]] for i, name in enumerate(ranks)})
    paired = bootstrap_sums(patient, columns, less, n_boot, seed)
    return dict(share=share, images=most, recall={k: stated(v[0], intervals[k], NONE_WRONG) for k, v in values(total).items()},
                difference={k: stated(v[0], paired[k], NONE_WRONG) for k, v in less(total).items()})
