"What every reader of a data set makes of tables, texts and names."
import math
import os

import pandas as pd
import pytest

from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.data.layouts.common import LABELS, SPLITS, is_image, name_in, number, plain, stem


def test_semicolons_byte_order_mark_and_decimal_commas_read_the_same(tmp_path, rsna_folder):
    want = read_cohort(rsna_folder(tmp_path/'x')).table
    other = rsna_folder(tmp_path/'y', sep=';')
    text = (other/'stage_2_train_labels.csv').read_text().replace('5.5', '5,5')
    (other/'stage_2_train_labels.csv').write_text('\ufeff' + text, encoding='utf-8')
    pd.testing.assert_frame_equal(read_cohort(other).table.drop(columns=['path']), want.drop(columns=['path']))


def test_labels_lacking_columns(tmp_path, rsna_folder, manifest_folder, wrong):
    folder = rsna_folder(tmp_path)
    (folder/'stage_2_train_labels.csv').write_text('patientId,left,Target\na,1,0\n')
    assert 'lacks x, y, width, height: it has patientId, left, Target' in wrong(folder)
    assert 'lacks label: it has path' in wrong(manifest_folder(tmp_path/'m', 'path\na.png\n'))


@pytest.mark.parametrize('text', ['', 'path,label\na.png,0,1,2\n', 'path,label\na.png,0\nb.png,1,2\n'])
def test_unreadable_table(tmp_path, text, manifest_folder, wrong):
    assert 'cannot be read as a table' in wrong(manifest_folder(tmp_path, text))


def test_table_in_another_encoding(tmp_path, wrong):
    (tmp_path/'manifest.csv').write_bytes('path,label\nä.png,0\n'.encode('latin-1'))
    assert 'UTF-8' in wrong(tmp_path)


def test_column_given_twice(tmp_path, manifest_folder, wrong):
    assert 'column twice' in wrong(manifest_folder(tmp_path, 'path,label,Label\na.png,0,1\n'))


def test_a_name_that_is_not_utf8_is_rejected_with_its_reason(tmp_path):
    for name in (b'NORMAL/R\xf6ntgen.png', b'NORMAL/a.png', b'PNEUMONIA/b.png'):
        path = os.path.join(os.fsencode(tmp_path), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as f: f.write(b'x')
    cohort = read_cohort(tmp_path)
    assert len(cohort.table) == 2 and cohort.rejected.reason.tolist() == ['its name is not UTF-8']
    cohort.rejected.to_csv(tmp_path/'rejected.csv')


def test_texts_and_numbers_as_people_write_them():
    assert [plain(o) for o in (' No_Pneumonia', 'NO  pneumonia', '1.0', 'Val')] == ['no pneumonia', 'no pneumonia', '1', 'val']
    assert LABELS[plain('Negative ')] == 0 and SPLITS[plain('VALIDATION')] == 'valid'
    assert [number(o) for o in ('1,5', ' 2.5 ', '-3')] == [1.5, 2.5, -3]
    assert all(math.isnan(number(o)) for o in ('', 'x', 'inf', 'nan', '1,2,3'))


@pytest.mark.parametrize('name, head, image', [
    ('a.PNG', b'', True), ('1.2.840.5', bytes(128) + b'DICM', True), ('I0001', bytes(128) + b'DICM', True), ('I0002', bytes(132), False),
    ('I0003', b'DICM', False), ('a.txt', bytes(128) + b'DICM', False)])
def test_an_image_is_known_by_its_name_or_by_the_mark_of_dicom(tmp_path, name, head, image):
    (tmp_path/name).write_bytes(head)
    assert is_image(tmp_path/name) == image
    assert stem(tmp_path/name) == (name[:-4] if name == 'a.PNG' else name)  # the last number of a UID is no extension


def test_what_a_data_set_calls_an_image_moves_with_it_unless_it_lies_outside_by_an_absolute_path():
    assert name_in('/set/a/1.png', '/set') == 'a/1.png' == name_in('/set/a/1.png', '/set', '/set/a/1.png')
    assert name_in('/far/1.png', '/set', '../far/1.png') == '../far/1.png' and name_in('/far/1.png', '/set', '/far/1.png') == '/far/1.png'
