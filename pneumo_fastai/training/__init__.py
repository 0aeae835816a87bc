"How it learns: the fastai side."
import warnings

with warnings.catch_warnings():
    warnings.simplefilter('ignore', FutureWarning)  # fastai 2.8 asks torch for torch.jit.script as it is imported
    import fastai.vision.learner  # noqa: F401  (registers how films are shown in show_results and plot_top_losses)
