"What is wrong with a file of a run, in one line that names the command which writes it."
import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluate import evaluate
from pneumo_fastai.runs.files import read_json
from pneumo_fastai.writing import whole


@pytest.mark.parametrize('name, by', [('metrics.json', 'evaluate RUN'), ('calibration.json', 'evaluate RUN'), ('cv.json', 'evaluate RUN'),
                                      ('localization.json', 'gradcam RUN'), ('environment.json', 'fit')])
@pytest.mark.parametrize('text', [None, '', '{', '[]', '{"a": NaN}', '{"a": -Infinity}', '['*100_000])
def test_json_that_cannot_be_used(tmp_path, name, by, text):
    if text is not None: (tmp_path/name).write_text(text)
    with pytest.raises(InputError) as e: read_json(tmp_path/name)
    assert str(e.value).endswith(f'{by} writes it anew') and str(tmp_path/name) in str(e.value)


def test_a_folder_in_the_place_of_a_file_is_told_by_the_name_of_the_file(new_run, capsys):
    folder = new_run()
    (folder/'metrics.json').mkdir()
    assert run(evaluate, [str(folder), '--n-boot', '5']) == 2
    err = capsys.readouterr().err
    assert err.startswith(f'error: {folder}/metrics.json: ') and 'move the folder' in err and '--cache' not in err and err.count('\n') == 1
    with pytest.raises(IsADirectoryError), whole(folder/'metrics.json'): pytest.fail('it is told before the work')
