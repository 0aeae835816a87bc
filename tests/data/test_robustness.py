"""Real files with bytes flipped, cut, spliced and zeroed: the reader gives an image or `UnreadableImage`, in time and in memory.
MUTATIONS=20000 MUTATIONS_SEED=1 pytest tests/data/test_robustness.py runs more, and others."""
import faulthandler
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

CASES, SEED = int(os.environ.get('MUTATIONS', '2000')), int(os.environ.get('MUTATIONS_SEED', '0'))
SECONDS, MEMORY = 20, 2**30  # for one file; above what the process has before the first


def mutate(raw, other, rng) -> bytes:
    "`raw` with one to four faults; half of them lie in the first 2 KB, where the headers are."
    raw = bytearray(raw)
    for _ in range(rng.integers(1, 5)):
        if len(raw) < 4: break
        at = int(rng.integers(min(len(raw), 2048) if rng.random() < 0.5 else len(raw)))
        n = int(2**rng.uniform(0, 9))
        match rng.choice(['flip', 'byte', 'cut', 'splice', 'zero', 'ones', 'delete', 'repeat'], p=[.25, .25, .1, .1, .1, .1, .05, .05]):
            case 'flip': raw[at] ^= 1 << int(rng.integers(8))
            case 'byte': raw[at] = int(rng.integers(256))
            case 'cut': del raw[at:]
            case 'splice': raw[at:at + n] = other[(start := int(rng.integers(len(other)))):start + n]
            case 'zero': raw[at:at + min(n, 8)] = bytes(min(n, 8))
            case 'ones': raw[at:at + min(n, 8)] = b'\xff' * min(n, 8)
            case 'delete': del raw[at:at + n]
            case 'repeat': raw[at:at] = raw[at:at + n]
    return bytes(raw)


def attack(folder, start, cases):
    "Read `cases` mutated files under a memory limit; prints what came of them, and before each its number, in case it is the last."
    import resource

    from pneumo_fastai.data.decoding.dicom import UnreadableImage, read_film, read_square
    sources = [p.read_bytes() for p in sorted(folder.glob('source-*'))]
    for p in sorted(folder.glob('source-*')):  # every codec is loaded before the limit is set
        try: read_film(p, any_view=True)
        except UnreadableImage: pass
    used = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    memory, counts, slowest = os.memfd_create('victim'), {'read': 0, 'refused': 0}, 0.
    victim = f'/proc/self/fd/{memory}'
    for case in range(start, start + cases):
        rng = np.random.default_rng([SEED, case])
        os.ftruncate(memory, 0)
        os.pwrite(memory, mutate(sources[case % len(sources)], sources[rng.integers(len(sources))], rng), 0)
        print(case, flush=True)
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        began = time.perf_counter()
        try:
            pixels = read_square(victim, 64, any_view=True)[0] if case % 2 else read_film(victim, any_view=True).pixels
            assert pixels.dtype == np.uint8 and pixels.ndim == 2 and pixels.size
            counts['read'] += 1
        except UnreadableImage: counts['refused'] += 1
        slowest = max(slowest, time.perf_counter() - began)
    faulthandler.cancel_dump_traceback_later()
    print(json.dumps(counts | {'slowest': slowest}))


def sources(folder, dataset, shared):
    "Files to spoil: radiographs, pydicom's small files, and one of each syntax and kind of picture."
    import imagecodecs
    import pydicom
    from PIL import Image
    y, x = np.mgrid[0:96, 0:80]
    grey = ((np.sin(x / 9) * np.cos(y / 7) + 1) * 127).astype(np.uint8)
    deep = grey.astype(np.uint16) * 16
    made = {50: (grey, imagecodecs.jpeg8_encode(grey)), 51: (deep, imagecodecs.jpeg8_encode(deep, bitspersample=12)),
            70: (deep, imagecodecs.jpeg8_encode(deep, lossless=True, predictor=1, bitspersample=12)),
            80: (deep, imagecodecs.jpegls_encode(deep)), 81: (grey, imagecodecs.jpegls_encode(grey, level=3)),
            90: (deep, imagecodecs.jpeg2k_encode(deep, codecformat='J2K', reversible=True)),
            91: (grey, imagecodecs.jpeg2k_encode(grey, codecformat='J2K', level=40)),
            201: (deep, imagecodecs.htj2k_encode(deep, reversible=True)),
            203: (grey, imagecodecs.htj2k_encode(grey, reversible=False, level=0.01))}
    for n, (pixels, frame) in made.items():
        ds = dataset(pixels, 8 if pixels is grey else 12, syntax=f'1.2.840.10008.1.2.4.{n}', frames=[frame], Modality='DX')
        ds.save_as(folder/f'source-{n}.dcm', enforce_file_format=False)
    for name in ('L.png', 'P.png', 'L.jpg', 'RGB.jpg'): Image.fromarray(grey).convert(name.split('.')[0]).save(folder/f'source-{name}')
    files = Path(pydicom.__file__).parent/'data'/'test_files'
    for path in [p for p in files.glob('*.dcm') if p.stat().st_size < 40_000] + [files/'dicomdirtests'/'DICOMDIR']:
        (folder/f'source-{path.name}').write_bytes(path.read_bytes())
    for path in sorted((shared/'rsna-16'/'stage_2_train_images').iterdir())[:8]:
        (folder/f'source-{path.name}').write_bytes(path.read_bytes())


@pytest.mark.skipif(sys.platform != 'linux', reason='the memory limit is read and set as Linux does it')
def test_no_fault_in_a_file_crashes_hangs_or_fails_otherwise(tmp_path, dataset, shared):
    import pneumo_fastai
    sources(tmp_path, dataset, shared)
    environment = os.environ | {'PYTHONPATH': str(Path(pneumo_fastai.__file__).parents[1]), 'OMP_NUM_THREADS': '1'}
    command = [sys.executable, '-W', 'error', __file__, tmp_path, '0', str(CASES)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    last = done.stdout.split('\n')[-2]
    assert done.returncode == 0, f'seed {SEED}, case {last}, status {done.returncode}: {done.stderr[-2000:]}'
    result = json.loads(last)
    assert result['read'] + result['refused'] == CASES and min(result['read'], result['refused']) > CASES / 10
    assert result['slowest'] < SECONDS / 4


if __name__ == '__main__': attack(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
