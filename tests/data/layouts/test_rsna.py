"RSNA's layout: labels, boxes, patients by the mapping, and what contradicts itself."
from pathlib import Path

import pytest

from pneumo_fastai.data.cohort import COLUMNS, read_cohort


def rejected(cohort): return {Path(p).stem: reason for p, reason in cohort.rejected.itertuples(index=False)}


MAPPING = 'pneumonia-challenge-dataset-mappings_2018.json'
GOOD = ['a,,,,,0', 'b,1,2,3,4,1', 'b,5.5,6,7,8,1', 'c,,,,,0', 'd,1,1,9,9,1']
PATIENTS = {'a':'00000001_000.png', 'b':'00000002_000.png', 'c':'00000001_004.png', 'd':'00000003_000.png'}


def test_rsna_256_has_the_published_counts(shared):
    cohort = read_cohort(shared/'rsna-256')
    assert cohort.layout == 'RSNA' and cohort.name == 'rsna-256' and not cohort.synthetic
    assert len(cohort.table) == 1521 and cohort.table.label.sum() == 756
    assert cohort.table.patient.nunique() == 1233
    assert cohort.rejected.empty
    assert cohort.notes == ['3 images are not in the mapping: each is its own patient']
    assert cohort.table.detail.value_counts().to_dict() == {'Normal':765, 'Lung Opacity':756}
    assert all(x >= 0 and y >= 0 and x + w <= 256 and y + h <= 256 for boxes in cohort.table.boxes for x, y, w, h in boxes)


def test_rsna_16_boxes_stand_with_the_positives(shared):
    table = read_cohort(shared/'rsna-16').table
    counts = table.boxes.map(len)
    assert len(table) == 16 and table.label.sum() == 5 and counts.sum() == 10
    assert ((counts > 0) == (table.label == 1)).all()
    assert table.set_index(table.path.map(lambda p: Path(p).stem)).patient['0004cfab-14fd-4e49-80ba-63a80b6bddd6'] == '00019124'


def test_table_keeps_its_promises(tmp_path, rsna_folder):
    cohort = read_cohort(rsna_folder(tmp_path, mapping=PATIENTS))
    table = cohort.table
    assert list(table) == COLUMNS and table.index.tolist() == [0, 1, 2, 3]
    assert table.path.tolist() == [str(tmp_path/'stage_2_train_images'/f'{i}.dcm') for i in 'abcd']
    assert table.patient.tolist() == ['00000001', '00000002', '00000001', '00000003']
    assert table.boxes.tolist() == [[], [(1., 2., 3., 4.), (5.5, 6., 7., 8.)], [], [(1., 1., 9., 9.)]]
    assert all(v is None for c in ('split', 'view', 'sex', 'detail') for v in table[c])
    assert table.age.isna().all() and table.age.dtype == float
    assert cohort.notes == [] and cohort.rejected.empty and list(cohort.rejected) == ['path', 'reason']


def test_no_mapping_is_said_and_each_image_is_a_patient(tmp_path, rsna_folder):
    cohort = read_cohort(rsna_folder(tmp_path))
    assert cohort.table.patient.tolist() == list('abcd')
    assert len(cohort.notes) == 1 and '\n' not in cohort.notes[0]
    assert all(word in cohort.notes[0] for word in ('70%', '11,400', MAPPING, 'https://www.rsna.org/'))


def test_images_outside_the_mapping_are_their_own_patient(tmp_path, rsna_folder, has_note):
    cohort = read_cohort(rsna_folder(tmp_path, mapping={k: v for k, v in PATIENTS.items() if k != 'c'}))
    assert cohort.table.patient[2] == 'c' and has_note(cohort, '^1 images are not in the mapping')


