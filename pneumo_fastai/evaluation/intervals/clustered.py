"The AUROC's variance where patients have several images (Obuchowski 1997, Biometrics 53:567); with one image each it is DeLong's."
import numpy as np

from ...errors import InputError


def numbered(patient):
    "Each row's patient as a whole number [rows]; `InputError` where one is not named."
    import pandas as pd  # here: who predicts with `portable` has none
    code, _ = pd.factorize(np.asarray(patient, dtype=object))
    if (code < 0).any(): raise InputError(f'{(code < 0).sum()} of {len(code)} rows name no patient; name one for every image')
    return code


def wins(y, p):
    "How many images of the other label each one is on the right side of [n], ties counting half: in n log n (Sun and Xu 2014)."
    from scipy.stats import rankdata  # ties share their mean rank
    out, ill, everyone = np.empty(len(y)), y == 1, rankdata(p)
    out[ill] = everyone[ill] - rankdata(p[ill])
    out[~ill] = ill.sum() - everyone[~ill] + rankdata(p[~ill])
    return out


def auroc_influence(
    y,  # labels [n]
    p,  # scores [n]
    stratum=None,  # of each image [n]: only pairs within one are compared
):
    "`(auroc, influence [n])`: how far each image moves the AUROC; `(nan, zeros)` where there is no pair."
    won, pairs = np.zeros(len(y)), np.zeros(len(y))
    for rows in [slice(None)] if stratum is None else [stratum == s for s in np.unique(stratum)]:
        ill = y[rows] == 1
        won[rows], pairs[rows] = wins(y[rows], p[rows]), np.where(ill, (~ill).sum(), ill.sum())
    total = pairs[y == 1].sum()
    if not total: return np.nan, won
    auroc = won[y == 1].sum()/total
    return float(auroc), (won - auroc*pairs)/total


def covariance(
    patient, y,
    influences,  # of `auroc_influence`, for each model [models, n]
):
    "Of the models' AUROCs over patients [models, models]."
    code = numbered(patient)
    def sums(rows): return np.stack([np.bincount(code[rows], weights=i[rows], minlength=code.max() + 1) for i in influences])
    def factor(rows): return (n := len(np.unique(code[rows])))/max(n - 1, 1)
    ill, well, both = y == 1, y == 0, np.ones(len(y), dtype=bool)
    a, b = sums(ill), sums(well)
    return factor(ill)*a@a.T + factor(well)*b@b.T + factor(both)*(a@b.T + b@a.T)
