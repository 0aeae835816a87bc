"What a table of predictions says of each file, from the probabilities."
import pandas as pd

from .decision import NO_NUMBER, decided


def framed(
    recipe,    # of the model: threshold, calibrator, conformal
    paths,     # or whatever else tells the images apart
    each,      # (members, n) probabilities, NaN where a file could not be read
    reasons,   # by path, why not
    warnings,  # by path, a tuple of texts
) -> pd.DataFrame:
    "A row a file, as `Bundle.table` has it. A probability that is no number has a reason and no prediction."
    found = decided(recipe, each)
    known = found.pop('known')
    frame = pd.DataFrame({'path': pd.Series(list(map(str, paths)), dtype=object)} | {  # which need not be UTF-8
        name: pd.Series(values, dtype=values.dtype) for name, values in found.items()})
    why = [None if k else reasons.get(p, NO_NUMBER) for k, p in zip(known, frame.path, strict=True)]
    frame['reason'] = pd.Series(why, dtype=object)
    frame['warnings'] = pd.Series(['; '.join(warnings.get(p, ())) or None for p in frame.path], dtype=object)
    return frame
