"""Lookup tables: modality and VOI (PS3.3 C.11.1.1.1, C.11.2.1.1), palette (C.7.6.3.1.5 and .6) and segmented palette (C.7.9.2). They are
read from the words of the file, so that US, SS and OW, implicit and explicit VR are one."""
import numpy as np

from ...errors import UnreadableImage

MOST = 2**17  # words: twice the largest table, for one in segments may be longer than what it stands for
DISCRETE, LINEAR, INDIRECT = 0, 1, 2  # kinds of segment


def words(element) -> np.ndarray:
    "The 16-bit words of an element, int64, unsigned as entries always are."
    value = [] if element.value is None else element.value
    if isinstance(value, bytes):
        order = '<' if getattr(element, 'is_little_endian', True) else '>'
        value = np.frombuffer(value, f'{order}u2', min(len(value) // 2, MOST))
    return np.array(value, np.int64, ndmin=1) & 0xffff


def descriptor(element) -> np.ndarray:
    "(number of entries, first value mapped, bits an entry); the second has a sign where the element says SS."
    described = words(element)
    if element.VR == 'SS': described[1:2] = (described[1:2] ^ 0x8000) - 0x8000
    return described


def look_up(
    x,               # values of any size
    described,       # of `descriptor`
    data,            # of `words`; or None, where there is
    segmented=None,  # `words` in segments
) -> np.ndarray:
    "The entry for each of `x`, int64: below the first value mapped the first entry, above the last one the last."
    data, segmented = (o if o is not None and len(o) else None for o in (data, segmented))
    if described is None or len(described) != 3 or (data is None and segmented is None):
        raise UnreadableImage('', 'has a lookup table without its descriptor or data')
    n, first, bits = map(int, described)
    n = n or 2**16
    if first >= 2**15 and x.min() < 0: first -= 2**16  # implicit VR does not say, and some write US: a sign where what is looked up has one
    if not 1 <= bits <= 16: raise UnreadableImage('', f'has a lookup table with entries of {bits} bits, 1 to 16 are read')
    entries = expanded(segmented, n, bits) if data is None else unpacked(data, n, bits)
    if entries.max() >= 2**bits: raise UnreadableImage('', f'has a lookup table with entries above its {bits} bits')
    return entries[np.clip(np.rint(x) - first, 0, n - 1).astype(np.int64)]


def share(x, described, *data) -> np.ndarray:
    "`look_up`, of the highest entry that its bits allow: 0 to 1."
    return look_up(x, described, *data) / (2.**described[2] - 1)


def unpacked(data, n, bits) -> np.ndarray:
    "`n` entries: one a word, or of 8 bits two a word."
    if len(data) >= n: return data[:n]
    if bits <= 8 and 2 * len(data) >= n: return halves(data)[:n]
    raise UnreadableImage('', f'has a lookup table of {n} entries of {bits} bits in {2 * len(data)} bytes')


def halves(data): return np.stack([data & 0xff, data >> 8], 1).ravel()  # the less significant first


def expanded(data, n, bits) -> np.ndarray:
    "The `n` entries of a segmented table. Its codes are as wide as its entries, 8 or 16 bits."
    size, codes = (1, halves(data)) if bits <= 8 else (2, data)
    entries, at = [], 0
    while len(entries) < n and at + 1 < len(codes):
        if codes[at] != INDIRECT: at = append(entries, codes, at)
        else: at = append_copies(entries, codes, at, size, n)
    if len(entries) < n: raise UnreadableImage('', f'has a segmented palette that ends after {len(entries)} of its {n} entries')
    return np.array(entries[:n], np.int64)


def append(entries, codes, at) -> int:
    "Append the discrete or linear segment at `at`; returns where the next begins."
    kind, length = taken(codes, at, 2)
    if kind not in (DISCRETE, LINEAR): raise UnreadableImage('', 'has a segmented palette with a segment of an unknown kind')
    if not length: raise UnreadableImage('', 'has a segmented palette with a segment without entries')
    values = taken(codes, at + 2, length if kind == DISCRETE else 1)
    if kind == LINEAR and not entries: raise UnreadableImage('', 'has a segmented palette that begins with a line')
    entries.extend(values if kind == DISCRETE else np.rint(np.linspace(entries[-1], values[0], length + 1)[1:]))
    return at + 2 + len(values)


def append_copies(entries, codes, at, size, n) -> int:
    "Append the segments that the indirect one at `at` names, until there are `n` entries; returns where the next begins."
    count, *offset = taken(codes, at + 1, 1 + 4 // size)
    source = sum(int(o) << 8 * size * i for i, o in enumerate(offset)) // size  # in bytes, the less significant part first
    for _ in range(count):
        if len(entries) >= n: break
        source = append(entries, codes, source)  # which refuses an indirect one, as the standard does
    return at + 2 + len(offset)


def taken(codes, at, n) -> np.ndarray:
    if at + n > len(codes): raise UnreadableImage('', 'has a segmented palette that is cut off')
    return codes[at:at + n]
