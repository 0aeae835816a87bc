"""Images that are one picture, found in two steps that scale: a 64-bit hash names candidates, a correlation of the fine structure confirms.

Radiographs of different patients are alike in everything coarse, so both look at what is left when that is taken away: a 64 x 64 picture
less its own 16 x 16 version, each 8 x 8 field divided by its spread. The hash is the signs of 64 random projections of it (Charikar 2002):
a bit differs with probability arccos(r)/pi for two pictures that correlate by r."""
import numpy as np
import pandas as pd

from .borders import blocks

SIDE, COARSE, FIELD = 64, 16, 8
BITS = 10       # the most that may differ between candidates; r = 0.92 gives 8.2 on average
ALIKE = 0.85    # least correlation of a pair
"""Chosen on real films. Of different patients: at most 0.73 in 1.2 million pairs of adults' films and 0.74 in 13.6 million of children's;
0.79 among the candidates of 356 million pairs of adults' films, shifted and mirrored up to RSNA's number.
Of a film and itself as JPEG of quality 40, at two thirds or 64 pixels, 30 grey levels lighter, of contrast 0.7, of gamma 0.6 or with a
white square burnt in: 0.95 at least; histogram equalised: 0.92. Of
1,521 adults' films and their copies that are all equalised, or all by tiles, 0.73 at most and 0.92 at least."""
CHUNK = 256     # rows of the pair matrix, and thousands of candidates, at a time


def shrink(n, size) -> np.ndarray:
    "(n, size) float32: rows average `size` pixels over n equal stretches."
    edges, i = np.linspace(0, size, n + 1), np.arange(size)
    overlap = np.minimum(edges[1:, None], i + 1) - np.maximum(edges[:-1, None], i)
    return (overlap.clip(0) * n / size).astype(np.float32)


def spread(x, k): return x.repeat(k, 1).repeat(k, 2)


def fields(x, n):
    "Means over n x n fields."
    k = x.shape[1] // n
    return x.reshape(len(x), n, k, n, k).mean((2, 4))


def structure(images) -> np.ndarray:
    "(k, 4096) float32 of length 1, or 0 where an image has no structure: what tells a picture (k, h, w) from others of its kind."
    small = shrink(SIDE, images.shape[1]) @ images.astype(np.float32) @ shrink(SIDE, images.shape[2]).T
    x = small - spread(fields(small, COARSE), SIDE//COARSE)
    x = (x / (1 + spread(np.sqrt(fields(x*x, FIELD)), SIDE//FIELD))).reshape(len(x), -1)    # 1 grey level keeps noise in black small
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-3)


def hashes(structures) -> np.ndarray:
    "uint64 for each row of `structure`."
    directions = np.random.default_rng(0).normal(size=(structures.shape[1], 64)).astype(np.float32)
    return np.packbits(structures.astype(np.float32) @ directions > 0, axis=1).view(np.uint64).ravel()


def candidates(codes, bits=BITS):
    "(pairs, 2) positions i < j whose 64-bit codes differ in at most `bits` bits. All pairs are compared: 356 million take seconds."
    found = [np.empty((0, 2), int)]
    for start in range(0, len(codes), CHUNK):
        near = np.bitwise_count(codes[start:start + CHUNK, None] ^ codes[None, start:]) <= bits
        i, j = np.nonzero(near)
        found.append(np.stack([i, j], 1)[i < j] + start)
    return np.concatenate(found)


def correlation(structures, pairs):
    parts = [np.einsum('ij,ij->i', *(structures[some[:, k]].astype(np.float32) for k in (0, 1)))
             for some in np.array_split(pairs, 1 + len(pairs)//(4*CHUNK))]
    return np.concatenate(parts)


def duplicate_pairs(pixels, paths, aspect, tick=None) -> pd.DataFrame:
    """Pairs of images that are one picture: columns a, b (positions in `paths`), correlation and identical (every cached pixel), the most
    alike first. A copy that is cropped by more than a per cent, turned or mirrored is not found; a constant image is no picture."""
    structures = np.zeros((len(paths), SIDE*SIDE), np.float16)
    for some, images in blocks(pixels, paths, aspect, tick): structures[some] = structure(images)
    real = np.flatnonzero(structures.any(1))
    pairs = real[candidates(hashes(structures[real]))]
    r = correlation(structures, pairs)
    pairs, r = pairs[r >= ALIKE], r[r >= ALIKE]
    same = [np.array_equal(pixels[paths[a]], pixels[paths[b]]) for a, b in pairs]
    r = np.where(same, 1, r.clip(max=1)).astype(float)
    found = pd.DataFrame(dict(a=pairs[:, 0], b=pairs[:, 1], correlation=r, identical=np.array(same, bool)))
    return found.sort_values(['correlation', 'a', 'b'], ascending=[False, True, True], ignore_index=True)


def groups(pairs) -> list[list[int]]:
    "Positions joined by pairs, directly or by way of others; the largest first."
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    if not len(pairs): return []
    names, code = np.unique(pairs[['a', 'b']].to_numpy(), return_inverse=True)
    code = code.reshape(-1, 2)
    of = connected_components(coo_array((np.ones(len(code)), code.T), shape=(len(names),)*2), directed=False)[1]
    return sorted((names[of == g].tolist() for g in range(of.max() + 1)), key=lambda g: (-len(g), g))
