from hashlib import sha256
from types import SimpleNamespace

from pneumo_fastai.report.sections.provenance import files, provenance
from pneumo_fastai.runs.folder import read_run
from pneumo_fastai.runs.folds import read_folds


def test_hashes_are_those_of_the_files(plain):
    run, _, read, _ = plain
    table = [[''.join(c) for c in row] for row in read.rows['provenance'] if len(row) == 3][1:]
    assert [row[0] for row in table] == sorted(p.name for p in run.iterdir() if p.name != 'report.html')
    for name, size, sha in table:
        assert sha == sha256((run/name).read_bytes()).hexdigest() and int(size.replace(',', '')) == (run/name).stat().st_size


def test_of_folds_the_files_are_those_that_the_page_was_made_of(tmp_path, write_folds):
    folder = write_folds(tmp_path/'cv')
    for name in ('lock', 'cv.json', 'fold-1/roc.png'): (folder/name).write_text('x')
    names = {p.relative_to(folder).as_posix() for p in files(read_folds(folder)) if p.is_file()}
    each = 'predictions.csv', 'split.csv', 'rejected.csv', 'experiment.toml', 'environment.json'
    assert names == {'cv.json', 'experiment.toml', *(f'fold-{k}/{name}' for k in (1, 2, 3) for name in each)}
    assert files(SimpleNamespace(folds=())) is None


def test_the_networks_of_an_ensemble_and_the_machine_are_named(new_run):
    run = read_run(new_run())
    run.environment |= dict(device='<gpu>', networks=[dict(folder=f'runs/{k}', command=f'fit {k}', recipe={}, sha256=k*64) for k in 'ab'])
    found = provenance(None, run, {})
    assert found['networks'] == [(i, f'<code>runs/{k}</code>', f'fit {k}', f'<code>{k*64}</code>') for i, k in ((1, 'a'), (2, 'b'))]
    assert found['machine'] == [('device', '<gpu>'), ('torch', '2.14')]  # what is not stated has no row


def test_the_file_that_training_started_from_is_named_with_its_hash(new_run, tmp_path, write_folds):
    run, cv = read_run(new_run()), read_folds(write_folds(tmp_path/'cv'))
    file = dict(given='<w>.pt', sha256='a'*64), f'<w>.pt, SHA-256 {"a"*64}'
    for begun, said in (file, (dict(given='imagenet', sha256=None), 'imagenet')):
        for o in (run, *cv.folds): o.environment['weights'] = dict(begun, loaded=1, not_loaded=[])
        assert all(('weights to start from', said) in provenance(None, o, {})['machine'] for o in (run, cv))


def test_what_a_device_does_not_repeat_and_where_training_was_gone_on_with_is_said(new_run, tmp_path, write_folds):
    run, cv = read_run(new_run()), read_folds(write_folds(tmp_path/'cv'))
    again = [dict(epoch=3, step=0, command='c', other=dict(torch=['2.14', '2.15']))]
    for unsure, said in (([], 'nothing'), (['a_cuda', 'b_cuda'], 'a_cuda, b_cuda')):
        for o in (run, *cv.folds): o.environment |= dict(not_deterministic=unsure, resumed=again)
        rows = provenance(None, run, {})['machine']
        assert ('not repeated to the bit by this device', said) in rows
        assert ('interrupted', 'gone on with at epoch 3, step 0; another torch: 2.15 after 2.14') in rows
    assert sum(what == 'interrupted of fold 2 of 3' for what, _ in provenance(None, cv, {})['machine']) == 1
