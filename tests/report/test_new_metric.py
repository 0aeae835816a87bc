"A metric is one entry: added to the list, it is measured, has an interval, and stands in metrics.json and on the page."
import json
import subprocess
import sys

import pandas as pd
import pytest
from sklearn.metrics import jaccard_score

ENTRIES = '''
import sys
from pneumo_fastai.evaluation import metrics
from pneumo_fastai.evaluation.counts import NO_POSITIVE, ratio
metrics.RATES['jaccard'] = metrics.Rate(
    'Jaccard index', 'overlap of the ill and those called so', lambda tn, fp, fn, tp: ratio(tp, tp + fp + fn),
    ((metrics.FP, metrics.TP), (metrics.FN, metrics.TP)), NO_POSITIVE)
metrics.RANKS['top'] = metrics.Rank(
    'ill at the top', 'share of pneumonia at the highest probability', lambda y, p: float(y[p == p.max()].mean()),
    lambda pos, neg, tp, fp: ratio(tp[:, 0], tp[:, 0] + fp[:, 0]), (1,))
'''


def test_an_entry_is_in_metrics_json_and_on_the_page(new_run):
    folder = new_run()
    code = ENTRIES + '''
from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.report.written import rewrite
rewrite(sys.argv[1], Settings(n_boot=50))'''
    done = subprocess.run([sys.executable, '-W', 'error', '-c', code, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    metrics, page = json.loads((folder/'metrics.json').read_text()), (folder/'report.html').read_text()
    test = pd.read_csv(folder/'predictions.csv').query('split == "test"')
    found = metrics['test']['at_threshold']
    assert found['jaccard']['value'] == pytest.approx(jaccard_score(test.label, test.probability >= metrics['threshold']['value']))
    assert found['top']['value'] == test.label[test.probability == test.probability.max()].mean()
    for name in ('jaccard', 'top'): assert 0 <= found[name]['low'] < found[name]['value'] <= found[name]['high'] <= 1
    halves = metrics['balanced']['at_threshold']['jaccard']['value']  # recall and specificity stay, the classes weigh the same
    hit, alarm = found['recall']['value'], 1 - found['specificity']['value']
    assert halves == pytest.approx(hit/(1 + alarm))
    for words in ('Jaccard index', 'overlap of the ill', f'{found["jaccard"]["value"]:.3f} [', 'ill at the top'): assert words in page
