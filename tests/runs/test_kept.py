import json
import os
import shutil
import subprocess
import tarfile

import pandas as pd
import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.report.tables import study
from pneumo_fastai.runs.checksums import write_sums
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


def found(*places):
    with unpacked(places) as (folders, archives): return search(folders, archives=archives)


def told(*places):
    with unpacked(places) as (folders, archives): return study.text(study.of(search(folders, archives=archives)))


def kept_again(file, *places):
    with unpacked(places) as (folders, archives): return keep(search(folders, archives=archives), file)


def test_the_tables_of_what_is_kept_are_those_of_the_runs(runs, kept): assert told(kept) == told(runs)


def test_beside_its_own_runs_what_is_kept_counts_once_and_no_folder_is_named(runs, kept):
    both = found(kept, runs)
    assert [one.at for one in (*both.runs, *both.elsewhere)] == ['runs/w0', 'runs/w1', 'runs/there']
    assert set(both.left_out) == {'runs/w0', 'runs/w1', 'runs/there'}
    assert told(runs).split('|', 1)[1] == told(kept, runs).split('|', 1)[1]


def test_what_was_kept_is_kept_again_beside_new_runs(runs, kept, write_trained, tmp_path):
    write_trained(tmp_path/'all'/'runs'/'w0', seed=2, epochs=2)  # another run of a name that is taken
    shutil.copytree(runs, tmp_path/'all'/'more')
    more = kept_again(tmp_path/'more.tar.xz', kept, tmp_path/'all'/'runs')
    assert told(more) == told(tmp_path/'all') != told(kept) and len(found(more).runs) == 3
    assert kept_again(tmp_path/'again.tar.xz', more).read_bytes() == more.read_bytes()


def test_the_bytes_do_not_depend_on_who_keeps_them_and_unpacking_changes_nothing_else(runs, kept, tmp_path):
    before = os.umask(0o077)
    try: assert keep(search([runs]), tmp_path/'a.tar.xz').read_bytes() == kept.read_bytes()
    finally: os.umask(before)
    (here := tmp_path/'here').mkdir()
    subprocess.run(['tar', '-xf', kept], cwd=here, check=True)
    assert here.stat().st_mode & 0o777 == 0o755 & ~before and here.stat().st_mtime > 1e9
    assert [p.name for p in here.iterdir()] == ['runs'] and len(search([here]).runs) == 2


def test_no_folder_network_or_fact_of_a_patient_but_the_id_is_kept(runs, kept):
    with unpacked([kept]) as ((folder,), _):
        files = [p for p in folder.rglob('*') if p.is_file()]
        text = '\n'.join(p.read_text() for p in files)
        split = pd.concat(pd.read_csv(p) for p in files if p.name == 'split.csv')
    assert {p.suffix for p in files} <= {'.csv', '.json', '.toml', ''} and len([p for p in files if p.name == 'predictions.csv']) == 3
    assert split[['age', 'sex', 'detail']].isna().all(axis=None) and set(split.boxes) == {'[]'} and split.patient.notna().all()
    for hidden in (str(runs.parent), 'subgroups', 'box_area', '"sex"', '"/', '/tmp/'): assert hidden not in text
    for named in ('environment.json', 'run.json'): assert any(p.name == named for p in files)


def test_weights_are_told_apart_by_what_is_in_them_and_not_by_where_they_lay(runs, write_trained, tmp_path):
    for seed, place in enumerate('AB'):
        run = write_trained(tmp_path/'x'/place, seed=seed, epochs=2, weights=f'/home/St Ann/{place}/seed=0')
        said = json.loads((run/'environment.json').read_text())
        (run/'environment.json').write_text(json.dumps(said | dict(weights=dict(given='/home/St Ann', file='/home', sha256=place))))
        write_sums(run)
    file = kept_again(tmp_path/'a.tar.xz', tmp_path/'x')
    assert told(file) == told(tmp_path/'x') and told(file).count('| weighted, weights seed=0, float32 (x/') == 2
    with unpacked([file]) as ((folder,), _): assert not any('Ann' in p.read_text() for p in folder.rglob('*') if p.is_file())


def test_what_was_not_known_of_a_run_is_not_known_of_what_is_kept(runs, tmp_path):
    shutil.copytree(runs, tmp_path/'runs')
    for run in (tmp_path/'runs').iterdir(): (run/'SHA256SUMS').unlink()
    for run in ('w0', 'w1', 'there'):
        said = json.loads((file := tmp_path/'runs'/run/'environment.json').read_text())
        file.write_text(json.dumps({k: v for k, v in said.items() if k != 'checksums'}))
    assert 'is not known' in told(tmp_path/'runs')
    assert told(kept_again(tmp_path/'a.tar.xz', tmp_path/'runs')) == told(tmp_path/'runs')


def test_what_is_no_archive_is_one_line(kept, tmp_path):
    whole, middle = kept.read_bytes(), kept.stat().st_size//2
    broken = dict(words=b'words', cut=whole[:middle])
    for i in range(len(whole)//10, len(whole), len(whole)//10): broken[f'flipped{i}'] = whole[:i] + bytes([whole[i] ^ 255]) + whole[i + 1:]
    for name, content in broken.items(): (tmp_path/f'{name}.tar.xz').write_bytes(content)
    for name in broken:
        with pytest.raises(InputError, match=f'{name}.tar.xz cannot be unpacked'): found(tmp_path/f'{name}.tar.xz')
    with pytest.raises(InputError, match='does not exist'): found(tmp_path/'none.tar.xz')


def test_an_archive_of_nothing_is_named_itself(tmp_path):
    with tarfile.open(tmp_path/'EMPTY.TAR.XZ', 'w:xz'): pass
    with pytest.raises(InputError, match=f'no finished run in {tmp_path}/EMPTY.TAR.XZ'): found(tmp_path/'EMPTY.TAR.XZ')
