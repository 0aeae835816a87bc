"The reader of class folders: NORMAL/ and PNEUMONIA/, also below train/, val/, test/."
import os
import re

from .common import LABELS, PICTURES, SPLITS, SUFFIXES, enter, files, image, left_out, listed, name_in, plain, stem

KERMANY = re.compile(r'(person\d+)_(?:bacteria|virus)_|((?:NORMAL\d*-)?IM-\d+)-\d|(?:NORMAL|BACTERIA|VIRUS)-(\d+)-\d')


def class_groups(folder, found):
    "(split or None, label, class folder) of each class folder here; where there is none, of those in the split folders here."
    def named(names, inside):
        return [(names[plain(p.name)], p) for p in listed(inside, found) if plain(p.name) in names and os.path.isdir(p)]
    if here := named(LABELS, folder): return [(None, *c) for c in here]
    return [(split, *c) for split, s in named(SPLITS, folder) for c in named(LABELS, s)]


def kermany_patient(name):
    "The patient in a file name of Kermany et al. 2018, in Kaggle's form or Mendeley's (disease-patient-image); None in any other."
    match = KERMANY.match(name)
    return match and next(filter(None, match.groups()))


def class_folders(folder, groups, found):
    other, alone = 0, 0
    shipped = len({split for split, _, _ in groups}) > 1     # a lone train folder is no split
    taken = {inside for _, _, inside in groups}
    enter(taken, found)
    for split, label, inside in groups:
        for path, kind in files(inside, found):
            if not kind:
                other += 1
                continue
            patient = None    # of a DICOM the header tells
            if path.suffix.lower() in PICTURES:
                patient = kermany_patient(path.name)
                alone += patient is None
                patient = patient or (path.parent/stem(path)).relative_to(folder).as_posix()     # two classes' 1.png are two patients
            found.add(path, label, patient, split=split if shipped else None, name=None if patient else name_in(path, folder))
    stray = beside(folder, taken, found)
    found.note(other, f"files in class folders left out: images are {', '.join(SUFFIXES)}")
    found.note(stray, 'images lie in no class folder: left out')
    found.note(alone, 'images whose name does not tell the patient: each counts as a patient of its own, so images of one patient may '
               'cross splits')


def beside(folder, taken, found):
    "How many images lie beside the class folders `taken`; the folders that do are noted."
    parents = {p.parent for p in taken}
    entries = {p for parent in {folder, *parents} for p in listed(parent, found)} - taken - parents
    folders = {p for p in entries if os.path.isdir(p)}
    left_out(found, sorted(folders))
    return sum(image(p, found) is True for p in entries - folders)
