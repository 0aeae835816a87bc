"DICOM bytes -> pydicom's elements, no more of them than a radiograph has: each costs thousands of times its bytes in time and memory."
import zlib
from io import BytesIO

from ...errors import UnreadableImage
from .codecs import DEFLATED, MAX_PIXELS, NATIVE

IMPLICIT, EXPLICIT, BIG = NATIVE[:3]
MOST = 2**16  # reads of up to 8 bytes: of an element one or two, of a fragment two, of an item three; a radiograph has some hundreds
LONGEST = 2**16  # bytes of a number or text


class Counted(BytesIO):
    "Bytes in which only so many elements, items and fragments may be begun."
    def __init__(self, raw):
        super().__init__(raw)
        self.left = MOST

    def read(self, n=-1):
        if n is not None and 0 <= n <= 8:
            self.left -= 1
            if self.left < 0: raise TooMany
        return super().read(n)


class TooMany(Exception): "More elements than a radiograph has."


def counted(read, raw):
    "What `read` makes of the bytes; raises `UnreadableImage` where they begin too many of them."
    file = Counted(raw)
    try: return read(file)
    except Exception:  # pydicom makes another exception of some
        if file.left >= 0: raise
        raise UnreadableImage('', f'has more than {MOST // 2} data elements, items and fragments') from None


def parse(raw):
    "A pydicom `Dataset` of a file's bytes, and its transfer syntax."
    import pydicom
    if not raw: raise UnreadableImage('', 'is empty')
    if DEFLATED.encode() in raw[:1024]: raw = inflated(raw)
    data = counted(lambda file: pydicom.dcmread(file, force=True), raw)  # files without the 128-byte preamble are in circulation
    return data, data.file_meta.get('TransferSyntaxUID') or bare_syntax(data)


def written(data, keys) -> bytes:
    "A file of those elements of a pydicom `Dataset`: as the file had them that it was read from, to the byte, where nobody changed them."
    import pydicom
    said, known = getattr(data, 'file_meta', {}).get('TransferSyntaxUID'), None not in data.original_encoding
    syntax = pydicom.uid.UID(said or (bare_syntax(data) if known else EXPLICIT))
    tags = {pydicom.datadict.tag_for_keyword(key) for key in (*keys, 'SpecificCharacterSet')}
    found = [data.get_item(tag) for tag in data.keys() if tag in tags]
    bare = syntax != IMPLICIT and any(e.is_raw and e.VR is None for e in found)  # some files are implicit and say explicit
    kept = pydicom.Dataset({e.tag: data[e.tag] if bare else e for e in found})
    kept.set_original_encoding(*data.original_encoding, data.original_character_set)
    kept.file_meta = pydicom.dataset.FileMetaDataset()
    kept.file_meta.TransferSyntaxUID = syntax
    pydicom.dcmwrite(file := BytesIO(), kept, implicit_vr=syntax == IMPLICIT, little_endian=syntax != BIG)
    return file.getvalue()


def inflated(raw) -> bytes:
    """The same file with its data set as it was before it was deflated (PS3.5 annex A.5). Raises `UnreadableImage` where that grows beyond
    any image: pydicom inflates without a bound."""
    start = 144 + int.from_bytes(raw[140:144], 'little') if raw[132:136] == b'\2\0\0\0' else raw.find(DEFLATED.encode()) + len(DEFLATED)
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    data = inflate.decompress(raw[start:], 2 * MAX_PIXELS)
    if inflate.unconsumed_tail: raise UnreadableImage('', f'inflates to more than {2 * MAX_PIXELS} bytes')
    if not inflate.eof: raise UnreadableImage('', 'is cut off within its deflated data set')
    return raw[:start].replace(DEFLATED.encode(), EXPLICIT.ljust(len(DEFLATED), '\0').encode()) + data


def bare_syntax(data) -> str:
    "The transfer syntax of a data set without the file meta header: whichever of the native ones pydicom found it to be in."
    if 'PixelData' not in data: raise UnreadableImage('', 'is not DICOM, PNG or JPEG, or has neither transfer syntax nor pixel data')
    if data['PixelData'].is_undefined_length: raise UnreadableImage('', 'has compressed pixels and no transfer syntax')
    implicit, little = data.original_encoding
    return IMPLICIT if implicit else EXPLICIT if little else BIG


def first_item(element):
    "The first item of a sequence, a `Dataset`, or None where there is none. The others are not parsed where that can be helped."
    if not element.value: return None
    if not isinstance(element.value, bytes): return element.value[0]  # of undefined length: parsed with the file
    from pydicom.filereader import read_sequence_item
    return counted(lambda file: read_sequence_item(file, element.is_implicit_VR, element.is_little_endian, 'iso8859'), element.value)


def check_length(element, key):
    "Raise `UnreadableImage` for a number or text that is longer than any: made into values it takes a hundred times its bytes."
    if isinstance(element.value, bytes) and len(element.value) > LONGEST:
        raise UnreadableImage('', f'has a {key} of {len(element.value)} bytes')
