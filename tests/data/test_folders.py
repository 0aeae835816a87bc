"One bad directory entry does not end a data set: what cannot be looked into is rejected, what is linked twice is read once."
import encodings.utf_8_sig  # noqa: F401 - read before the user is another, who may not open where it lies
import os
import shutil
import socket
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from pneumo_fastai.cli import remedy
from pneumo_fastai.data.cohort import images_in, read_cohort
from pneumo_fastai.errors import InputError

NOBODY = 65534


@pytest.fixture
def place():
    "Class folders of two images each, where any user may look."
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    if not anyone_may_look(folder): pytest.skip(f'no other user may look into {folder}, or root may not become one')
    for name in ('NORMAL', 'PNEUMONIA'):
        (folder/name).mkdir()
        for i in range(2): (folder/name/f'{i}.png').touch()
    yield folder
    for p in folder.rglob('*'):
        if p.is_dir() and not p.is_symlink(): p.chmod(0o755)
    shutil.rmtree(folder)


@contextmanager
def as_nobody():
    "Permissions bind: root, whom they do not, is another user meanwhile."
    if root := os.geteuid() == 0: os.seteuid(NOBODY)
    try: yield
    finally:
        if root: os.seteuid(0)


def anyone_may_look(folder):
    try:
        with as_nobody(): return os.access(folder, os.R_OK, effective_ids=True)
    except PermissionError: return False


def reasons(cohort, place): return {str(Path(p).relative_to(place)): reason for p, reason in cohort.rejected.itertuples(index=False)}
def images(cohort, place): return [str(Path(p).relative_to(place)) for p in cohort.table.path]
def files(*more): return sorted([f'{name}/{i}.png' for name in ('NORMAL', 'PNEUMONIA') for i in range(2)] + list(more))


@pytest.mark.parametrize('mode', [0o000, 0o111])
def test_a_folder_that_may_not_be_opened_is_rejected(place, mode):
    (place/'NORMAL'/'inner').mkdir()
    (place/'NORMAL'/'inner'/'9.png').touch()
    (place/'NORMAL'/'inner').chmod(mode)
    with as_nobody(): cohort = read_cohort(place)
    assert images(cohort, place) == files()
    assert reasons(cohort, place) == {'NORMAL/inner': 'is a folder that cannot be opened (Permission denied)'}
    assert any('1 rejected: 1 is a folder that cannot be opened' in o for o in cohort.notes)


def test_a_folder_that_fails_otherwise_is_rejected(place, monkeypatch):
    (place/'NORMAL'/'inner').mkdir()
    real = Path.iterdir
    def failing(folder):
        if folder.name == 'inner': raise OSError(5, 'Input/output error', str(folder))
        return real(folder)
    monkeypatch.setattr(Path, 'iterdir', failing)
    assert reasons(read_cohort(place), place) == {'NORMAL/inner': 'is a folder that cannot be opened (Input/output error)'}


def test_names_without_a_look_at_what_they_name_are_rejected_and_counted(place):
    "A folder whose names may be listed and nothing else (r--)."
    (place/'NORMAL'/'inner').mkdir()
    for name in ('9.png', 'I0001'): (place/'NORMAL'/'inner'/name).touch()
    (place/'NORMAL'/'inner').chmod(0o444)
    with as_nobody(): cohort = read_cohort(place)
    assert images(cohort, place) == files() and list(reasons(cohort, place)) == ['NORMAL/inner/9.png']
    assert any(o.startswith('1 entries that cannot be read') for o in cohort.notes)


def test_a_split_or_class_folder_that_may_not_be_opened_is_rejected(place):
    for name in ('train', 'test'):
        (place/name).mkdir()
        for inner in ('NORMAL', 'PNEUMONIA'): shutil.copytree(place/inner, place/name/inner)
    for name in ('NORMAL', 'PNEUMONIA'): shutil.rmtree(place/name)
    (place/'val').mkdir(mode=0)
    (place/'test'/'NORMAL').chmod(0)
    with as_nobody(): cohort = read_cohort(place)
    assert set(reasons(cohort, place)) == {'val', 'test/NORMAL'} and len(cohort.table) == 6


