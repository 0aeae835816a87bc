import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.csv_files import read_csv
from pneumo_fastai.errors import Failed
from pneumo_fastai.inference import archive
from pneumo_fastai.inference.archive import identity, loaded, score_list
from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.models import zoo
from pneumo_fastai.models.architectures.resnet18 import ResNet18
from pneumo_fastai.predict import predict
from pneumo_fastai.report.terminal import show_parts

RECIPE = dict(arch='resnet18', size=32, aspect='pad', any_view=False, mean=.4, std=.2, threshold=.5, calibrator=dict(method='none'),
              grey={'mean': [80., 120.], 'standard deviation': [15., 60.]})


@pytest.fixture
def model(small, tmp_path):
    loaded.cache_clear()
    Bundle(zoo.build('resnet18').state_dict(), RECIPE).save(tmp_path/'model')
    return tmp_path/'model'


@pytest.fixture
def at_once(monkeypatch):
    "The calls run here, in the process of the test."
    monkeypatch.setattr(archive, 'as_they_end', lambda calls, *_: (f(*args, **kwargs) for f, args, kwargs in calls))


@pytest.fixture
def listed(films, tmp_path):
    paths = [*map(str, sorted(films.rglob('*.png'))), str(tmp_path/'nowhere.png')]
    (tmp_path/'list.txt').write_text('\n'.join([*paths, *paths[:3]]))
    return tmp_path/'list.txt', paths


def joined(folder, ending='.csv'):
    return pd.concat([read_csv(p) if ending == '.csv' else pd.read_parquet(p) for p in sorted(Path(folder).glob(f'part-*{ending}'))],
                     ignore_index=True)


@pytest.mark.parametrize('ending', ['.csv', '.parquet'])
def test_the_parts_are_the_bundles_table_each_file_once(model, listed, tmp_path, at_once, ending, capsys):
    if ending == '.parquet': pytest.importorskip('pyarrow', reason='pyarrow is not installed')
    kept = score_list(model, listed[0], tmp_path/'out', 'float32', 7, ending=ending)
    got, want = joined(tmp_path/'out', ending), Bundle.load(model).table(listed[1])
    assert list(got.path) == listed[1] and list(got.columns) == list(want.columns) and len(kept.parts) == 12
    np.testing.assert_allclose(got.probability.astype(float), want.probability, rtol=1e-4)
    assert (kept.rows, kept.rejected, kept.total('warned')) == (81, 1, want.warnings.notna().sum())
    assert kept.reasons == {'the file does not exist': 1} and kept.head['repeated'] == 3
    show_parts(kept, 'out')
    said = ' '.join(capsys.readouterr().out.split())
    assert '81 files in 12 parts' in said and f'written: out/part-00000{ending} and ... and out/parts.jsonl' in said
    lines = list(map(json.loads, (tmp_path/'out'/'parts.jsonl').read_text().splitlines()))
    assert {'first', 'last', 'rows', 'rejected', 'sha256'} <= set(lines[3]) and (lines[3]['first'], lines[3]['last']) == (22, 28)


def test_after_an_error_the_same_call_does_the_missing_parts_only(model, listed, tmp_path, at_once):
    asked = []
    def score(job, part):
        asked.append(part.part)
        if part.part == 5 and len(asked) == 6: raise OSError(28, 'No space left on device')
        return archive.score_part(job, part)
    def scored(): return score_list(model, listed[0], tmp_path/'out', 'float32', 7, ending='.csv', score=score)
    with pytest.raises(Failed, match='No space left'): scored()
    scored()
    assert asked == [0, 1, 2, 3, 4, 5, *range(5, 12)] and list(joined(tmp_path/'out').path) == listed[1]


