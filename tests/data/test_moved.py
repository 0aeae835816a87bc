"A data set that is moved or copied keeps its split, also where nothing tells whose an image is."
import shutil

import numpy as np
import pytest
from PIL import Image

from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.data.prepare import prepare
from pneumo_fastai.experiment import Experiment

SMALL, N = Experiment(size=32), 60


def picture(path, i):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(i).integers(0, 256, (40, 40)).astype(np.uint8)).save(path)


def manifest_of_pictures(root, below='films/'):
    for i in range(N): picture(root/'set'/below/f'{i}.png', i)
    (root/'set'/'manifest.csv').write_text('path,label\n' + ''.join(f'{below}{i}.png,{i % 2}\n' for i in range(N)))


def manifest_of_pictures_beside(root): manifest_of_pictures(root, '../elsewhere/films/')


def manifest_of_its_absolute_paths(root):
    manifest_of_pictures(root)
    (root/'set'/'manifest.csv').write_text('path,label\n' + ''.join(f'{root}/set/films/{i}.png,{i % 2}\n' for i in range(N)))


def class_folders_of_pictures(root):
    for i in range(N): picture(root/'set'/('NORMAL', 'PNEUMONIA')[i % 2]/f'{i // 2}.png', i)


def class_folders_of_dicoms(root, dataset):
    for i in range(N):
        path = root/'set'/('NORMAL', 'PNEUMONIA')[i % 2]/f'{i // 2}.dcm'
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset(np.full((40, 40), i, np.uint8), Modality='CR').save_as(path, enforce_file_format=False)


def rsna_without_mapping(root):
    for i in range(N): picture(root/'set'/'stage_2_train_images'/f'{i}.png', i)
    rows = (f'{i},1,2,3,4,1\n' if i % 2 else f'{i},,,,,0\n' for i in range(N))
    (root/'set'/'stage_2_train_labels.csv').write_text('patientId,x,y,width,height,Target\n' + ''.join(rows))


LAYOUTS = [manifest_of_pictures, manifest_of_pictures_beside, manifest_of_its_absolute_paths, class_folders_of_pictures,
           class_folders_of_dicoms, rsna_without_mapping]


@pytest.mark.parametrize('make', LAYOUTS, ids=lambda make: make.__name__)
def test_the_same_data_set_in_two_places_has_one_split(make, tmp_path, dataset):
    more = [dataset] if make is class_folders_of_dicoms else []
    here, there = tmp_path/'here', tmp_path/'a'/'longer way'/'there'
    for root in (here, there): make(root, *more)
    one, two = (prepare(read_cohort(root/'set'), SMALL).table for root in (here, there))
    assert [p.replace(str(here), '') for p in one.path] == [p.replace(str(there), '') for p in two.path]
    assert one.split.tolist() == two.split.tolist() and one.patient.tolist() == two.patient.tolist()
    assert one.patient.nunique() == N    # no two images are one patient's
    assert not one.patient.str.contains(str(tmp_path), regex=False).any()


def test_images_of_one_name_in_two_folders_are_two_patients(tmp_path):
    names = [f'{folder}/{i}.png' for folder in ('a', 'b', '../set-2', '../set-2/a') for i in range(N // 4)]
    for i, name in enumerate(names): picture(tmp_path/'set'/name, i)
    (tmp_path/'set'/'manifest.csv').write_text('path,label\n' + ''.join(f'{name},{i % 2}\n' for i, name in enumerate(names)))
    done = prepare(read_cohort(tmp_path/'set'), SMALL)
    assert set(done.table.patient) == set(names)
    assert any(f'{N} images have no patient' in o and 'each counts as a patient of its own' in o for o in done.notes)
    assert list(done.table) == [c for c in read_cohort(tmp_path/'set').table if c != 'name']   # what split.csv has


def test_a_manifest_moved_alone_names_the_same_patients_elsewhere(tmp_path):
    "Two manifests of one archive, by its absolute paths, put an image into one split."
    n = 4 * N  # the split hashes the absolute paths, which are others each time: with N a class may by chance be missing from test
    for i in range(n): picture(tmp_path/'archive'/f'{i}.png', i)
    rows = 'path,label\n' + ''.join(f'{tmp_path}/archive/{i}.png,{i % 2}\n' for i in range(n))
    for place in ('one', 'another/place'):
        (tmp_path/place).mkdir(parents=True)
        (tmp_path/place/'manifest.csv').write_text(rows)
    one, two = (prepare(read_cohort(tmp_path/place), SMALL).table for place in ('one', 'another/place'))
    assert one.split.tolist() == two.split.tolist() and one.patient.nunique() == n


def test_a_copied_folder_as_a_whole(films, tmp_path):
    shutil.copytree(films, tmp_path/'copy')
    one, two = (prepare(read_cohort(place), SMALL).table for place in (films, tmp_path/'copy'))
    assert one.split.tolist() == two.split.tolist()
