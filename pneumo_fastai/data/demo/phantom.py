"The built-in demo data set: synthetic frontal chest radiographs, drawn by a program, in RSNA's Kaggle layout."
import csv
import io
import json
import os
import uuid
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pneumo_fastai.data.demo.anatomy import CLASSES, GRID, SPAN, attenuation, draw_patient, pose
from pneumo_fastai.data.workers import end_with
from pneumo_fastai.errors import InputError
from pneumo_fastai.writing import whole

AP_SHARE = .2, .5, .7  # bedside films are of sicker people: the view alone has an AUROC near 0.68, as in RSNA's release
FILM = 1024  # pixels
HEADER = dict(  # what is the same in every file
    SpecificCharacterSet='ISO_IR 100', StudyDate='19010101', StudyTime='000000.00', AccessionNumber='', Modality='CR', ConversionType='WSD',
    ReferringPhysicianName='', PatientBirthDate='', BodyPartExamined='CHEST', StudyID='', SeriesNumber=1, InstanceNumber=1,
    PatientOrientation='', SamplesPerPixel=1, PhotometricInterpretation='MONOCHROME2', Rows=FILM, Columns=FILM, PixelSpacing=[.143, .143],
    BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0, LossyImageCompression='01', LossyImageCompressionMethod='ISO_10918_1')

def _devices(rng, pen):
    "Electrodes with their wires, a central line, a tracheal tube or a pacemaker, in film pixels."
    kinds, (dx, dy) = rng.choice(4, rng.integers(1, 3), replace=False, p=[.4, .3, .2, .1]), rng.normal(0, 20, 2)
    for x, y in rng.normal([(290, 250), (740, 250), (760, 700)], 40) if 0 in kinds else ():
        pen.ellipse([x - 11, y - 14, x + 11, y + 14], fill=110)
        r = rng.uniform(150, 450)
        pen.arc([x - r, y, x + r, y + 2*r], 270, rng.uniform(330, 420), 60, 4)
    if 1 in kinds: pen.arc([470 + dx, 130 + dy, 940, 850], 175, 280, 75, 5)
    if 2 in kinds: pen.line([(503 + dx/2, 0), (503 + dx/2, 310 + dy), (521 + dx/2, 300 + dy), (521 + dx/2, 0)], 60, 4)
    if 3 in kinds:
        pen.rounded_rectangle([720 + dx, 210 + dy, 820 + dx, 294 + dy], 32, 170)
        pen.arc([500 + dx, 150 + dy, 780 + dx, 1000], 130, 300, 130, 5)

def _overlay(rng, p):
    "Side marker, and on some films lettering and devices: grey values 0..255 at full resolution."
    layer = Image.new('L', (FILM, FILM))
    pen, font = ImageDraw.Draw(layer), ImageFont.load_default(int(rng.integers(34, 60)))
    x, side = (rng.integers(860, 940), 'L') if rng.random() < .75 else (rng.integers(60, 130), 'R')
    pen.text((x, rng.integers(100, 200)), side, 235, font)  # below the lettering
    if p.ap and rng.random() < .4: pen.text((rng.integers(60, 300), 25), str(rng.choice(['PORTABLE', 'AP', 'AP PORTABLE'])), 215, font)
    if 'device' in p.findings or rng.random() < (.4 if p.ap else .06): _devices(rng, pen)
    return np.asarray(layer, dtype=np.float32)

def _camera(rng, p):
    "The affine from film pixels to grid pixels: a slight turn, zoom and shift."
    angle, zoom = np.radians(rng.normal(0, 3 if p.ap else 1)), rng.normal(.98, .04)*GRID/SPAN/FILM
    cos, sin, (x, y) = zoom*np.cos(angle), zoom*np.sin(angle), GRID/2*(1 + rng.normal(0, .025, 2))
    return cos, -sin, x - (cos - sin)*FILM/2, sin, cos, y - (cos + sin)*FILM/2

def _shoot(grid, camera):
    im = Image.fromarray(np.ascontiguousarray(grid, dtype=np.float32))
    return np.asarray(im.transform((FILM, FILM), Image.Transform.AFFINE, camera, Image.Resampling.BILINEAR))

def _box(patch, camera):
    "x, y, width, height in film pixels around the part of an opacity that shows."
    shown = _shoot(patch, camera) > .3*patch.max()
    rows, cols = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    return int(cols[0]), int(rows[0]), int(np.ptp(cols)) + 1, int(np.ptp(rows)) + 1

def radiograph(
    rng,     # numpy Generator
    patient,  # from `draw_patient`
    view,    # 'PA' or 'AP'
    label,   # index into CLASSES
):
    "One film, uint8 (1024, 1024), and the boxes (x, y, width, height) in pixels around its opacities."
    p = pose(rng, patient, view, label)
    mu, patches = attenuation(rng, p, label)
    camera = _camera(rng, p)
    grey = np.clip(mu, 0, None)**rng.normal(1.15, .12)*p.contrast
    film = _shoot(255*np.tanh(1.35*grey), camera)
    film = film + _overlay(rng, p)*(1 - film/400)
    grain = np.frombuffer(rng.bytes(FILM*FILM), np.uint8).reshape(FILM, FILM) - np.float32(127.5)
    film += (grain + np.roll(grain, 1, 1))*rng.uniform(.015, .05)
    return np.clip(film, 0, 255).astype(np.uint8), [_box(patch, camera) for patch in patches]

