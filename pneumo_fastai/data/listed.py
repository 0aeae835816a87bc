"The images that a command was given: a file, a folder, or a list of paths."
import os
import sys
from pathlib import Path

from ..errors import InputError
from .cohort import images_in


def images_named(
    place,  # an image file or folder; '@FILE', a text file with a path a line; or '-', such lines from standard input
) -> tuple[list[str], int]:
    """What `images_in` says of a file or folder. Of a list: its paths, absolute and in its order, whatever is there: the decoder says why
    one cannot be read. Raises InputError where there is none."""
    if place == '-': return listed(sys.stdin.buffer.read(), 'standard input'), 0
    if not str(place).startswith('@'): return images_in(place)
    try: return listed(Path(place[1:]).expanduser().read_bytes(), place[1:]), 0
    except OSError as e:
        raise InputError(f'{place[1:]} cannot be read ({e.strerror}); give a file with a path a line, or ./{place} for that name') from e


def listed(raw, name) -> list[str]:
    "The paths in a list's bytes; blank lines and a byte order mark are passed over."
    paths = paths_in(raw, os.getcwd())
    if not paths: raise InputError(f'{name} holds no path; give one a line')
    return paths


def paths_in(
    raw,   # lines of a list, the whole of each
    base,  # the folder that relative paths start from
) -> list[str]:
    lines = os.fsdecode(raw.removeprefix(b'\xef\xbb\xbf')).split('\n')
    lines = (line.removesuffix('\r') for line in lines)
    return [os.path.normpath(os.path.join(base, os.path.expanduser(line))) for line in lines if line.strip()]