def test_links_to_nothing_are_rejected_or_counted(place):
    (place/'NORMAL'/'gone.png').symlink_to('nowhere.png')
    (place/'NORMAL'/'round.png').symlink_to('round.png')
    (place/'NORMAL'/'I0001').symlink_to('nowhere')
    (place/'stray.png').symlink_to('nowhere')
    cohort = read_cohort(place)
    assert images(cohort, place) == files()
    assert reasons(cohort, place) == {'NORMAL/gone.png': 'is a link to nothing', 'stray.png': 'is a link to nothing',
                                      'NORMAL/round.png': 'cannot be looked at (Too many levels of symbolic links)'}
    assert any(o.startswith('1 entries that cannot be read') for o in cohort.notes)


def test_a_name_that_is_not_utf8_can_be_written_down(place):
    os.symlink(b'nowhere', os.fsencode(place) + b'/NORMAL/R\xf6ntgen.png')
    cohort = read_cohort(place)
    assert cohort.rejected.to_csv(index=False).encode() and list(reasons(cohort, place)) == ['NORMAL/R\\udcf6ntgen.png']


@pytest.mark.parametrize('link, to', [
    ('NORMAL/up', '..'), ('NORMAL/here', '.'), ('NORMAL/other', '../PNEUMONIA'), ('PNEUMONIA/a/up', '../..'), ('NORMAL/root', '/'),
    ('NORMAL/a/b/again', '../../a'), ('NORMAL/0again', 'a')])
def test_no_link_gives_an_image_twice_or_for_ever(place, link, to):
    for name in ('NORMAL/a/b', 'PNEUMONIA/a'): (place/name).mkdir(parents=True)
    (place/'NORMAL'/'a'/'b'/'9.png').touch()
    (place/link).symlink_to(to)
    cohort = read_cohort(place)
    assert images(cohort, place) == files('NORMAL/a/b/9.png')
    assert reasons(cohort, place) == {link: 'is a link to a folder that is read already'}


def test_a_link_that_leads_out_of_the_data_set_is_followed_once(place, tmp_path):
    "And one there that leads back is not."
    (tmp_path/'far').mkdir()
    (tmp_path/'far'/'9.png').touch()
    (place/'NORMAL'/'far').symlink_to(tmp_path/'far')
    (tmp_path/'far'/'back').symlink_to(place/'NORMAL')
    cohort = read_cohort(place)
    assert images(cohort, place) == files('NORMAL/far/9.png')
    assert set(reasons(cohort, place)) == {'NORMAL/far/back'}


def test_a_link_round_in_a_folder_that_is_left_out_ends(place):
    (place/'COVID').mkdir()
    (place/'COVID'/'x.png').touch()
    (place/'COVID'/'up').symlink_to('..')
    cohort = read_cohort(place)
    assert 'folders left out: COVID (1 images)' in cohort.notes and images(cohort, place) == files()


def test_what_is_no_regular_file_is_rejected_unread(place, monkeypatch):
    "By the folder alone: reading a pipe would wait for ever."
    monkeypatch.setattr('pneumo_fastai.data.layouts.common.is_image', lambda p: p.is_file() and p.suffix == '.png')
    os.mkfifo(place/'NORMAL'/'pipe.dcm')
    os.mkfifo(place/'NORMAL'/'I0001')
    (place/'NORMAL'/'zero.png').symlink_to('/dev/zero')
    with socket.socket(socket.AF_UNIX) as s: s.bind(str(place/'NORMAL'/'socket.jpg'))
    cohort = read_cohort(place)
    assert images(cohort, place) == files()
    assert reasons(cohort, place) == dict.fromkeys(['NORMAL/pipe.dcm', 'NORMAL/socket.jpg', 'NORMAL/zero.png'], 'is no regular file')
    assert any(o.startswith('1 entries that cannot be read') for o in cohort.notes)


