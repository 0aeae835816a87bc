"Many images, simulated: a sparse file, and a cohort's table as `prepare` leaves it."
import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
CODE = '''
import json, resource, sys, time, zlib
import numpy as np, pandas as pd, torch
from pneumo_fastai.data.cache import Pixels
from pneumo_fastai.data.prepare import Prepared, deciding
from pneumo_fastai.experiment import Experiment
from pneumo_fastai.memory import keep_freed
from pneumo_fastai.training.loaders import get_dls
from pneumo_fastai.training.learner import get_learner
from pneumo_fastai.benchmarks.rates import clocked

n, size, file = int(sys.argv[1]), 224, sys.argv[2] + '/images.npy'
array = np.lib.format.open_memmap(file, 'w+', np.uint8, (n, size, size))
array[::n // 999] = film = np.random.default_rng(0).integers(0, 256, (size, size)).astype(np.uint8)
sums = np.full(n, zlib.crc32(bytes(size * size)))
sums[::n // 999] = zlib.crc32(film)
k, paths = range(n), [f'/films/{i:07}.dcm' for i in range(n)]
table = pd.DataFrame(dict(path=paths, label=[i % 2 for i in k], patient=[f'p{i // 3}' for i in k], view='AP', age=50., sex='F', detail='',
                          split=[('valid', 'test', *['train'] * 18)[i % 20] for i in k], boxes=[[]] * n))
pixels = Pixels(np.load(file, mmap_mode='r'), pd.DataFrame(dict(row=k, crc=sums, reason=None), index=paths), None)
experiment = Experiment(size=size, flip=.5, rotate=10., brightness=.2, contrast=.2)
cohort = Prepared('large', 'manifest', table, pd.DataFrame(columns=['path', 'reason']), pixels=pixels, made_for=deciding(experiment))
del array, paths, pixels, sums
keep_freed()
start = time.perf_counter()
dls = get_dls(experiment, cohort, device='cpu')
batches = iter(dls.train)
next(batches)
first, start = time.perf_counter() - start, time.perf_counter()
for _ in range(20): next(batches)
batch = (time.perf_counter() - start) / 20
del batches
if len(sys.argv) > 3: clocked(get_learner(experiment, dls, sys.argv[2]), 1)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(dict(first=first, batch=batch, megabytes=peak, notes=dls.cohort.notes)))
'''


def measured(n, folder, *fit):
    command = [sys.executable, '-W', 'ignore', '-c', CODE, str(n), str(folder), *fit]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_million_images_start_soon_stay_small_and_cost_no_more_a_step(tmp_path):
    (tmp_path/'few').mkdir()
    many, few = measured(1_000_000, tmp_path, 'fit'), measured(1000, tmp_path/'few', 'fit')
    assert many['first'] < 10 and many['megabytes'] - few['megabytes'] < 512  # a training step alone takes 1.0 to 1.4 GB, by machine
    assert many['batch'] < 2 * few['batch'] + .005
    assert '10000 of the 900000' in many['notes'][0] and not few['notes']
