import json
import shutil

import pandas as pd
import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.runs.external import FILE, is_external, of, own_test, trained_on, write_of
from pneumo_fastai.runs.files import sha256
from pneumo_fastai.runs.folder import read_run


def test_what_is_kept_of_a_run_names_no_image_and_no_patient(new_run, tmp_path):
    run = read_run(new_run())
    write_of(tmp_path, run, dict(test=1), weights := run.folder/'split.csv')
    found, text = of(tmp_path), (tmp_path/FILE).read_text()
    assert (found['name'], found['data'], found['sha256']) == ('weighted', 'films', sha256(weights)) and found['metrics'] == dict(test=1)
    assert not any(text.count(f'"{name}"') for name in (*run.cohort.path, *run.cohort.patient))
    counts = ['view', 'label']
    pd.testing.assert_series_equal(trained_on(found).value_counts(counts).sort_index(),
                                   run.trained_on.value_counts(counts).sort_index(), check_dtype=False)
    test = run.predictions.query('split == "test"')
    assert own_test(found).probability.tolist() == sorted(test.probability) and own_test(found).label.sum() == test.label.sum()


def test_a_view_that_is_not_stated_is_counted_too(new_run, tmp_path):
    run = read_run(new_run(views=(None, 'AP')))
    write_of(tmp_path, run, {}, run.folder/'split.csv')
    assert trained_on(of(tmp_path))['view'].isna().sum() == run.trained_on['view'].isna().sum() > 0


def test_what_is_no_such_file_says_so(measured_elsewhere, tmp_path):
    assert of(tmp_path) is None and not is_external(tmp_path) and is_external(measured_elsewhere[1])
    folder = shutil.copytree(measured_elsewhere[1], tmp_path/'out')
    found = json.loads((folder/FILE).read_text())
    (folder/FILE).write_text(json.dumps(dict(found, metrics=3)))
    with pytest.raises(InputError, match=r'has no metrics; python -m .* RUN --data FOLDER writes it anew'): of(folder)
    with pytest.raises(InputError, match='was another when the run ended'): read_run(folder)
