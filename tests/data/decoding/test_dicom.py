"From a file to a `Film`: what is read, what is refused and why, and what is kept to itself."
import logging
import traceback
import warnings
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image

from pneumo_fastai.data.decoding import dicom, elements, files
from pneumo_fastai.data.decoding.dicom import Film, UnreadableImage, read_film, read_square, square

GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)
FILES = Path(pydicom.__file__).parent/'data'/'test_files'


def reason(path, **kwargs):
    with pytest.raises(UnreadableImage) as e: read_film(path, **kwargs)
    assert e.value.path == str(path) and e.value.reason and str(e.value) == f'{path}: {e.value.reason}'
    return e.value.reason


def test_jpeg_baseline_is_what_pillow_decodes(shared):
    from pydicom.encaps import get_frame
    path = sorted((shared/'rsna-16'/'stage_2_train_images').iterdir())[0]
    ds = pydicom.dcmread(path)
    jpeg = np.asarray(Image.open(BytesIO(get_frame(ds.PixelData, 0, number_of_frames=1))))
    film = read_film(path)
    np.testing.assert_array_equal(film.pixels, jpeg)
    assert (film.view, film.sex, film.age) == (ds.ViewPosition, ds.PatientSex, float(ds.PatientAge))
    assert (film.height, film.width, film.scale, film.frames, film.tall) == (1024, 1024, 'stored bits', 1, 1)
    assert film.patient and ds.PatientID not in film.patient


def test_a_reduced_film_keeps_the_files_height_and_width(shared):
    path = sorted((shared/'rsna-16'/'stage_2_train_images').iterdir())[0]
    film = read_square(path, 224)[1]
    assert (film.height, film.width) == (1024, 1024) and film.pixels.shape == (512, 512)


def said(image):
    try: return read_square(image, 48, any_view=True)[0]
    except UnreadableImage as e: return e.reason


@pytest.mark.parametrize('touched', [False, True])
def test_a_data_set_is_read_as_its_file_is(touched):
    pictures = 0
    for path in sorted(FILES.glob('*.dcm')):
        with warnings.catch_warnings(action='ignore'):
            data = pydicom.dcmread(path, force=True)
            if touched and 'PixelData' in data: str(data)  # pydicom then has each element as a value
        want, got = said(path), said(data)
        np.testing.assert_array_equal(got, want, err_msg=path.name)
        pictures += not isinstance(want, str)
    assert pictures > 40


def test_a_data_set_that_never_was_a_file(dataset):
    ds = dataset(GREY, Modality='CR', PatientName='DOE^JOHN')
    np.testing.assert_array_equal(read_film(ds).pixels, GREY)
    del ds.file_meta
    np.testing.assert_array_equal(read_film(ds).pixels, GREY)  # little endian, as what is in memory is
    del ds.PixelData
    with pytest.raises(UnreadableImage, match='the data set: has no pixel data'): read_film(ds)


def test_a_window_that_is_no_straight_line_is_applied_before_the_resize(dataset, saved):
    x = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    frame = imagecodecs.jpeg8_encode(x, level=100)
    steep = dict(WindowCenter=128, WindowWidth=20, syntax='1.2.840.10008.1.2.4.50', frames=[frame])
    pixels, film = read_square(saved(x, **steep), 64)
    np.testing.assert_array_equal(pixels, square(read_film(saved(x, **steep)).pixels, 64))
    assert film.pixels.shape == (512, 512)


