import json
import platform
import subprocess
import sys

import pytest

CODE = '''
import json, resource, sys
import torch
from pneumo_fastai import memory
def step(): torch.zeros(24, 2**20).relu() + 1  # 3 x 96 MiB
kept = [getattr(memory, how)() for how in sys.argv[1:]]
for _ in range(5): step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5): step()
print(json.dumps([kept, (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 5]))
'''


@pytest.mark.skipif(platform.libc_ver() < ('glibc', '2.35'), reason='another allocator than a recent glibc')
def test_a_step_takes_the_memory_of_the_one_before_it_unless_that_is_taken_back():
    def faults(*argv):
        return json.loads(subprocess.run([sys.executable, '-c', CODE, *argv], capture_output=True, text=True, check=True).stdout)

    (_, plain), (kept, ours), (back, again) = faults(), faults('keep_freed'), faults('keep_freed', 'as_it_comes')
    assert kept == [True] and plain > 100 and ours < plain / 10
    assert back == [True, True] and again > plain / 2
