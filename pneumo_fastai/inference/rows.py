"What a table of predictions says of each file, from the probabilities."
import numpy as np
import pandas as pd

from ..data.cohort import CLASSES
from ..evaluation.uncertainty import mutual_information

NO_NUMBER = 'the network gives no number for it'
NAMES = np.array(['neither', *CLASSES, 'cannot tell'], dtype=object)  # of conformal prediction sets, in the order of their codes


def framed(
    bundle,
    paths,     # or whatever else tells the images apart
    each,      # (members, n) probabilities, NaN where a file could not be read
    reasons,   # by path, why not
    warnings,  # by path, a tuple of texts
) -> pd.DataFrame:
    "A row a file, as `Bundle.table` has it. A probability that is no number has a reason and no prediction."
    probability = each.mean(0)
    names = pd.Series(list(map(str, paths)), dtype=object)  # which need not be UTF-8
    frame = pd.DataFrame({'path': names, 'probability': probability, 'calibrated': bundle.calibrated(probability)})
    known = np.isfinite(frame[['probability', 'calibrated']]).all(axis=1).to_numpy()
    if bundle.n > 1: frame['disagreement'] = np.nan
    if bundle.n > 1: frame.loc[known, 'disagreement'] = mutual_information(each[:, known])
    called = np.where(probability >= bundle.recipe['threshold'], CLASSES[1], CLASSES[0])
    frame['prediction'] = pd.Series(called, dtype=object).where(known, None)
    frame['set'] = pd.Series(bundle.sets(probability), dtype=object).where(known, None)
    why = [None if k else reasons.get(p, NO_NUMBER) for k, p in zip(known, frame.path, strict=True)]
    frame['reason'] = pd.Series(why, dtype=object)
    frame['warnings'] = pd.Series(['; '.join(warnings.get(p, ())) or None for p in frame.path], dtype=object)
    return frame
