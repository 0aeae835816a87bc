import base64
import io
import re
import shutil
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation.cross_validation import calibrated_folds
from pneumo_fastai.evaluation.label_errors import by_suspicion
from pneumo_fastai.report import label_review
from pneumo_fastai.report.label_review import review, show
from pneumo_fastai.runs.folds import whole_folds

NAME = '<b>&x'
pytest.importorskip('cleanlab', reason='cleanlab is not installed')


@pytest.fixture(scope='module')
def folds(write_folds, tmp_path_factory):
    "A cross-validation on 300 images whose names HTML would take for its own, of which every other is there."
    here = tmp_path_factory.mktemp('labels')
    folder = write_folds(here/'cv', synthetic=True)
    for i in range(0, 300, 2): Image.fromarray(np.full((60, 40), i % 256, np.uint8)).save(here/f'{NAME}{i}.png')
    for file in folder.rglob('*.csv'):
        file.write_text(re.sub(r'/films/(\d+).dcm', lambda m: f'{here}/{NAME}{m[1]}.png', file.read_text()))
    return folder


@pytest.fixture(scope='module')
def reviewed(folds, tmp_path_factory):
    "(what is returned, the page, the table): of the fifty worst, where every seventh label is known to be another."
    here = tmp_path_factory.mktemp('review')
    rows = pd.read_csv(folds/'fold-1'/'split.csv')
    rows['label'] = np.where(rows.index % 7, rows.label, 1 - rows.label)
    rows[['path', 'label']].head(200).to_csv(here/'truth.csv', index=False)
    found = review(folds, here/'r.html', here/'truth.csv', 50)
    return found, (here/'r.html').read_text(), pd.read_csv(here/'r.csv')


def test_the_table_has_every_image_once_by_rank_with_the_probability_of_the_fold_that_tests_it(reviewed, folds):
    found, _, table = reviewed
    assert list(table.columns) == label_review.COLUMNS and len(table) == 300 == table.path.nunique() == found['images']
    assert list(table['rank']) == list(range(1, 301)) and sorted(table.rank_by_loss) == list(table['rank'])
    assert table.flagged.sum() == found['flagged'] == sum(o['flagged'] for o in found['by_class'])
    assert table.flagged.head(found['flagged']).all()
    for k in (1, 2, 3):
        saved = pd.read_csv(folds/f'fold-{k}'/'predictions.csv').query('split == "test"').set_index('path')
        assert saved.probability.loc[table.path[table.fold == k]].to_numpy() == pytest.approx(table.probability[table.fold == k])


def test_the_page_shows_the_worst_each_with_its_picture_and_box_or_why_there_is_none(reviewed):
    found, page, table = reviewed
    first = table.head(50)
    there = first.path.str.extract(r'(\d+)\.png')[0].astype(int) % 2 == 0
    assert (found['shown'], found['gone']) == (50, (~there).sum()) and 0 < found['gone'] < 50
    assert page.count('<article') == 50 and page.count('data:image/jpeg') == there.sum() and page.count('No picture: ') == found['gone']
    assert page.count('<rect') == (there & (first.label == 1)).sum() and page.endswith('</html>\n') and 'src="http' not in page
    image = Image.open(io.BytesIO(base64.b64decode(re.search(r'base64,([^"]+)"', page)[1])))
    assert image.size == (512, 512)
    assert '<rect x="93.9" y="17.1" width="256.0" height="341.3"/>' in page  # 1, 2, 30, 40 of 40 x 60 pixels, ten beside them: times 512/60
    assert page.count('class="synthetic"') >= 14 and NAME not in page and '&lt;b&gt;&amp;x' in page
    assert f'{first.probability[0]:.3f}, fold {first.fold[0]}' in page and '50 of 300 images' in page


def test_recall_of_what_is_known_to_be_wrong(reviewed, sound):
    found, page, table = reviewed
    of = found['recall']
    number = table.path.str.extract(r'(\d+)\.png')[0].astype(int)
    wrong = (number % 7 == 0) & (number < 200)
    assert (of['known'], of['wrong']) == (200, 29)
    assert of['at'][2]['recall']['cleanlab']['value'] == pytest.approx((wrong & (table['rank'] <= 60)).sum()/29)
    assert of['at'][2]['recall']['loss']['value'] == pytest.approx((wrong & (table.rank_by_loss <= 60)).sum()/29)
    assert 'Of the 29 labels known to be wrong (200 are known)' in page and page.count('Known to be: ') > 0
    sound(of), sound(found['auroc'])


def test_without_truth_nothing_is_said_of_it(folds, tmp_path, capsys):
    found = review(folds, tmp_path/'r.html', worst=1)
    show(found)
    assert found['recall'] is None and 'nown to be' not in (tmp_path/'r.html').read_text() + capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == ['r.csv', 'r.html']


def test_the_screen_says_what_the_head_of_the_page_does_in_80_columns(reviewed, capsys):
    show(reviewed[0])
    out = capsys.readouterr().out
    assert 'of the 29 labels known to be wrong, 200 being known, found' in ' '.join(out.split()) and max(map(len, out.splitlines())) <= 80
    assert '10%, 30' in out and 'cannot be read any more' in ' '.join(out.split())


def test_a_cross_validation_that_changed_is_refused_and_nothing_written(folds, tmp_path):
    shutil.copytree(folds, tmp_path/'cv')
    shutil.rmtree(tmp_path/'cv'/'fold-2')
    with pytest.raises(InputError, match='lacks fold 2 of 3'): review(tmp_path/'cv', tmp_path/'r.html')
    assert [p.name for p in tmp_path.iterdir()] == ['cv']


def test_one_image_at_a_time_is_in_memory(folds, tmp_path):
    cv = whole_folds(folds)
    rows, joint = by_suspicion(calibrated_folds(cv))
    def peak(n):
        tracemalloc.start()
        label_review.write_review(tmp_path/'r.html', cv, rows.head(n), label_review.findings(rows, joint), lambda *done: None)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top
    peak(1)  # what is loaded once
    assert peak(60) < 1.5*peak(6)
