"python -m pneumo_fastai.export: the model of a finished run, as a folder that can leave it."
import sys

from .cli import run


def export(
    folder,  # of a finished run, an ensemble or a cross-validation
):
    "Write a run's model/ anew: weights, model.json, ONNX file and model card, from what the run says now; nothing is trained."
    from .inference.export import export_again
    from .report.terminal import written
    written(export_again(folder))


if __name__ == '__main__':
    sys.exit(run(export))
