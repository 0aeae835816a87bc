"What a manifest may say wrongly: views that are not frontal, ages that no one has, a column twice."
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumo_fastai.data.cohort import COLUMNS, read_cohort
from pneumo_fastai.data.decoding.dicom import UnreadableImage, read_film
from pneumo_fastai.data.prepare import prepare
from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import Experiment

SMALL = Experiment(size=32, valid=.3, test=.3)


def with_column(folder, column, values, n=60):
    "A manifest of `n` pictures whose `column` has `values` in its first rows."
    folder.mkdir(parents=True, exist_ok=True)
    values = [*values, *[''] * (n - len(values))]
    for i in range(n): Image.fromarray(np.random.default_rng(i).integers(0, 256, (40, 40)).astype(np.uint8)).save(folder/f'{i:02}.png')
    rows = (f'{i:02}.png,{i % 2},p{i},{value}\n' for i, value in enumerate(values))
    (folder/'manifest.csv').write_text(f'path,label,patient,{column}\n' + ''.join(rows))
    return read_cohort(folder)


VIEWS = ['PA', 'AP', 'pa', 'AP supine', 'Antero-posterior', 'unknown', 'LL', 'lateral', 'LAT', 'RL', 'oblique', 'L']


def test_a_view_that_a_header_would_be_refused_for_is_refused_with_the_same_reason(tmp_path, dataset):
    done = prepare(with_column(tmp_path, 'view', VIEWS), SMALL)
    refused = dict(zip(done.rejected.path, done.rejected.reason, strict=True))
    for i, word in enumerate(VIEWS):
        with warnings.catch_warnings(action='ignore'):   # CS is upper case
            dataset(np.full((40, 40), i, np.uint8), Modality='CR', ViewPosition=word).save_as(tmp_path/'a.dcm', enforce_file_format=False)
        try: said = read_film(tmp_path/'a.dcm').view
        except UnreadableImage as e: assert refused.pop(str(tmp_path/f'{i:02}.png')) == e.reason
        else: assert done.table.set_index('path')['view'][str(tmp_path/f'{i:02}.png')] == said
    assert not refused and len(done.table) == 60 - 6


def test_any_view_takes_them_all(tmp_path):
    done = prepare(with_column(tmp_path, 'view', VIEWS), replace(SMALL, any_view=True))
    assert done.rejected.empty and done.table['view'].value_counts()[['LL', 'lateral']].tolist() == [1, 2]


def test_an_age_that_no_one_has_is_unknown_and_counted(tmp_path):
    cohort = with_column(tmp_path, 'age', ['-5', '1e9', '0', '0.5', '120', '120.5', 'inf', '055Y', 'old'])
    assert cohort.table.age.dropna().tolist() == [0, .5, 120, 55]
    assert any(o.startswith('5 ages in manifest.csv are no years from 0 to 120: taken as unknown') for o in cohort.notes)


HEADERS = ['path,label,label', '"label",path,label', 'label,path,Label ', 'path,label,age,age', '\ufeffpath,label,path']


@pytest.mark.parametrize('header', HEADERS)
def test_a_column_that_is_read_and_there_twice_is_refused(tmp_path, header):
    row = ','.join(dict(path='a.png', label='0', age='50')[name.strip('"\ufeff ').lower()] for name in header.split(','))
    (tmp_path/'manifest.csv').write_text(f'{header}\n{row}\n', encoding='utf-8')
    with pytest.raises(InputError, match='column twice'): read_cohort(tmp_path)


def test_columns_that_are_not_read_may_have_one_name_or_none(tmp_path):
    for i in range(2): (tmp_path/f'{i}.png').touch()
    (tmp_path/'manifest.csv').write_text('path,label,note,note,,,label.1\n0.png,0,a,b,,,1\n1.png,1,a,b,,,0\n')
    assert read_cohort(tmp_path).table.label.tolist() == [0, 1]


def rejected(cohort): return {Path(p).stem: reason for p, reason in cohort.rejected.itertuples(index=False)}


def test_manifest_with_all_columns(tmp_path, touch, manifest_folder, has_note):
    touch(tmp_path, 'far/c.png')
    text = ('Path;Label;patient;split;view;age;sex\na.png;Normal;p1;train;PA;45,5;F\nb.png;pneumonia;p2;VAL;AP;051Y;M\n'
            f'{tmp_path}/far/c.png;1;p3;;;;\n')
    cohort = read_cohort(manifest_folder(tmp_path/'set', text))
    table = cohort.table.set_index(cohort.table.path.map(lambda p: Path(p).name))
    assert cohort.layout == 'manifest' and cohort.name == 'set'
    assert table.loc['a.png', COLUMNS[1:8]].tolist() == [0, 'p1', 'train', 'PA', 45.5, 'F', None]
    assert table.loc['b.png', ['label', 'split', 'age']].tolist() == [1, 'valid', 51.]
    assert table.loc['c.png', 'split'] is None and table.path['c.png'] == str(tmp_path/'far'/'c.png')
    assert has_note(cohort, '^1 images have no split')


def test_manifest_path_itself_and_no_patient(tmp_path, manifest_folder, has_note):
    manifest_folder(tmp_path, 'path,label\na.png,no pneumonia\nsub/../b.png,1.0\n')
    (tmp_path/'manifest.csv').rename(tmp_path/'mine.csv')
    cohort = read_cohort(tmp_path/'mine.csv')
    assert cohort.table.patient.tolist() == [None, None] and cohort.table.path[1] == str(tmp_path/'b.png')
    assert has_note(cohort, '^2 images have no patient')


def test_manifest_duplicates_and_bad_rows(tmp_path, manifest_folder, has_note):
    text = ('path,label,patient,age\na.png,0,p,\n./a.png,normal,p,\nb.png,1,q,old\nc.png,1,r,\nc.png,0,r,\nd.png,covid,s,\nnone.png,1,t,\n'
            ',1,u,\ne.png,1,v,\ne.png,1,w,\nf.txt,1,x,\n')
    cohort = read_cohort(manifest_folder(tmp_path, text, files=('a.png', 'b.png', 'c.png', 'd.png', 'e.png', 'f.txt')))
    assert [Path(p).stem for p in cohort.table.path] == ['a', 'b']
    reasons = rejected(cohort)
    assert reasons.pop('d').startswith("label 'covid' is none of 0, normal")
    assert reasons == {'c':'different labels', 'none':'no such file', '':'no path', 'e':'different patients or splits', 'f':'no image'}
    assert has_note(cohort, '^3 rows of manifest.csv repeat a path') and has_note(cohort, '^1 ages in manifest.csv')


def test_unknown_split_lists_the_valid_ones(tmp_path, manifest_folder, wrong):
    line = wrong(manifest_folder(tmp_path, 'path,label,split\na.png,0,train\nb.png,1,holdout\n'))
    assert "split 'holdout' is unknown; there are: train, val, valid, validation, test" in line


def test_a_missing_patient_as_r_or_python_write_it_is_missing(tmp_path):
    for i in range(4): (tmp_path/f'{i}.png').write_bytes(b'x')
    rows = [f'{i}.png,{i % 2},{p}\n' for i, p in enumerate(['NA', 'None', 'a', ''])]
    (tmp_path/'manifest.csv').write_text(''.join(['path,label,patient\n', *rows]))
    assert list(read_cohort(tmp_path).table.patient) == [None, None, 'a', None]