def _dicom(path, film, patient, view):
    "Write a film as the release does: the age without its unit, the image's id for a name."
    import pydicom
    jpeg, ids = io.BytesIO(), [f'2.25.{uuid.uuid5(uuid.UUID(path.stem), kind).int}' for kind in ('image', 'study', 'series')]
    Image.fromarray(film).save(jpeg, 'JPEG', quality=88)
    ds = pydicom.Dataset()
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID, ds.SOPClassUID = pydicom.uid.JPEGBaseline8Bit, pydicom.uid.SecondaryCaptureImageStorage
    ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID = ids
    ds.PatientID = ds.PatientName = path.stem
    ds.PatientSex, ds.ViewPosition, ds.SeriesDescription = patient.sex, view, f'view: {view}'
    ds.add(pydicom.DataElement('PatientAge', 'AS', str(patient.age), validation_mode=pydicom.config.IGNORE))
    for name, value in HEADER.items(): setattr(ds, name, value)
    ds.PixelData = pydicom.encaps.encapsulate([jpeg.getvalue()])
    ds.save_as(path, enforce_file_format=True)

def _case(folder, seed, i, patient, visit):
    "Draw image i and write it: its id, NIH-like name, class and boxes."
    rng, anatomy = np.random.default_rng([seed, 0, i]), draw_patient(np.random.default_rng([seed, 1, patient]))
    label = np.random.default_rng([seed, 2, i//6]).permutation([0, 1, 2]*2)[i % 6]  # a third each, also in the smallest sets
    view, name = 'AP' if rng.random() < AP_SHARE[label] else 'PA', str(uuid.UUID(bytes=rng.bytes(16), version=4))
    film, boxes = radiograph(rng, anatomy, view, label)
    _dicom(folder/'stage_2_train_images'/f'{name}.dcm', film, anatomy, view)
    return name, f'{(7919*patient + 104729*seed) % 30805 + 1:08d}_{visit:03d}.png', CLASSES[label], boxes

def _cases(folder, n_images, seed, jobs):
    "Yields every case, in any order."
    from joblib import Parallel, cpu_count, delayed
    visits = np.random.default_rng([seed, 3]).choice(np.arange(1, 7), n_images, p=[.7, .16, .07, .04, .02, .01])
    plan = [(i, *pv) for i, pv in enumerate([(patient, visit) for patient, n in enumerate(visits) for visit in range(n)][:n_images])]
    if jobs == 1: yield from (_case(folder, seed, *row) for row in plan)
    else:
        pool = Parallel(jobs or cpu_count(), return_as='generator_unordered', initializer=end_with, initargs=(os.getpid(),))
        yield from pool(delayed(_case)(folder, seed, *row) for row in plan)

def _tables(folder, cases):
    "The release's two tables, one row a box, and its mapping to NIH names."
    rows = [(*case, box) for case in cases for box in case[3] or [None]]
    def table(name, header, lines):
        with open(folder/name, 'w', newline='') as f: csv.writer(f, lineterminator='\n').writerows([header, *lines])
    table('stage_2_train_labels.csv', ['patientId', 'x', 'y', 'width', 'height', 'Target'],
        [(name, *(map(float, box) if box else ['']*4), int(box is not None)) for name, _, _, _, box in rows])
    table('stage_2_detailed_class_info.csv', ['patientId', 'class'], [(name, kind) for name, _, kind, _, _ in rows])
    mapping = [dict(subset_img_id=name, img_id=nih) for name, nih, _, _ in cases]
    (folder/'pneumonia-challenge-dataset-mappings_2018.json').write_text(json.dumps(mapping, indent=0))
    (folder/'SYNTHETIC').write_text('Drawn by a program (pneumo_fastai): these are not radiographs of anyone.\n')

def write_demo(
    folder,         # must not exist yet; it appears whole or not at all
    n_images=400,   # of about 1.55 images a patient; a smaller set is the beginning of a larger one
    seed=0,         # the same seed writes the same bytes
    jobs=None,      # processes; None: one a core
    tick=None,      # called with no argument after each image, for a progress bar
):
    "Synthetic frontal chest radiographs in RSNA's Kaggle layout, a third of each class. Raises InputError if `folder` exists."
    folder = Path(folder)
    if n_images < 1: raise InputError(f'n_images is {n_images}; it must be at least 1')
    if folder.exists(): raise InputError(f'{folder} exists already; name a folder that does not')
    cases = []
    with whole(folder) as beside:
        (beside/'stage_2_train_images').mkdir(parents=True)
        for case in _cases(beside, n_images, seed, jobs):
            cases.append(case)
            if tick: tick()
        _tables(beside, sorted(cases))
