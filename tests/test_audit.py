"The audit as a process: what it prints, its figure and findings, and bad input."
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from pneumo_fastai.audit import audit
from pneumo_fastai.cli import parser_for, run
from pneumo_fastai.experiment import MIXED, ONE_IMAGE


def command(*args, cwd):
    done = subprocess.run([sys.executable, '-W', 'error', '-m', 'pneumo_fastai.audit', *map(str, args)], capture_output=True, text=True,
                          cwd=cwd, check=False)
    assert 'Traceback' not in done.stderr, done.stderr
    return done


@pytest.fixture(scope='module')
def made(films, tmp_path_factory):
    "(what was printed, the findings, where): class folders with a copy across classes, a broken and a constant file."
    here = tmp_path_factory.mktemp('here')
    shutil.copytree(films, here/'films')
    original = Image.open(here/'films'/'NORMAL'/'IM-0001-0000.png')
    original.resize((64, 64)).save(here/'films'/'PNEUMONIA'/'person900_virus_1.jpeg', quality=95)
    Image.fromarray(np.full((40, 60), 30, np.uint8)).save(here/'films'/'NORMAL'/'IM-0700-0001.png')
    (here/'films'/'NORMAL'/'IM-9999-0001.png').write_bytes(b'broken')
    done = command('--data', 'films', '--size', '64', '--cache', here/'cache', cwd=here)
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads((here/'audit.json').read_text()), here


@pytest.fixture
def few(films, tmp_path):
    "Five images of one class, in a folder films."
    (tmp_path/'films'/'NORMAL').mkdir(parents=True)
    for p in sorted((films/'NORMAL').iterdir())[:5]: shutil.copy(p, tmp_path/'films'/'NORMAL')
    return tmp_path


def test_what_was_planted_is_found_and_said(made, sound):
    out, found, _ = made
    sound(found)
    flat = ' '.join(out.split())
    assert found['images'] == 82 and found['rejected']['files'] == 1 and len(found['borders']['constant']) == 1
    assert (found['duplicates']['pairs'], found['duplicates']['across_labels']) == (1, 1)
    for words in ('1 across labels', 'person900_virus_1.jpeg', 'IM-9999-0001.png', 'constant: 1', 'audit.json', 'no image states it',
                  'not stated in any image: view, sex, age, detail'): assert words in flat
    border = found['shortcut']['image border']
    assert border['value'] is not None and border['low'] < .5 < border['high']     # the patch of the ill lies inside; at the edge is noise
    order = found['shortcut']['place in sorted names']     # 'IM' before 'patient'
    assert order['value'] > .95 and order['low'] > .8     # of 41 patients


def test_the_figure_is_a_page(made):
    with Image.open(made[2]/'audit.png') as image: assert image.format == 'PNG' and image.width > 1000 and image.height > 1000
    assert {p.name for p in made[2].iterdir()} == {'films', 'cache', 'audit.png', 'audit.json'}


def test_only_what_decides_pixels_and_splits_or_changes_an_image_is_an_option():
    values = parser_for(audit).parse(['--size', '64', '--no-any-view', '--valid', '.2'])
    own = {'data', 'exp', 'out', 'show', 'cache', 'labels', 'truth', 'worst'}
    assert set(values) == {*own, 'size', 'aspect', 'grey', 'any_view', 'valid', 'test', 'split_seed', 'held_out', *ONE_IMAGE}
    assert {'flip', 'erase'} < set(ONE_IMAGE) and not set(MIXED) & set(ONE_IMAGE)


def test_show_draws_what_training_sees(few, monkeypatch, capsys):
    monkeypatch.chdir(few)
    argv = '--data films --size 32 --cache cache --out x.png --show --rotate 10 --erase .5'.split()
    assert run(audit, argv) == 0
    assert 'x-augmented.png' in ' '.join(capsys.readouterr().out.split())
    with Image.open('x-augmented.png') as image: assert image.format == 'PNG' and image.width > 1000


def test_without_show_torch_is_not_loaded(few):
    code = "import sys; from pneumo_fastai.cli import run; from pneumo_fastai.audit import audit\n" \
           "assert run(audit) == 0 and not {'torch', 'fastai'} & set(sys.modules)"
    done = subprocess.run([sys.executable, '-c', code, '--data', 'films', '--size', '32', '--cache', 'cache', '--exp', 'augmented'],
                          capture_output=True, text=True, check=False, cwd=few)
    assert done.returncode == 0, done.stderr
    assert {p.name for p in few.iterdir()} == {'films', 'cache', 'audit.png', 'audit.json'}


