import json
import re
import shutil
import tarfile

import pandas as pd
import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.report.tables import study
from pneumo_fastai.runs.kept import keep, unpacked
from pneumo_fastai.runs.search import search


@pytest.fixture(scope='module')
def runs(tmp_path_factory, write_trained, measured_elsewhere):
    here = tmp_path_factory.mktemp('made')/'runs'
    for seed in (0, 1): write_trained(here/f'w{seed}', seed=seed, epochs=2)
    shutil.copytree(measured_elsewhere[1], here/'there')
    return here


@pytest.fixture(scope='module')
def kept(runs, tmp_path_factory): return keep(search([runs]), tmp_path_factory.mktemp('kept')/'runs.tar.xz')


def told(*places):
    with unpacked(places) as folders: return study.text(study.of(search(folders)))


def test_the_tables_of_what_is_kept_are_those_of_the_runs(runs, kept): assert told(kept) == told(runs)


def test_what_was_kept_is_kept_again_beside_new_runs(runs, kept, write_trained, tmp_path):
    write_trained(tmp_path/'new', seed=2, epochs=2)
    shutil.copytree(tmp_path/'new', tmp_path/'all'/'new')
    shutil.copytree(runs, tmp_path/'all'/'runs')
    with unpacked([kept, tmp_path/'new']) as places: keep(search(places), tmp_path/'more.tar.xz')
    assert told(tmp_path/'more.tar.xz') == told(tmp_path/'all') != told(kept)
    with unpacked([tmp_path/'more.tar.xz']) as places: keep(search(places), tmp_path/'again.tar.xz')
    assert (tmp_path/'again.tar.xz').read_bytes() == (tmp_path/'more.tar.xz').read_bytes()


def test_no_folder_network_or_fact_of_a_patient_but_the_id_is_kept(runs, kept):
    with unpacked([kept]) as (folder,):
        files = [p for p in folder.rglob('*') if p.is_file()]
        text = '\n'.join(p.read_text() for p in files)
        split = pd.concat(pd.read_csv(p) for p in files if p.name == 'split.csv')
    assert {p.suffix for p in files} <= {'.csv', '.json', '.toml', ''} and len([p for p in files if p.name == 'predictions.csv']) == 3
    assert str(runs.parent) not in text and not re.search(r'"/|[ =]/(home|root|tmp)', text)
    assert split[['age', 'sex', 'detail']].isna().all(axis=None) and set(split.boxes) == {'[]'} and split.patient.notna().all()
    with tarfile.open(kept) as archive: assert {(m.mtime, m.uid, m.uname) for m in archive} == {(0, 0, '')}
    with tarfile.open(kept) as archive: assert not any(name.startswith('/') for name in archive.getnames())


def test_absolute_paths_become_names_and_the_rest_stays(runs, tmp_path):
    shutil.copytree(runs/'w0', tmp_path/'run')
    said = json.loads((tmp_path/'run'/'environment.json').read_text())
    one, = search([tmp_path/'run']).runs
    said['command'] = 'fit --data ../set/a --cache /home/ann/x/y --out ~/runs 3 images/s'
    (tmp_path/'run'/'environment.json').write_text(json.dumps(said))
    keep(type(search([runs]))(runs=[one]), tmp_path/'a.tar.xz')
    with unpacked([tmp_path/'a.tar.xz']) as places: found, = search(places).runs
    assert found.run.environment['command'] == 'fit --data ../set/a --cache y --out runs 3 images/s'


@pytest.mark.parametrize('content, says', [(None, 'does not exist'), (b'words', 'cannot be unpacked')])
def test_what_is_no_archive_is_one_line(tmp_path, content, says):
    if content: (tmp_path/'a.tar.xz').write_bytes(content)
    with pytest.raises(InputError, match=says), unpacked([tmp_path/'a.tar.xz']): pass