def rsna(place):
    folder = place/'stage_2_train_images'
    folder.mkdir()
    for i in range(4): (folder/f'{i}.dcm').touch()
    rows = ''.join(f'{i},1,2,3,4,1\n' if i % 2 else f'{i},,,,,0\n' for i in range(6))
    (place/'stage_2_train_labels.csv').write_text('patientId,x,y,width,height,Target\n' + rows)
    for name in ('NORMAL', 'PNEUMONIA'): shutil.rmtree(place/name)
    return folder


def test_rsna_with_bad_entries(place):
    folder = rsna(place)
    os.mkfifo(folder/'4.dcm')
    (folder/'7.dcm').symlink_to('nowhere')
    (place/'closed').mkdir(mode=0)
    with as_nobody(): cohort = read_cohort(place)
    assert len(cohort.table) == 4
    assert reasons(cohort, place) == {'closed': 'is a folder that cannot be opened (Permission denied)',
        'stage_2_train_images/4.dcm': 'is no regular file', 'stage_2_train_images/5.dcm': 'no such file',
        'stage_2_train_images/7.dcm': 'is a link to nothing'}


def test_a_manifest_that_names_what_cannot_be_read(place):
    (place/'closed').mkdir(mode=0)
    os.mkfifo(place/'pipe.png')
    (place/'gone.png').symlink_to('nowhere')
    names = [*files(), 'closed/1.png', 'pipe.png', 'gone.png', 'NORMAL', 'none.png']
    (place/'manifest.csv').write_text('path,label\n' + ''.join(f'{name},{i % 2}\n' for i, name in enumerate(names)))
    with as_nobody(): cohort = read_cohort(place)
    assert images(cohort, place) == files()
    assert reasons(cohort, place) == {'closed/1.png': 'cannot be looked at (Permission denied)', 'pipe.png': 'is no regular file',
        'gone.png': 'is a link to nothing', 'NORMAL': 'is no regular file', 'none.png': 'no such file'}


def test_prediction_is_told_of_every_entry_that_looks_like_an_image(place):
    (place/'NORMAL'/'inner').mkdir(mode=0)
    (place/'NORMAL'/'gone.png').symlink_to('nowhere.png')
    (place/'NORMAL'/'up').symlink_to('..')
    (place/'NORMAL'/'notes.txt').touch()
    (place/'NORMAL'/'I0001').symlink_to('nowhere')
    with as_nobody(): paths, others = images_in(place)
    assert [str(Path(p).relative_to(place)) for p in paths] == sorted(files('NORMAL/gone.png', 'NORMAL/inner')) and others == 2


def test_a_manifest_or_label_table_that_is_a_pipe_is_not_waited_for(place):
    os.mkfifo(place/'mine.csv')
    with pytest.raises(InputError, match=r'mine\.csv is neither a folder nor a \.csv manifest'): read_cohort(place/'mine.csv')
    for name in ('manifest.csv', 'stage_2_train_labels.csv'): os.mkfifo(place/name)
    assert read_cohort(place).layout == 'class folders'


@pytest.mark.parametrize('read', [read_cohort, images_in])
def test_a_data_set_that_may_not_be_opened_at_all_is_an_input_error(place, read):
    (place/'closed'/'in').mkdir(parents=True)
    (place/'closed').chmod(0)
    with as_nobody():
        for path in (place/'closed', place/'closed'/'in'):
            with pytest.raises(InputError, match=r'closed.*cannot be read: Permission denied; make it readable'): read(path)


def test_what_would_help_is_another_place_only_where_something_is_written(place):
    (place/'secret').mkdir(mode=0)
    (place/'file').touch(mode=0)
    def read(): (place/'file').read_text()
    def look(): list((place/'secret').iterdir())
    def write(): (place/'new').write_text('')
    def absent(): (place/'absent').read_text()
    said = []
    with as_nobody():
        for act in (read, look, write, absent):
            try: act()
            except OSError as e: said.append(remedy(e))
    assert said == ['; make it readable', '; make it readable', '; give another place with --out or --cache', '']
