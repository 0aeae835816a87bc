import shutil

import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.report.marked import BEGIN, END
from pneumo_fastai.study import study

pytestmark = pytest.mark.usefixtures('undrawn')
FEW = ['--n-boot', '20']


@pytest.fixture(scope='module')
def runs(tmp_path_factory, write_trained):
    here = tmp_path_factory.mktemp('made')/'runs'
    for seed in (0, 1): write_trained(here/f'w{seed}', seed=seed, size=64, epochs=2)
    return here


def test_a_page_gets_the_tables_between_its_marks_and_the_figure_beside_it(runs, tmp_path, capsys):
    page = tmp_path/'README.md'
    page.write_text(f'# Mine\n{BEGIN}\n{END}\nwords\n')
    assert run(study, [str(runs), '--page', str(page), *FEW]) == 0
    text, screen = page.read_text(), ' '.join(capsys.readouterr().out.split())
    assert text.startswith(f'# Mine\n{BEGIN}\n') and text.endswith(f'{END}\nwords\n') and '| weighted | 2 |' in text
    assert {p.name for p in tmp_path.iterdir()} == {'README.md', 'auroc_minutes.png'}
    assert 'From 2 finished trainings' in screen and 'films, 64 px, 2 epochs' in screen and 'written:' in screen
    assert run(study, [str(runs), '--page', str(page), *FEW]) == 0 and page.read_text() == text


def test_without_a_page_a_folder_is_made(runs, measured_elsewhere, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(measured_elsewhere[1], tmp_path/'there')
    assert run(study, [str(runs), 'there', *FEW]) == 0
    assert {p.name for p in (tmp_path/'study').iterdir()} == {'study.md', 'auroc_minutes.png'}
    assert 'measured' in (screen := capsys.readouterr().out) and 'evaluation elsewhere' in ' '.join(screen.split())
    assert run(study, [str(runs), '--out', 'deep/er', *FEW]) == 0 and (tmp_path/'deep'/'er'/'study.md').is_file()


def test_what_is_kept_makes_the_same_page(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(study, [str(runs), '--out', 'one', '--keep', 'kept.tar.xz', *FEW]) == 0 and 'kept.tar.xz' in capsys.readouterr().out
    assert run(study, ['kept.tar.xz', '--out', 'other', *FEW]) == 0
    assert (tmp_path/'one'/'study.md').read_text() == (tmp_path/'other'/'study.md').read_text()


@pytest.mark.parametrize('argv, says', [
    (['.', '--reference', 'wieghted'], "did you mean 'weighted'"), (['.', '--reference', 'plain.md'], 'is not known'),
    (['.', '--keep', 'a.zip'], 'give --keep a name that ends in .tar.xz'), (['a.tar.xz'], 'a.tar.xz does not exist'),
    ([], 'folders'), (['nowhere'], 'nowhere is no folder'), (['.'], 'no finished run in .'), (['.', '--n-boot', '0'], 'n-boot is 0'),
    (['.', '--page', 'a.md', '--out', 'b'], 'leave out one of them'), (['.', '--page', 'a.html'], 'give --page a name that ends in .md'),
    (['.', '--page', 'none/a.md'], 'give --page in one that exists'), (['.', '--page', 'plain.md'], 'plain.md has not one line')])
def test_bad_input_gets_one_line_status_2_and_no_file(tmp_path, monkeypatch, capsys, argv, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path/'plain.md').write_text('words')
    assert run(study, argv) == 2
    err = capsys.readouterr().err
    assert err.startswith('error: ') and err.count('\n') == 1 and says in err
    assert [p.name for p in tmp_path.iterdir()] == ['plain.md'] and (tmp_path/'plain.md').read_text() == 'words'
