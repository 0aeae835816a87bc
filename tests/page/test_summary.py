from datetime import datetime
from io import BytesIO

import pydicom

from pneumo_fastai.page.answer import answer
from pneumo_fastai.page.picture import look
from pneumo_fastai.page.summary import summary


def made(subject, name, raw):
    found = answer(subject.model, name, raw)
    return summary(subject, found, look(raw, found.film, subject.recipe), datetime(2026, 1, 2))


def test_it_is_one_file_that_loads_nothing_and_takes_no_markup_from_a_name(subject, raw):
    page = made(subject, '<script>alert(1)</script>.png', raw)
    assert '&lt;script&gt;alert(1)&lt;/script&gt;.png' in page and '<script' not in page
    assert "default-src 'none'" in page and 'http://' not in page and 'https://' not in page and page.count('data:image/jpeg') == 2
    assert 'For research and education, not for diagnosis.' in page and 'Of 100 such images' in page and '2026-01-02' in page
    assert subject.bundle.identity[:16] in page


def test_it_holds_no_patient(subject):
    ds = pydicom.Dataset()
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = '1.2.840.10008.1.2.1'
    ds.update(dict(Rows=40, Columns=60, SamplesPerPixel=1, PhotometricInterpretation='MONOCHROME2', BitsAllocated=8, BitsStored=8,
                   HighBit=7, PixelRepresentation=0, Modality='CR', PatientName='Secret^Name', PatientID='ID4711', PatientSex='F',
                   PatientBirthDate='19010203'))
    ds.add_new('PixelData', 'OB', bytes(range(240)) * 10)
    ds.save_as(buffer := BytesIO())
    page = made(subject, 'a.dcm', buffer.getvalue())
    assert '<dd>F</dd>' in page
    for secret in ('Secret', 'ID4711', '19010203'): assert secret not in page
