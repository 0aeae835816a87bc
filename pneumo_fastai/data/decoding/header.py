"What a DICOM header says: the elements that are used, what kind of image it is, and whose, without a name."
import re
from functools import cache
from hashlib import sha256

import numpy as np

from ...errors import UnreadableImage
from .elements import check_length, first_item
from .lut import descriptor, words

MODALITIES = {'CR', 'DX', 'DR', 'RG', ''}  # projection radiography; some that take names away take the modality too
CONVERTED = {'OT', 'SC'}  # read where the header says that it is a chest
OTHERS = {'CT', 'MR', 'US', 'NM', 'PT', 'MG', 'XA', 'RF', 'SR', 'PR', 'KO', 'SEG', 'IO', 'PX', 'ES', 'ECG', 'RTSTRUCT', 'RTPLAN', 'RTDOSE'}
CHEST = ('CHEST', 'THORA', 'TORA', 'LUNG', 'PULM')
VIEWS = {'AP': 'AP', 'ANTERO': 'AP', 'ANTEROPOSTERIOR': 'AP', 'PA': 'PA', 'POSTERO': 'PA', 'POSTEROANTERIOR': 'PA', 'FRONTAL': 'frontal',
         'LL': 'LL', 'RL': 'RL', 'LLD': 'LLD', 'RLD': 'RLD', 'LLO': 'LLO', 'RLO': 'RLO', 'LAT': 'lateral', 'LATERAL': 'lateral',
         'OBLIQUE': 'oblique', 'DECUBITUS': 'decubitus'}
FRONTAL = ('AP', 'PA', 'frontal')


class Header(dict):
    "The elements that are used here, by keyword: a pydicom `Dataset` looks each up anew, which costs as much as the decoding."
    IN_ITEMS = 'LUTDescriptor', 'LUTData', 'CodeMeaning'
    KEYS = (*"""Rows Columns SamplesPerPixel PhotometricInterpretation PlanarConfiguration BitsAllocated BitsStored HighBit
        PixelRepresentation NumberOfFrames PixelData PixelPaddingValue PixelPaddingRangeLimit RescaleSlope RescaleIntercept
        ModalityLUTSequence VOILUTSequence WindowCenter WindowWidth VOILUTFunction PresentationLUTShape PixelSpacing ImagerPixelSpacing
        NominalScannedPixelSpacing PixelAspectRatio Modality BodyPartExamined ViewPosition ViewCodeSequence PatientSex PatientAge
        PatientID DirectoryRecordSequence""".split(), *(
        f'{part}PaletteColorLookupTable{end}' for part in ('Red', 'Green', 'Blue', 'SegmentedRed', 'SegmentedGreen', 'SegmentedBlue')
        for end in ('Descriptor', 'Data') if part[0] != 'S' or end == 'Data'))

    def __getattr__(self, key):
        try: return self[key]
        except KeyError: raise AttributeError(key) from None

    @classmethod
    def of(cls, data, keys=KEYS) -> 'Header':
        "Of a pydicom `Dataset`, or with `IN_ITEMS` of an item of a sequence: sequences in it are not followed."
        tags = _tags(keys)
        found = {tag: tags.get(int(tag)) for tag in data.keys()}  # a plain number is found sooner than a tag
        header = cls({key: _value(data, tag, key) for tag, key in found.items() if key})
        if 'PixelData' in header: header['PixelVR'] = data['PixelData'].VR
        return header


def _value(data, tag, key):
    "An element's value; of a sequence a list of its first item, a `Header`; of a lookup table its words."
    if key == 'PixelData': return data[tag].value
    element = data.get_item(tag)
    if key.endswith('Sequence'): return [Header.of(item, Header.IN_ITEMS)] if (item := first_item(element)) is not None else []
    if key.endswith('Descriptor'): return descriptor(element)
    if key.endswith('Data'): return words(element)
    check_length(element, key)
    return data[tag].value


@cache
def _tags(keys):
    from pydicom.datadict import tag_for_keyword
    return {tag_for_keyword(key): key for key in keys}


