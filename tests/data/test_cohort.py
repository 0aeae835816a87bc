"Which layout a folder has, and what is said of one that has none."
import re

from pneumo_fastai.data.cohort import read_cohort


def test_manifest_comes_first_then_rsna(tmp_path, touch, rsna_folder, manifest_folder):
    touch(rsna_folder(tmp_path), 'NORMAL/a.png', 'PNEUMONIA/b.png')
    assert read_cohort(tmp_path).layout == 'RSNA'
    assert read_cohort(manifest_folder(tmp_path, 'path,label\na.png,0\nb.png,1\n')).layout == 'manifest'


def test_missing_folder_suggests_near_names(tmp_path, wrong):
    (tmp_path/'chest_xray').mkdir()
    assert f'did you mean {tmp_path}/chest_xray?' in wrong(tmp_path/'chest_xrya')
    assert 'give an existing folder' in wrong(tmp_path/'qqq')
    assert f'did you mean {tmp_path}/chest_xray?' in wrong(tmp_path/'chestxray'/'train')


def test_empty_and_unknown_folders(tmp_path, touch, wrong):
    assert 'is empty' in wrong(tmp_path)
    touch(tmp_path, 'a.png', 'cats/b.png')
    line = wrong(tmp_path)
    assert 'holds a.png, cats' in line and all(layout in line for layout in ('manifest.csv', 'RSNA', 'NORMAL/'))
    assert 'neither a folder nor a .csv' in wrong(tmp_path/'a.png')


def test_one_class_only(tmp_path, touch, wrong):
    touch(tmp_path, 'PNEUMONIA/a.png', 'PNEUMONIA/b.png')
    assert "2 images, all of class 'pneumonia': add images of class 'no pneumonia'" in wrong(tmp_path)


def test_no_image_at_all(tmp_path, touch, rsna_folder, wrong):
    touch(tmp_path/'x', 'NORMAL/a.txt', 'PNEUMONIA/b.txt')
    assert 'holds no image that can be used: images are .dcm' in wrong(tmp_path/'x')
    (tmp_path/'y'/'stage_2_train_images').mkdir(parents=True)
    assert re.search(r'4 were rejected, the first .*a\.dcm: no such file', wrong(rsna_folder(tmp_path/'y', ids='')))