@pytest.mark.parametrize('preamble, meta', [(True, True), (False, True), (False, False)])
@pytest.mark.parametrize('syntax', ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1'])
def test_files_without_preamble_or_file_meta(dataset, tmp_path, preamble, meta, syntax):
    ds = dataset(GREY, syntax=syntax, Modality='CR')
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = '1.2.840.10008.5.1.4.1.1.1'
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = '1.2.3'
    ds.save_as(tmp_path/'a.dcm', enforce_file_format=True)
    raw = (tmp_path/'a.dcm').read_bytes()
    start = 0 if preamble else 132 if meta else 144 + int.from_bytes(raw[140:144], 'little')
    (tmp_path/'a.dcm').write_bytes(raw[start:])
    np.testing.assert_array_equal(read_film(tmp_path/'a.dcm').pixels, GREY)


@pytest.mark.parametrize('header, says', [
    (dict(Modality='CT'), 'is of modality CT, not a projection radiograph'),
    (dict(Modality='DOE^JOHN'), 'is of modality unknown'),
    (dict(Modality='OT'), 'does not say that it is a chest'),
    (dict(Modality='DX', BodyPartExamined='HAND'), 'another part of the body'),
    (dict(Modality='CR', ViewPosition='LL'), 'view is LL, not frontal'),
    (dict(Modality='DX', ViewPosition='LATERAL'), 'view is lateral, not frontal'),
    (dict(Modality='DX', ViewPosition='DOE JOHN'), 'view is other, not frontal')])
def test_what_says_that_it_is_no_frontal_chest_is_refused_unless_asked_for(saved, header, says):
    with warnings.catch_warnings(action='ignore'): path = saved(GREY, **header)
    assert says in reason(path) and 'DOE' not in reason(path)
    np.testing.assert_array_equal(read_film(path, any_view=True).pixels, GREY)
    assert read_square(path, 16, 'pad', True)[0].shape == (16, 16)


@pytest.mark.parametrize('header, said', [
    (dict(Modality='DX', BodyPartExamined='HAND'), ['says that it is of another part of the body than the chest']),
    (dict(Modality='OT', BodyPartExamined='CHEST', ViewPosition='LL'), ['says that its view is LL, not frontal']),
    (dict(BodyPartExamined='SKULL', ViewPosition='LATERAL'), ['says that it is of another part of the body than the chest',
                                                              'says that its view is lateral, not frontal']),
    (dict(Modality='CR', BodyPartExamined='CHEST', ViewPosition='PA'), []), (dict(Modality='CT'), None), (dict(Modality='OT'), None)])
def test_a_radiograph_that_speaks_against_itself_is_read_with_its_doubts_where_asked_for_and_a_ct_is_not(saved, header, said):
    path = saved(GREY, **header)
    if said is None:
        with pytest.raises(UnreadableImage, match=r'is of modality CT|is OT'): read_square(path, 16, doubtful=True)
        return
    pixels, film = read_square(path, 16, doubtful=True)
    assert list(film.doubts) == said
    np.testing.assert_array_equal(pixels, read_square(saved(GREY), 16)[0])


@pytest.mark.parametrize('header', [{}, dict(Modality='CR', BodyPartExamined='CHEST', ViewPosition='PA'),
                                    dict(Modality='DX', ViewPosition=''), dict(Modality='DR'), dict(ViewPosition='AP_SUPINE'),
                                    dict(Modality='RG', BodyPartExamined='PORT CHEST'), dict(Modality='OT', BodyPartExamined='THORAX'),
                                    dict(ViewPosition='UNKNOWN')])
def test_what_says_nothing_against_it_is_read(saved, header): np.testing.assert_array_equal(read_film(saved(GREY, **header)).pixels, GREY)


def test_pydicoms_other_files_are_refused_for_what_they_are():
    wanted = {'CT_small.dcm': 'CT', 'test-SR.dcm': 'SR', 'MR_small.dcm': 'MR', 'rtdose.dcm': 'RTDOSE', 'dicomdirtests/DICOMDIR': 'DICOMDIR',
              'dicomdirtests/DICOMDIR-bigEnd': 'DICOMDIR', 'liver_1frame.dcm': 'SEG', 'examples_palette.dcm': 'US'}
    for name, word in wanted.items(): assert f' {word}' in reason(FILES/name), name
    assert 'no pixel data' in reason(FILES/'test-SR.dcm', any_view=True)
    assert '8130 bytes of pixels, and 8192' in reason(FILES/'MR_truncated.dcm', any_view=True)
    assert 'has BitsAllocated 32, where 8 or 16 would be read' in reason(FILES/'rtdose.dcm', any_view=True)
    assert 'has BitsAllocated 1, where 8 or 16 would be read' in reason(FILES/'liver_1frame.dcm', any_view=True)
    assert 'has no Rows' in reason(FILES/'meta_missing_tsyntax.dcm', any_view=True)


@pytest.mark.parametrize('header, says', [
    (dict(BitsStored=12), 'BitsStored 12, where 1 to 8 would be read'), (dict(HighBit=6), 'HighBit 6, where 7 would be read'),
    (dict(SamplesPerPixel=2), 'SamplesPerPixel 2, where 1 or 3 would be read'), (dict(BitsAllocated=None), 'has no BitsAllocated'),
    (dict(NumberOfFrames=20200102), 'a NumberOfFrames that cannot be read')])
def test_a_number_that_is_not_read_is_said_unless_it_could_name_a_patient(saved, header, says):
    assert says in reason(saved(GREY, **header)) and '20200102' not in reason(saved(GREY, **header))


def bad_files(folder, good, dataset):
    raw, x = good.read_bytes(), np.zeros((4, 4), np.uint8)
    no_pixels, ls = dataset(x), imagecodecs.jpegls_encode(x)
    del no_pixels.PixelData
    for name, d in {'no_pixels': no_pixels, 'huge': dataset(x, Rows=65000, Columns=65000), 'large': dataset(x, Rows=9000, Columns=9000),
                    'wrong_length': dataset(x, Rows=40), 'no_rows': dataset(x, Rows=0), 'bits': dataset(x, BitsStored=12),
                    'frames': dataset(x, NumberOfFrames=3),
                    'fragments': dataset(x, syntax='1.2.840.10008.1.2.4.80', frames=[ls], NumberOfFrames=2),
                    'cut_codestream': dataset(x, syntax='1.2.840.10008.1.2.4.80', frames=[ls[:20]]),
                    'no_codestream': dataset(x, syntax='1.2.840.10008.1.2.4.90', frames=[bytes(100)]),
                    'unknown_syntax': dataset(x, syntax='1.2.840.10008.1.2.4.100', frames=[ls]),
                    'samples': dataset(x, SamplesPerPixel=2), 'photometric': dataset(x, photometric='DOE'),
                    'thin': dataset(x, PixelSpacing=[1, 99])}.items():
        d.save_as(folder/f'{name}.dcm', enforce_file_format=False)
    (folder/'truncated.dcm').write_bytes(raw[:len(raw) // 2])
    (folder/'empty.dcm').write_bytes(b'')
    (folder/'text.dcm').write_text('patient: Doe^John\n' * 20)
    (folder/'cut.png').write_bytes(b'\x89PNG\r\n\x1a\n' + b'x' * 40)
    (folder/'huge.png').write_bytes(png_that_claims(100_000, 100_000))
    (folder/'large.png').write_bytes(png_that_claims(9_000, 9_000))
    (folder/'large.jpg').write_bytes(jpeg_that_claims(60_000, 60_000))
    return sorted(folder.iterdir())


def png_that_claims(width, height):
    import zlib
    f = BytesIO()
    Image.fromarray(GREY).save(f, 'PNG')
    raw = bytearray(f.getvalue())
    raw[16:24] = width.to_bytes(4, 'big') + height.to_bytes(4, 'big')
    raw[29:33] = zlib.crc32(raw[12:29]).to_bytes(4, 'big')
    return bytes(raw)


def jpeg_that_claims(width, height):
    raw = imagecodecs.jpeg8_encode(GREY)
    at = raw.index(b'\xff\xc0')
    return raw[:at + 5] + height.to_bytes(2, 'big') + width.to_bytes(2, 'big') + raw[at + 9:]


def test_whatever_the_bytes_one_exception_with_the_file_and_a_reason(tmp_path, shared, dataset):
    good = sorted((shared/'rsna-16'/'stage_2_train_images').iterdir())[0]
    for path in [*bad_files(tmp_path, good, dataset), tmp_path/'absent.dcm', tmp_path]:
        assert 'Doe' not in reason(path) and 'DOE' not in reason(path), path
    for name in ('huge.dcm', 'large.dcm', 'large.png'): assert ' x ' in reason(tmp_path/name)
    for name in ('large.jpg', 'huge.png'): assert 'more than 100000000 pixels' in reason(tmp_path/name)
    assert '2 frames and holds 1' in reason(tmp_path/'fragments.dcm')


def test_a_deflated_data_set_that_inflates_without_end(dataset, saved, monkeypatch):
    path = saved(dataset(np.zeros((1500, 1000), np.uint8), syntax='1.2.840.10008.1.2.1.99'))
    assert path.stat().st_size < 5000 and read_film(path).pixels.shape == (1500, 1000)
    monkeypatch.setattr(elements, 'MAX_PIXELS', 700_000)
    assert 'inflates to more than 1400000 bytes' in reason(path)


SECRETS = dict(PatientName='Doe^John', PatientID='4711-secret', PatientBirthDate='19610203', StudyDate='20200102',
               AccessionNumber='A998877', StudyInstanceUID='1.2.3.44556677', InstitutionName='Mercy', ReferringPhysicianName='House^G')


def leaks(text): return [o for o in map(str, SECRETS.values()) if o in text or o.replace('^', ' ') in text]


@pytest.mark.parametrize('spoilt', [
    {}, dict(PatientAge='forty-two years of age'), dict(Modality='Doe^John'), dict(ViewPosition='Doe^John'), dict(PatientSex='Doe^John'),
    dict(PhotometricInterpretation='Doe^John'), dict(VOILUTFunction='Doe^John', WindowCenter=1, WindowWidth=5),
    dict(WindowCenter='19610203', WindowWidth='-19610203'), dict(BodyPartExamined='Doe^John'), dict(NumberOfFrames=20200102),
    dict(PixelSpacing=[19610203, 1]), dict(RescaleSlope='A998877')])
def test_nothing_of_a_patient_leaves_the_reader(dataset, tmp_path, spoilt, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings(action='ignore'):
        ds = dataset(GREY, **SECRETS)
        for k, v in spoilt.items():
            if k == 'RescaleSlope': ds.add_new(k, 'LO', v)
            else: setattr(ds, k, v)
        ds.save_as(tmp_path/'a.dcm', enforce_file_format=False)
    caplog.clear()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter('always')
        try: said = repr(read_film(tmp_path/'a.dcm'))
        except UnreadableImage: said = traceback.format_exc()
    assert not seen and not leaks(said) and not leaks(caplog.text) and not leaks(''.join(capfd.readouterr()))


def test_bytes_are_read_as_the_file_that_holds_them(saved, tmp_path):
    path = saved(GREY, ViewPosition='PA')
    for raw in (path.read_bytes(), b'', b'PK\3\4', b'<svg onload="alert(1)"/>', b'\x80\4\x95pickle'):
        path.write_bytes(raw)
        try: film = read_film(path)
        except UnreadableImage as e:
            with pytest.raises(UnreadableImage) as found: read_square(raw, 8)
            assert (found.value.path, found.value.reason) == ('the file', e.reason)
        else: np.testing.assert_array_equal(read_film(raw).pixels, film.pixels)


def test_training_and_inference_share_the_decoder(saved):
    pixels, film = read_square(saved(GREY), 32, 'stretch')
    np.testing.assert_array_equal(pixels, square(film.pixels, 32, 'stretch'))


def test_a_file_is_opened_once(saved, monkeypatch):
    opened, path = [], saved(GREY)
    monkeypatch.setattr(files, 'open', lambda *a, **k: opened.append(a) or open(*a, **k), raising=False)
    assert isinstance(read_square(path, 16)[1], Film) and len(opened) == 1


def test_a_file_too_large_to_be_a_film_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(dicom, 'MAX_BYTES', 1000)
    (tmp_path/'a.dcm').write_bytes(bytes(1001))
    assert 'larger than 1000 bytes' in reason(tmp_path/'a.dcm')


def test_threads_leave_the_warnings_and_the_log_as_they_were(saved):
    from concurrent.futures import ThreadPoolExecutor
    with warnings.catch_warnings(action='ignore'): path = saved(GREY, Modality='doe^john')
    before, log = list(warnings.filters), logging.getLogger('pydicom')
    with ThreadPoolExecutor(8) as pool: films = list(pool.map(lambda _: read_film(path, any_view=True), range(200)))
    assert len(films) == 200 and warnings.filters == before and not log.disabled
