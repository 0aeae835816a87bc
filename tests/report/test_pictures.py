"A picture that is not whole is said to be so where it would stand."
import numpy as np
import pytest
from PIL import Image

from pneumo_fastai.cli import run
from pneumo_fastai.evaluate import evaluate
from pneumo_fastai.report.pictures import damage

NOISE = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)


def flipped(data): return data[:600] + bytes([data[600] ^ 1]) + data[601:]


@pytest.mark.parametrize('name, by', [('gradcam.png', 'gradcam RUN'), ('attention.png', 'fit'), ('attention.gif', 'fit')])
def test_whole_cut_and_garbled(tmp_path, name, by):
    frames = [Image.fromarray(np.roll(NOISE, k, 0)) for k in range(3)]
    frames[0].save(tmp_path/name, **dict(save_all=True, append_images=frames[1:]) if name.endswith('gif') else {})
    data = (tmp_path/name).read_bytes()
    assert damage(tmp_path/name) == ''
    for spoilt in (data[:len(data) // 2], b'no picture', b'', *[flipped(data)] * name.endswith('png')):
        (tmp_path/name).write_bytes(spoilt)
        assert damage(tmp_path/name).startswith(f'{name} is damaged') and f'{by} writes it anew' in damage(tmp_path/name)


def test_the_page_says_it_and_shows_the_rest(new_run, undrawn):
    folder = new_run()
    for name in ('top_losses.png', 'attention.png'): Image.fromarray(NOISE).save(folder/name)
    (folder/'attention.png').write_bytes(b'x' + (folder/'attention.png').read_bytes())
    assert run(evaluate, [str(folder), '--n-boot', '5']) == 0
    page = (folder/'report.html').read_text()
    assert page.count('is damaged and not shown here') == 1 and 'attention.png is damaged' in page