def test_contradictions_are_rejected_with_their_reason(tmp_path, rsna_folder, has_note):
    rows = [*GOOD, 'e,,,,,0', 'e,1,2,3,4,1', 'f,,,,,2', 'g,1,2,3,4,0', 'h,,,,,', 'gone,,,,,0', ',,,,,0', 'z,0,0,0,0,0']
    cohort = read_cohort(rsna_folder(tmp_path, rows, ids='abcdefghxz', mapping=PATIENTS))
    reasons = rejected(cohort)
    assert reasons.pop('.dcm') == 'no patientId'
    assert reasons == {'e':'Target 0 and 1 in one patientId', 'f':'Target is neither 0 nor 1', 'g':'Target 0 with a box',
                       'h':'Target is neither 0 nor 1', 'gone':'no such file', 'x':'no label'}
    assert [Path(p).stem for p in cohort.table.path] == list('abcdz')     # a negative whose box was filled with zeros is one
    assert has_note(cohort, '^7 rejected: 2 Target is neither')


@pytest.mark.parametrize('row', ['e,,,,,1', 'e,1,2,,4,1', 'e,1,two,3,4,1', 'e,1,2,0,4,1', 'e,1,2,inf,4,1'])
def test_positive_without_a_readable_box_keeps_its_label(tmp_path, row, rsna_folder, has_note):
    cohort = read_cohort(rsna_folder(tmp_path, [*GOOD, row], ids='abcde', mapping=PATIENTS))
    assert cohort.table.label[4] == 1 and cohort.table.boxes[4] == []
    assert has_note(cohort, "^1 positive images lack a box.*'e'")


def test_repeated_row_is_one_box_and_is_counted(tmp_path, rsna_folder, has_note):
    cohort = read_cohort(rsna_folder(tmp_path, [*GOOD, GOOD[1]]))
    assert len(cohort.table.boxes[1]) == 2 and has_note(cohort, '^1 rows .* repeat another')


def test_detailed_class_is_read_and_must_agree(tmp_path, rsna_folder):
    folder = rsna_folder(tmp_path, mapping=PATIENTS)
    (folder/'stage_2_detailed_class_info.csv').write_text(
        'patientId;class\na;Normal\nb;Lung Opacity\nb;Lung Opacity\nc;No Lung Opacity / Not Normal\nd;Normal\n')
    cohort = read_cohort(folder)
    assert cohort.table.detail.tolist() == ['Normal', 'Lung Opacity', 'No Lung Opacity / Not Normal']
    assert rejected(cohort) == {'d':'Target and detailed class disagree'}


def test_dicom_is_preferred_to_its_copies_and_the_test_images_are_named(tmp_path, touch, rsna_folder):
    folder = rsna_folder(tmp_path, mapping=PATIENTS)
    touch(folder, 'stage_2_train_images/a.png', 'stage_2_train_images/readme.txt', 'stage_2_test_images/q.dcm', '.DS_Store')
    cohort = read_cohort(folder)
    assert {Path(p).suffix for p in cohort.table.path} == {'.dcm'}
    assert cohort.notes == ['1 files are copies of an image in another format: left out',
                            '1 files in stage_2_train_images left out: no images',
                            'folders left out: stage_2_test_images (1 images)']


def test_other_names_and_images_beside_the_labels(tmp_path, touch):
    touch(tmp_path, *(f'{i}.PNG' for i in 'abcd'))
    (tmp_path/'My_Train_Labels_v2.csv').write_text('\n'.join(['patientid,x,y,width,height,target', *GOOD]))
    assert len(read_cohort(tmp_path).table) == 4


def test_ambiguous_or_foreign_rsna_files(tmp_path, touch, rsna_folder, wrong):
    folder = rsna_folder(tmp_path/'x')
    (folder/MAPPING).write_text('{"a": 1}')
    assert "not RSNA's mapping" in wrong(folder)
    touch(tmp_path/'y', 'stage_1_train_labels.csv', 'old_train_labels.csv')
    assert 'several *train_labels*.csv: old_train_labels.csv, stage_1_train_labels.csv' in wrong(tmp_path/'y')
