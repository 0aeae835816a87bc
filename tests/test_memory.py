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


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver() < ('glibc', '2.35'), reason='another allocator than a recent glibc')
def test_a_step_takes_the_memory_of_the_one_before_it_unless_that_is_taken_back():
    def faults(*argv):
        return json.loads(subprocess.run([sys.executable, '-c', CODE, *argv], capture_output=True, text=True, check=True).stdout)

    (_, plain), (kept, ours), (back, again) = faults(), faults('keep_freed'), faults('keep_freed', 'as_it_comes')
    assert kept == [True] and plain > 100 and ours < plain / 10
    assert back == [True, True] and again > plain / 2


def test_free_pages_between_blocks_in_use_go_back():
    code = '''
import torch
from pneumo_fastai.memory import give_back, keep_freed, resident
keep_freed()
blocks = [torch.ones(2**18) for _ in range(200)]  # 1 MiB each
full = resident()
del blocks[1::2]  # none of the holes is at the end
held = resident()
print(give_back(), full, held, resident())
'''
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout.split()
    trimmed, full, held, after = done[0], *map(int, done[1:])
    assert trimmed == 'True' and full > 200 * 2**20
    assert held > full - 2**20 and 90 * 2**20 < held - after < 110 * 2**20