def refusal(ds) -> str|None:
    "Why a file is not what a chest model is for, or None: it says that it is no projection radiograph, no chest, or not frontal."
    return no_radiograph(ds) or next(iter(doubts(ds)), None)


def no_radiograph(ds) -> str|None:
    "Why a file is no projection radiograph of a chest whatever its view, by its modality, or None."
    modality = (text(ds.get('Modality')) or '').upper()
    if modality not in MODALITIES | CONVERTED:
        return f'is of modality {modality if modality in OTHERS else "unknown"}, not a projection radiograph (CR, DX, DR, RG)'
    if modality in CONVERTED and not of_chest(ds):
        return f'is {modality} (converted from something else) and does not say that it is a chest'
    return None


def doubts(ds) -> tuple[str, ...]:
    "What a radiograph says of itself that a model of frontal chest radiographs was not made for: another part of the body, another view."
    elsewhere = 'says that it is of another part of the body than the chest' if of_chest(ds) is False else None
    return tuple(filter(None, (elsewhere, not_frontal(view(ds)))))


def of_chest(ds) -> bool|None:
    "Whether BodyPartExamined says a chest; None where it says nothing."
    part = (text(ds.get('BodyPartExamined')) or '').upper()
    return any(o in part for o in CHEST) if part else None


def not_frontal(seen) -> str|None:
    "Why an image of this view is refused, or None."
    return None if seen in (None, *FRONTAL) else f'says that its view is {seen}, not frontal'


def view(ds) -> str|None:
    "ViewPosition, or the meaning of the view's code, as `view_in` says it."
    codes = ds.get('ViewCodeSequence')
    return view_in(text(ds.get('ViewPosition')) or (text(codes[0].get('CodeMeaning')) if codes else None) or '')


def view_in(said) -> str|None:
    "A text's view as a word of `VIEWS`; 'other' for a word that is not there, None where there is none."
    words = re.findall('[A-Z]+', said.upper())
    if not words or words[0] in ('UNKNOWN', 'NONE'): return None
    known = [VIEWS[w] for w in words if w in VIEWS]
    return next((v for v in known if v not in FRONTAL), known[0] if known else 'other')


def tall(ds) -> float:
    "How many times as high as wide a pixel is: PixelSpacing, ImagerPixelSpacing or PixelAspectRatio (rows first), or 1."
    for key in ('PixelSpacing', 'ImagerPixelSpacing', 'NominalScannedPixelSpacing', 'PixelAspectRatio'):
        values = ds.get(key)
        if values is None or isinstance(values, str) or len(values) != 2: continue
        down, across = map(float, values)
        if not (down > 0 and across > 0): continue  # written for 'unknown' by some
        if not 0.1 <= down / across <= 10: raise UnreadableImage('', f'says its pixels are {down / across:.3g} times as high as wide')
        return down / across
    return 1.


def millimetres(ds) -> float:
    "PixelSpacing, or else ImagerPixelSpacing (PS3.3 10.7.1.3): from row to row of the stored pixels, in mm; NaN where neither says."
    for key in ('PixelSpacing', 'ImagerPixelSpacing'):
        values = ds.get(key)
        if values is None or isinstance(values, str) or len(values) != 2: continue
        if 0 < float(values[0]) < np.inf: return float(values[0])
    return np.nan


def text(value) -> str|None:
    "A header's text, or None where it is empty."
    return str(value).strip() or None if value is not None else None


def years(age) -> float:
    "PatientAge in years: '051Y', '006M', '03W', '10D', and '51' as RSNA writes it; NaN for anything else."
    found = re.fullmatch(r'(\d{1,5})([YMWD]?)', str(age or '').strip())
    return int(found[1]) / {'Y': 1, '': 1, 'M': 12, 'W': 52.18, 'D': 365.25}[found[2]] if found else np.nan


def hashed(identifier) -> str|None:
    "A PatientID as 16 hexadecimal digits of its SHA-256: the same patient is the same, and is not named."
    return sha256(str(identifier).encode(errors='replace')).hexdigest()[:16] if identifier else None