def test_the_identity_is_of_what_rows_follow_from(model, tmp_path):
    state = Bundle.load(model).model.state_dict()
    of = identity(model, 'float32')
    Bundle(state, RECIPE, about=dict(made_by=dict(pneumo_fastai='another'))).save(tmp_path/'told')
    Bundle(state, RECIPE | dict(threshold=.4)).save(tmp_path/'other')
    Bundle({k: v + 1 for k, v in state.items()}, RECIPE).save(tmp_path/'trained')
    assert of == identity(tmp_path/'told', 'float32')
    assert len({of, identity(model, 'bfloat16'), identity(tmp_path/'other', 'float32'), identity(tmp_path/'trained', 'float32')}) == 4
    with pytest.raises(Failed, match='model has changed since'): loaded(str(model), 'float32', 'another')


def test_the_command_says_what_came_of_it(model, listed, tmp_path, at_once, capsys):
    pytest.importorskip('pyarrow', reason='pyarrow is not installed')
    typed = [str(model), f'@{listed[0]}', '--out', f'{tmp_path}/out/', '--part', '50']
    assert run(predict, typed) == run(predict, typed) == 3
    said = ' '.join(capsys.readouterr().out.split())
    for text in ('81 files in 2 parts', '2 of 2 parts were done before', 'rejected: 1 of 81 files: 1 the file does not exist',
                 '3 lines of the list name a file that an earlier line names'): assert text in said
    (tmp_path/'none.txt').write_text('nowhere.png\n')
    assert run(predict, [str(model), f'@{tmp_path}/none.txt', '--out', f'{tmp_path}/none/']) == 1


@pytest.mark.parametrize('files, more, says', [
    ('films', [], 'give @LIST'), ('@l', ['--heatmaps', 'h'], '--heatmaps takes no list in parts'), ('@l', ['--part', '0'], 'part is 0'),
    ('@l', ['--cluster', 'h:1'], 'give dask://')])
def test_what_parts_cannot_do_is_said_in_one_line(tmp_path, capsys, files, more, says):
    assert run(predict, ['model', files, '--out', f'{tmp_path}/out/', *more]) == 2
    assert says in (err := capsys.readouterr().err) and err.count('\n') == 1 and not list(tmp_path.iterdir())
    assert run(predict, ['model', files, '--out', f'{tmp_path}/p.csv', '--cluster', 'dask://h:1']) == 2


SLOWLY = '''import sys, time
from pneumo_fastai.inference import archive
def slowly(job, part):
    time.sleep(.3)
    return archive.score_part(job, part)
'''


@pytest.mark.slow
def test_killed_at_any_time_it_and_its_workers_leave_the_same_table(films, listed, tmp_path):
    Bundle(ResNet18().state_dict(), RECIPE).save(tmp_path/'model')
    (tmp_path/'slow.py').write_text(SLOWLY)
    code = 'import sys, slow; from pneumo_fastai.inference.archive import score_list\n' \
           'score_list(*sys.argv[1:4], "float32", 4, jobs=2, ending=".csv", score=slow.slowly)'
    paths = os.pathsep.join([str(tmp_path), str(Path(archive.__file__).parents[2])])
    killed = dict(main=0, worker=0)
    while True:
        p = subprocess.Popen([sys.executable, '-c', code, tmp_path/'model', listed[0], tmp_path/'out'],
                             env=os.environ | dict(PYTHONPATH=paths))
        for victim in ('worker', 'worker', 'main'):
            time.sleep(4)
            if p.poll() is not None or killed[victim] > 2: continue
            for pid in workers(p.pid)[:1] if victim == 'worker' else [p.pid]:
                os.kill(pid, signal.SIGKILL)
                killed[victim] += 1
        if p.wait(120) != -signal.SIGKILL: break
    assert p.returncode == 0 and killed['worker'] and list(joined(tmp_path/'out').path) == listed[1]
    want = Bundle.load(tmp_path/'model').table(listed[1])
    np.testing.assert_allclose(joined(tmp_path/'out').probability, want.probability, rtol=1e-4)


def workers(parent):
    "Its loky processes."
    found = []
    for stat in Path('/proc').glob('[0-9]*/stat'):
        try: mine = int(stat.read_text().rpartition(')')[2].split()[1]) == parent and b'popen_loky' in (stat.parent/'cmdline').read_bytes()
        except OSError: continue
        if mine: found.append(int(stat.parent.name))
    return found