def test_names_with_what_the_screen_takes_for_markup_are_shown_as_they_are(films, tmp_path, capsys):
    "Of files, folders, labels, classes and the figure."
    place = tmp_path/'z[/b]'/'films [red]'
    place.mkdir(parents=True)
    rows = ['path,label,patient,view,detail']
    for i, film in enumerate(sorted((films/'NORMAL').iterdir())[:12]):
        shutil.copy(film, place/f'[b]{i} $x_{{$.png')
        rows.append(f'[b]{i} $x_{{$.png,{i % 2},[/b]{i},PA,[/bold] $_{{$')
    rows += ['[/12].png,[/b],p,PA,', 'none[/b].png,1,p,LL,']
    (place/'manifest.csv').write_text('\n'.join(rows))
    argv = ['--data', place, '--size', '32', '--cache', tmp_path/'c[/b]', '--out', tmp_path/'z[/b]'/'a.png']
    assert run(audit, [str(o) for o in argv]) == 0
    flat = ' '.join(capsys.readouterr().out.split())
    for words in ('films [red]', 'z[/b]/a.png', "label '[/b]' is none of", 'none[/b].png', 'detail: [/bold] $_{$'): assert words in flat
    found = json.loads((tmp_path/'z[/b]'/'a.json').read_text())
    assert found['images'] == 12 and found['rejected']['files'] == 2


def test_one_class_of_few_images_is_looked_at_all_the_same(few, monkeypatch, capsys):
    monkeypatch.chdir(few)
    assert run(audit, ['--data', 'films', '--size', '32', '--cache', 'cache', '--out', 'x.png']) == 0
    flat = ' '.join(capsys.readouterr().out.split())
    for words in ('all 5 images are of one class', 'no splits', 'across splits not told', 'order: not told'): assert words in flat


@pytest.mark.parametrize('argv, says', [
    (['--out', 'audit.pdf'], ['audit.pdf', '.png']), (['--out', 'no/such/audit.png'], ['no/such']),
    (['--data', 'no/such'], ['no/such', 'exist']), (['--siez', '3'], ["'siez'", 'size']), (['--size', '3'], ['size', '32']),
    (['--epochs', '3'], ["'epochs'", 'split-seed']), (['--gradcam'], ["'gradcam'"]), (['--mixup', '.2'], ["'mixup'"]),
    (['--show'], ['baseline', 'no image by itself', '--exp augmented']), (['--erase', '.2'], ['--erase', '--show']),
    (['--out', 'no[/b]/a.png'], ['no[/b]', 'no folder']), (['--truth', 't.csv'], ['--truth', '--labels RUN']),
    (['--worst', '3'], ['--worst', '--labels RUN']), (['--labels', 'no/such'], ['no/such', 'fit --folds 5']),
    (['--labels', 'r', '--data', 'd'], ['--labels', 'leave out --data']), (['--labels', 'r', '--size', '64'], ['leave out', 'fields']),
    (['--labels', 'r', '--worst', '-1'], ['worst is -1', '0 for all']), (['--labels', 'r', '--out', 'l.png'], ['l.png', '.html']),
    (['--labels', 'r', '--truth', 'label_review.csv'], ['label_review.csv', 'overwritten', '--out'])])
def test_bad_input_gets_one_line_and_status_2(capsys, monkeypatch, tmp_path, argv, says):
    monkeypatch.chdir(tmp_path)
    assert run(audit, argv) == 2
    line = capsys.readouterr().err
    assert line.startswith('error: ') and line.count('\n') == 1 and all(word in line for word in says)
    assert not list(tmp_path.iterdir())


def test_labels_of_folds_are_reviewed(write_folds, tmp_path, monkeypatch, capsys):
    pytest.importorskip('cleanlab', reason='cleanlab is not installed')
    monkeypatch.chdir(tmp_path)
    write_folds(tmp_path/'cv')
    assert run(audit, ['--labels', 'cv', '--worst', '2']) == 0
    assert 'read label_review.html' in capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == ['cv', 'label_review.csv', 'label_review.html']


def test_nothing_readable_is_one_line(tmp_path, capsys):
    for name in ('NORMAL', 'PNEUMONIA'):
        (tmp_path/'films'/name).mkdir(parents=True)
        for i in range(3): (tmp_path/'films'/name/f'{i}.png').write_bytes(b'no')
    assert run(audit, ['--data', str(tmp_path/'films'), '--cache', str(tmp_path/'cache')]) == 2
    err = capsys.readouterr().err
    assert err.count('\n') == 1 and 'none of the 6 images can be read' in err


def test_help_is_there_without_the_libraries():
    code = "import sys, runpy; sys.argv = ['x', '--help']\n" \
           "try: runpy.run_module('pneumo_fastai.audit', run_name='__main__', alter_sys=True)\n" \
           "finally: print('loaded:', [o for o in ('torch', 'fastai', 'pandas', 'sklearn', 'matplotlib') if o in sys.modules])"
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and 'loaded: []' in done.stdout and 'lungs' in done.stdout
