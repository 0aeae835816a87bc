import subprocess
import sys

from pneumo_fastai.cli import run
from pneumo_fastai.gradcam import gradcam
from pneumo_fastai.runs.checksums import read_sums, write_sums


def test_help_says_what_it_is_for_without_importing_torch():
    code = "import sys, runpy; sys.argv = ['x', '--help']\n" \
           "try: runpy.run_module('pneumo_fastai.gradcam', run_name='__main__', alter_sys=True)\n" \
           "finally: print('loaded:', [o for o in ('torch', 'fastai', 'pandas', 'sklearn') if o in sys.modules])"
    done = subprocess.run([sys.executable, '-W', 'error::UserWarning', '-c', code], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and '--worst' in done.stdout and 'heatmaps' in done.stdout and 'loaded: []' in done.stdout, done.stderr


def test_a_wrong_layer_method_or_folder_gets_one_line_and_status_2(explainable, capsys, tmp_path):
    folder = explainable()
    for argv, says in ([str(folder), '--layers', 'layer9'], ["'layer9'", 'there are: 0, 1, 2']), \
                      ([str(folder), '--method', 'camcam'], ["'camcam'", 'layercam']), ([str(tmp_path)], ['predictions.csv']):
        assert run(gradcam, argv) == 2
        err = capsys.readouterr().err
        assert err.startswith('error: ') and err.count('\n') == 1 and all(word in err for word in says)
    assert not (folder/'gradcam.npz').exists()


def test_it_prints_the_scores_and_writes_the_report(explainable, capsys):
    folder = explainable()
    write_sums(folder)
    assert run(gradcam, [str(folder), '--layers', '2', '--n-boot', '5', '--worst', '3']) == 0
    out = capsys.readouterr().out
    assert 'model: pointing' in out and 'With all weights random' in out and 'report.html' in out
    assert (folder/'top_losses.html').read_text().count('<article') == 3
    subprocess.run(['sha256sum', '--quiet', '-c', 'SHA256SUMS'], cwd=folder, check=True)
    assert {'localization.json', 'gradcam.npz', 'top_losses.html', 'report.html'} < set(read_sums(folder))
