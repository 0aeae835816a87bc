"A header of more elements than a film has is refused before it takes time and memory; one with large elements is not."
import struct
import zlib

import numpy as np
import pytest

from pneumo_fastai.data.decoding.dicom import UnreadableImage, read_film

GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)
ITEM, END = struct.pack('<HHL', 0xfffe, 0xe000, 0), struct.pack('<HHL', 0xfffe, 0xe0dd, 0)
MANY = 2**16
DEFLATED = '1.2.840.10008.1.2.1.99'


def sequence(tag, content, undefined): return struct.pack('<HH2sHL', *tag, b'SQ', 0, 2**32 - 1 if undefined else len(content)) + content


def empty(n): return b''.join(struct.pack('<HH2sH', 0x0029 + 2 * (i >> 16), i & 0xffff, b'LO', 0) for i in range(n))


def behind(path, more, deflated=False):
    "The file with more elements."
    raw = path.read_bytes()
    if deflated:
        start = raw.find(DEFLATED.encode()) + len(DEFLATED)
        deflate = zlib.compressobj(wbits=-15)
        raw, more = raw[:start], deflate.compress(zlib.decompress(raw[start:], -15) + more) + deflate.flush()
    path.write_bytes(raw + more)
    return path


VOI, VIEW, PRIVATE = (0x0028, 0x3010), (0x0054, 0x0220), (0x0029, 0x1000)
HEADERS = {
    'empty elements': empty(MANY), 'items of a VOI LUT': sequence(VOI, ITEM * MANY + END, True),
    'items of a private sequence': sequence(PRIVATE, ITEM * MANY + END, True),
    'elements of one item': sequence(VOI, struct.pack('<HHL', 0xfffe, 0xe000, 8 * MANY) + empty(MANY), False),
    'elements of one item of the view': sequence(VIEW, struct.pack('<HHL', 0xfffe, 0xe000, 8 * MANY) + empty(MANY), False)}


@pytest.mark.parametrize('syntax', ['1.2.840.10008.1.2.1', DEFLATED])
@pytest.mark.parametrize('name', HEADERS)
def test_more_elements_than_a_film_has_are_refused(saved, name, syntax):
    path = behind(saved(GREY, syntax=syntax), HEADERS[name], syntax == DEFLATED)
    with pytest.raises(UnreadableImage, match='more than 32768 data elements, items and fragments'): read_film(path)


def test_of_a_sequence_the_first_item_alone_is_parsed(saved):
    path = behind(saved(GREY), sequence(VIEW, ITEM * MANY, False))
    np.testing.assert_array_equal(read_film(path).pixels, GREY)


def test_sequences_in_sequences_are_not_followed(saved):
    "Each would hold a copy of all that is in it: 16 MB a thousand deep are 16 GB."
    nested = b''
    for _ in range(2000): nested = sequence(VOI, struct.pack('<HHL', 0xfffe, 0xe000, len(nested)) + nested, False)
    with pytest.raises(UnreadableImage, match='lookup table without its descriptor or data'): read_film(behind(saved(GREY), nested))


@pytest.mark.parametrize('syntax', ['1.2.840.10008.1.2.1', DEFLATED])
def test_large_and_many_are_read_as_far_as_films_have_them(saved, syntax):
    large = struct.pack('<HH2sHL', 0x0029, 0x1001, b'OB', 0, 10**7) + bytes(10**7)  # an icon, an overlay, a maker's own copy
    several = sequence((0x0040, 0x0555), ITEM * 1000 + END, True)
    path = behind(saved(GREY, syntax=syntax), empty(5000) + large + several, syntax == DEFLATED)
    np.testing.assert_array_equal(read_film(path).pixels, GREY)


@pytest.mark.parametrize('tag, key', [((0x0028, 0x1050), 'WindowCenter'), ((0x0010, 0x0020), 'PatientID'),
                                      ((0x0018, 0x5101), 'ViewPosition')])
def test_a_number_or_text_of_megabytes_is_refused(saved, tag, key):
    path = saved(GREY, syntax='1.2.840.10008.1.2')
    more = struct.pack('<HHL', *tag, 2 * 10**6) + b'1\\' * 10**6
    with pytest.raises(UnreadableImage, match=f'has a {key} of 2000000 bytes'): read_film(behind(path, more))


def test_a_deflated_data_set_that_is_cut_off(saved):
    path = saved(np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8), syntax=DEFLATED)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UnreadableImage, match='cut off within its deflated data set'): read_film(path)
