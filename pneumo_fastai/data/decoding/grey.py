"The grayscale pipeline of PS3.3 C.11 and PS3.4 N.2, computed once a stored value, not once a pixel."
import numpy as np

from ...errors import UnreadableImage
from .lut import look_up, share

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R 601
LOW, HIGH = 0.005, 0.995  # the share of the pixels below black and below white, where a file has no window


def stored_values(ds) -> np.ndarray:
    "Every value that BitsStored and PixelRepresentation allow, in order."
    bits = ds.BitsStored
    if not 1 <= bits <= 16: raise UnreadableImage('', f'has {int(bits)} bits a pixel, 1 to 16 are read')
    return np.arange(2**bits) - (2**(bits - 1) if ds.PixelRepresentation else 0)


def cell_order(ds, itemsize) -> np.ndarray:
    "The place in `stored_values` of each unsigned cell of `itemsize` bytes. Bits beside the stored ones are no image (PS3.5 8.1.1)."
    sign = 2**(ds.BitsStored - 1) if ds.PixelRepresentation else 0
    below = max(ds.HighBit + 1 - ds.BitsStored, 0)
    return (np.arange(2**(8 * itemsize)) >> below & (2**ds.BitsStored - 1)) ^ sign  # two's complement, its sign bit flipped, is in order


def palette_levels(ds) -> np.ndarray:
    "uint8 luminance (ITU-R 601) for each of `stored_values` of PALETTE COLOR."
    keys = [[f'{colour}PaletteColorLookupTable{end}' for end in ('Descriptor', 'Data')] + [f'Segmented{colour}PaletteColorLookupTableData']
            for colour in ('Red', 'Green', 'Blue')]
    rgb = np.stack([share(stored_values(ds), *map(ds.get, of)) for of in keys], 1)
    return np.round(rgb @ LUMA * 255).astype(np.uint8)


def scale_of(ds) -> str:
    "What decides which value is black and which white: 'voi lut', 'window', 'stored bits' (8 bits or fewer), or 'percentiles'."
    if ds.get('VOILUTSequence'): return 'voi lut'
    if _first(ds.get('WindowCenter')) is not None and _first(ds.get('WindowWidth')) is not None: return 'window'
    return 'stored bits' if ds.BitsStored <= 8 else 'percentiles'


def grey_levels(ds, counts=None) -> np.ndarray:
    """uint8 for each of `stored_values`: modality LUT or rescale, VOI LUT or the first window, presentation LUT shape, MONOCHROME1 last;
    padding is black. `counts`: pixels that have each value, which 'percentiles' needs."""
    x, padded, scale = modality(ds), padding(ds), scale_of(ds)
    if scale == 'voi lut': y = share(x, *table(ds.VOILUTSequence))
    elif scale == 'window': y = window(x, _first(ds.WindowCenter), _first(ds.WindowWidth), ds.get('VOILUTFunction') or 'LINEAR')
    else: y = between(x, *((x.min(), x.max()) if scale == 'stored bits' else percentiles(x, np.where(padded, 0, counts))))
    inverse = ds.PhotometricInterpretation == 'MONOCHROME1' or ds.get('PresentationLUTShape') == 'INVERSE'  # two words for one thing in DX
    if inverse: y = 1 - y
    if not np.isfinite(y).all(): raise UnreadableImage('', 'has a window or lookup table with numbers that are not finite')
    return np.where(padded, 0, np.round(255 * np.clip(y, 0, 1))).astype(np.uint8)


def modality(ds) -> np.ndarray:
    "`stored_values` after the modality LUT or rescale (C.11.1), float64."
    x, slope, intercept = stored_values(ds).astype(np.float64), _first(ds.get('RescaleSlope')), _first(ds.get('RescaleIntercept'))
    if ds.get('ModalityLUTSequence'): x = look_up(x, *table(ds.ModalityLUTSequence)).astype(np.float64)
    elif slope is not None and intercept is not None: x = x * slope + intercept
    if not np.isfinite(x).all() or x.min() == x.max(): raise UnreadableImage('', 'has a rescale or modality LUT that leaves no image')
    return x


def table(sequence) -> tuple:
    "Descriptor and data of the first lookup table, of several."
    return sequence[0].get('LUTDescriptor'), sequence[0].get('LUTData')


def padding(ds) -> np.ndarray:
    "Which of `stored_values` are padding: PixelPaddingValue, to PixelPaddingRangeLimit where there is one (C.7.5.1.1.2)."
    value, limit, values = ds.get('PixelPaddingValue'), ds.get('PixelPaddingRangeLimit'), stored_values(ds)
    if value is None: return np.zeros(len(values), bool)
    ends = np.array([value, value if limit is None else limit], np.int64)
    if ds.PixelRepresentation: ends = (ends + 2**15) % 2**16 - 2**15  # written as US by some
    return (values >= ends.min()) & (values <= ends.max())


def window(x, centre, width, function='LINEAR') -> np.ndarray:
    "VOI window to 0..1, PS3.3 C.11.2.1.2 and C.11.2.1.3."
    if not (width >= 1 or (width > 0 and function != 'LINEAR')): raise UnreadableImage('', 'has a window without a width')
    if function == 'SIGMOID': return 1 / (1 + np.exp(np.clip(-4 * (x - centre) / width, -700, 700)))
    if function == 'LINEAR_EXACT': return between(x, centre - width / 2, centre + width / 2)
    if function == 'LINEAR': return np.clip((x - (centre - 0.5)) / max(width - 1, 1e-12) + 0.5, 0, 1)
    raise UnreadableImage('', 'has a VOI LUT function that is not LINEAR, LINEAR_EXACT or SIGMOID')


def percentiles(x, counts) -> tuple[float, float]:
    "The values of `x` below which LOW and HIGH of the pixels lie; `counts` pixels have each."
    order = np.argsort(x, kind='stable')
    below = np.cumsum(counts[order])
    if not below[-1]: raise UnreadableImage('', 'holds nothing but padding')
    return tuple(x[order][np.searchsorted(below, share * below[-1], side='right').clip(max=len(x) - 1)] for share in (LOW, HIGH))


def sampled(x, n) -> np.ndarray:
    "How many pixels have each of `n` cells, of a quarter of a million in rows and columns that far apart: they say as much as all."
    step = max(1, int((x.size / 2**18)**0.5))
    return np.bincount(x[::step, ::step].ravel(), minlength=n)


def between(x, low, high): return np.clip((x - low) / max(high - low, 1e-12), 0, 1)


def straight(levels) -> bool:
    "Whether the pipeline is a straight line, so that it may follow a resize as well as precede it."
    return bool(np.abs(levels - np.linspace(levels[0], levels[-1], len(levels))).max() <= 1)


def _first(value):
    "The first of a header's numbers, or None where it has none."
    values = [value] if isinstance(value, (str, int, float)) else list(value or [])
    return float(values[0]) if values and values[0] not in ('', None) else None
