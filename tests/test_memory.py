import json
import platform
import subprocess
import sys

import pytest

CODE = '''
import json, resource, sys
import torch
from pneumo_fastai.memory import keep_freed
kept = keep_freed() if len(sys.argv) > 1 else False
def step(): torch.zeros(24, 2**20).relu() + 1  # 3 x 96 MiB
for _ in range(5): step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5): step()
print(json.dumps([kept, (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 5]))
'''


@pytest.mark.skipif(platform.libc_ver() < ('glibc', '2.35'), reason='another allocator than a recent glibc')
def test_a_step_takes_the_memory_of_the_one_before_it():
    def faults(*argv):
        return json.loads(subprocess.run([sys.executable, '-c', CODE, *argv], capture_output=True, text=True, check=True).stdout)

    (_, plain), (kept, ours) = faults(), faults('keep')
    assert kept and plain > 100 and ours < plain / 10
