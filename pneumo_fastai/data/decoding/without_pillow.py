"""What Pillow does to a grey image, in numpy alone, for a place where Pillow is not installed: a hundred times slower, to the bit the same
but where `resized` says."""
import re
import struct

import numpy as np

from ...errors import UnreadableImage
from .codecs import markers

ZIGZAG = sorted(np.ndindex(8, 8), key=lambda at: (sum(at), at[sum(at) % 2 == 0]))
HALVES = {  # the first half of the pixels from 8 frequencies, in 1/8192: the reduced inverse transforms of libjpeg (its jidctred.c)
    2: [[16384, 20995, 15137, 7373, 0, -4926, -6270, -4176], [16384, 8697, -15137, -17799, 0, 11893, 6270, -1730]],
    4: [[32768, 29692, 0, -10426, 0, 6967, 0, -5906]], 8: [[65536, 0, 0, 0, 0, 0, 0, 0]]}


def reduced(
    frame,  # a JPEG of 8 bits and one sample
    by,     # 2, 4 or 8
) -> np.ndarray:
    "`codecs.reduced`, (rows, columns) uint8; raises `UnreadableImage` for a progressive one."
    quantised, codes, every = {}, {}, 0
    for marker, at in markers(frame):
        body = frame[at + 4:at + 2 + int.from_bytes(frame[at + 2:at + 4], 'big')]
        if marker == 0xc2: raise UnreadableImage('', 'holds a progressive JPEG, which takes Pillow to read: pip install pillow')
        if marker in (0xc0, 0xc1): (rows, columns), table = struct.unpack_from('>HH', body, 1), body[8]
        if marker == 0xdb: quantised |= dict(quantisation(body))
        if marker == 0xc4: codes |= dict(huffman(body))
        if marker == 0xdd: every = int.from_bytes(body, 'big')
        if marker == 0xda: break
    down, across = -(-rows // 8), -(-columns // 8)
    blocks = np.zeros((down * across, 8, 8))
    found = scan(frame[at + 4 + len(body):], codes[body[2] >> 4], codes[16 + (body[2] & 15)], down * across, every)
    blocks[(slice(None), *zip(*ZIGZAG, strict=True))] = found * quantised[table]
    small = inverse(blocks.reshape(down, across, 8, 8), by).swapaxes(1, 2)
    return small.reshape(8 // by * down, -1)[:-(-rows // by), :-(-columns // by)]


def quantisation(body):
    "Yields number and table of a segment (T.81 B.2.4.1), in zigzag order."
    while body:
        kind, size = ('>u2', 128) if body[0] >> 4 else ('u1', 64)
        yield body[0] & 15, np.frombuffer(body[1:1 + size], kind).astype(np.int64)
        body = body[1 + size:]


def huffman(body):
    "Yields number, from 16 on for all but the first coefficient, and table of a segment: length and symbol by the next 16 bits (B.2.4.2)."
    while body:
        lengths = [n for n, count in enumerate(body[1:17], 1) for _ in range(count)]
        symbols = body[17:17 + len(lengths)]
        yield body[0], [o for o in zip(lengths, symbols, strict=True) for _ in range(2**(16 - o[0]))]
        body = body[17 + len(lengths):]


def scan(data, first, rest, n, every):
    "(n, 64) coefficients of the blocks, quantised and in zigzag order (F.2.2); they begin anew after each `every` blocks unless that is 0."
    out, parts = np.zeros((n, 64), np.int64), re.split(rb'\xff[\xd0-\xd7]', data)
    every = every or n
    for i, part in zip(range(0, n, every), parts, strict=False):
        places, values = coefficients(part.replace(b'\xff\0', b'\xff'), first, rest, min(every, n - i))
        out.reshape(-1)[64 * i + np.array(places)] = values
        out[i:i + every, 0] = out[i:i + every, 0].cumsum()
    return out


def coefficients(data, first, rest, blocks):
    "Where `blocks` blocks have coefficients that are not 0, and which; the first of each is the difference from that of the block before."
    data = np.frombuffer(data + bytes(8), np.uint8).astype(np.int64)
    words, at = sum(data[i:len(data) - 3 + i] << 24 - 8 * i for i in range(4)).tolist(), 0  # 32 bits from each byte on
    places, values = [], []
    for start in range(0, 64 * blocks, 64):
        k, table = 0, first
        while k < 64:
            length, symbol = table[words[at >> 3] >> 16 - (at & 7) & 0xffff]
            at += length
            run, size = symbol >> 4, symbol & 15
            if table is rest and not size and run < 15: break
            k += run
            if size:
                value = (words[at >> 3] >> 16 - (at & 7) & 0xffff) >> 16 - size
                places.append(start + k)
                values.append(value if value >> size - 1 else value + 1 - (1 << size))
                at += size
            k, table = k + 1, rest
    return places, values


def inverse(coefficients, by):
    "(..., 8, 8) coefficients -> (..., 8/by, 8/by) uint8, by libjpeg's integers, which float64 holds exactly."
    half, bits = np.array(HALVES[by], np.float64), 11 + by.bit_length() - 1
    m = np.concatenate([half, half[::-1] * ([1, -1] * 4)])[:8 // by] if by < 8 else half
    x = np.floor((m @ coefficients + 2**(bits - 1)) / 2**bits)
    return (np.floor((x @ m.T + 2**(bits + 6)) / 2**(bits + 7)) + 128).clip(0, 255).astype(np.uint8)


def resized(
    pixels,  # (rows, columns) uint8
    to,      # (width, height)
    box,     # (left, top, right, bottom) of what is seen, in its pixels
    gap,     # see `resize.GAP`
) -> np.ndarray:
    """`Image.resize(to, BILINEAR, box, reducing_gap=gap)`. Rows are made shorter first and then columns; from Pillow 13 on it does so with
    tall images the other way round: there a level may differ by one, from rounding between."""
    (left, top, right, bottom), (rows, columns) = box, pixels.shape
    (down, y, tops), (across, x, lefts) = first(top, bottom, rows, to[1], gap), first(left, right, columns, to[0], gap)
    pixels = means(pixels[slice(*tops), slice(*lefts)], down, across)
    return filtered(filtered(pixels.T, *x, to[0]).T, *y, to[1])


def first(low, high, n, to, gap):
    "How many of `n` pixels become one before the filter, where what is seen lies among those means, and the part that they are made of."
    by = int((high - low) / to / gap) or 1
    if by == 1: return 1, (low, high), (0, n)
    beside = .5 * (high - low) / to
    start, end = max(0, int(low - beside)), min(n, int(np.ceil(high + beside)))
    return by, ((low - start) / by, (high - start) / by), (start, end)


def means(pixels, down, across):
    "Of cells of `down` x `across` pixels, those at the end smaller, rounded as `Image.reduce` rounds."
    rows, columns = np.arange(0, pixels.shape[0], down), np.arange(0, pixels.shape[1], across)
    n = np.outer(np.diff(rows, append=pixels.shape[0]), np.diff(columns, append=pixels.shape[1]))
    sums = np.add.reduceat(np.add.reduceat(pixels.astype(np.int64), rows, 0), columns, 1)
    return ((sums + n // 2) * (2**24 // n) >> 24).astype(np.uint8)


def filtered(pixels, low, high, to):
    "The rows from `low` to `high` as `to` rows, by a triangle filter whose weights are whole in 1/2**22: exact in float64."
    low, high = np.float32(low), np.float32(high)  # as Pillow hands them on
    scale = float(high - low) / to
    centre = float(low) + (np.arange(to)[:, None] + .5) * scale
    weight = np.clip(1 - abs((np.arange(len(pixels)) - centre + .5) / max(scale, 1)), 0, None)
    weight = np.floor(weight / weight.sum(1, keepdims=True) * 2**22 + .5)
    return np.floor((weight @ pixels + 2**21) / 2**22).clip(0, 255).astype(np.uint8)
