"Pictures that lie in a run's folder: whether each is whole."
from pathlib import Path

from PIL import Image, ImageSequence

from ..runs.files import anew


def damage(path) -> str:
    "Why a picture cannot be shown, and what writes it anew; empty where it is whole: PNG by its checksums, all frames of a GIF."
    try:
        with Image.open(path) as image: image.verify()
        with Image.open(path) as image:
            for frame in ImageSequence.Iterator(image): frame.load()
    except Exception:  # Pillow raises all kinds
        return f'{Path(path).name} is damaged and not shown here; {anew(path)}.'
    return ''
