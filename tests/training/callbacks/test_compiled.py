from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from fastai.callback.core import Callback, CancelBatchException, CancelFitException, CancelTrainException

from pneumo_fastai.errors import InputError
from pneumo_fastai.explain.gradcam import show_gradcam
from pneumo_fastai.training.callbacks.compiled import CompiledStep
from pneumo_fastai.training.learner import get_learner, train
from pneumo_fastai.training.loaders import get_dls


@pytest.fixture(autouse=True)
def anew():
    yield
    torch.compiler.reset()


class Traced:
    "A backend of `torch.compile` that runs what it is given, and keeps count."
    def __init__(self): self.graphs, self.calls = 0, 0

    def __call__(self, graph, inputs):
        self.graphs += 1
        def run(*args):
            self.calls += 1
            return graph.forward(*args)
        return run


def weights(learn): return torch.cat([p.detach().flatten() for p in learn.model.state_dict().values()])


def test_a_compiled_step_trains_to_the_same_weights_as_the_network_itself(tiny, cohort, tmp_path):
    def trained(*cbs):
        learn = get_learner(tiny, get_dls(tiny, cohort), path=tmp_path)
        learn.add_cbs(cbs)
        with learn.no_bar(), learn.no_logging(): train(learn, tiny)
        return learn

    plain, backend = trained(), Traced()
    compiled = trained(CompiledStep(backend=backend))
    assert torch.equal(weights(plain), weights(compiled))
    assert backend.graphs == 1 and backend.calls == tiny.epochs * len(compiled.dls.train)  # and not one step of validation


def test_maps_and_predictions_see_the_network_itself_while_it_trains(tiny, cohort, tmp_path):
    class Watch(Callback):
        order, ran = 80, 0
        def after_epoch(self):
            if hasattr(self, 'gather_preds'): return
            _, heat = show_gradcam(self.learn, [cohort.table.path[0]])
            assert heat.max() > 0
            with self.learn.no_bar(): self.learn.get_preds(dl=self.dls.valid)
            assert 'forward' not in vars(self.model)
            Watch.ran += 1

    backend = Traced()
    learn = get_learner(tiny, get_dls(tiny, cohort), path=tmp_path)
    learn.add_cb(CompiledStep(backend=backend))
    with learn.no_bar(), learn.no_logging(): learn.fit(2, cbs=Watch())
    assert Watch.ran == 2 and backend.graphs == 1 and backend.calls == 2 * len(learn.dls.train)
    learn.export('learner.pkl')


def test_the_experiment_asks_for_it(tiny, cohort):
    def has(e): return any(isinstance(cb, CompiledStep) for cb in get_learner(e, get_dls(e, cohort)).cbs)
    assert has(replace(tiny, compiled=True)) and not has(tiny)


def test_where_nothing_can_be_compiled_a_line_says_so(tiny, cohort):
    def no_compiler(graph, inputs): raise OSError('no working compiler\nand much more')
    learn = get_learner(tiny, get_dls(tiny, cohort))
    learn.add_cb(CompiledStep(backend=no_compiler))
    with learn.no_bar(), learn.no_logging(), pytest.raises(InputError, match=r'here \(no working compiler\); leave out --compiled$'):
        learn.fit(1)
    assert 'forward' not in vars(learn.model)


def test_a_failure_without_a_word_is_named(tiny, cohort):
    def fails(graph, inputs): raise AssertionError
    learn = get_learner(tiny, get_dls(tiny, cohort))
    learn.add_cb(CompiledStep(backend=fails))
    with learn.no_bar(), learn.no_logging(), pytest.raises(InputError, match=r'here \(.*AssertionError.*\); leave'): learn.fit(1)


def test_a_fit_that_ends_in_the_middle_leaves_a_learner_that_works(tiny, cohort, tmp_path):
    "An interrupt within the forward, a cancelled batch and a cancelled fit."
    class Stop(Callback):
        order = 30
        def __init__(self, error): self.error = error
        def before_batch(self):
            if self.training and self.iter == 1: raise self.error

    learn = get_learner(tiny, get_dls(tiny, cohort), path=tmp_path)
    learn.add_cb(CompiledStep(backend='eager'))
    def interrupt(*_): raise KeyboardInterrupt
    with learn.no_bar(), learn.no_logging():
        with pytest.raises(KeyboardInterrupt), learn.model[0].register_forward_pre_hook(interrupt): learn.fit(1)
        assert 'forward' not in vars(learn.model)
        for error in (CancelFitException, CancelTrainException, CancelBatchException, RuntimeError('stopped')):
            with nullcontext() if isinstance(error, type) else pytest.raises(RuntimeError): learn.fit(1, cbs=Stop(error))
            assert 'forward' not in vars(learn.model)
            learn.export('learner.pkl')
        learn.fit(1)
        learn.lr_find(num_it=3, show_plot=False)
    learn.export('learner.pkl')


@pytest.mark.slow
def test_what_inductor_compiles_learns_the_same(tiny, cohort, tmp_path):
    def losses(e):
        learn = get_learner(e, get_dls(e, cohort), path=tmp_path)
        with learn.no_bar(), learn.no_logging(): train(learn, e)
        return torch.stack(learn.recorder.losses)
    torch.testing.assert_close(losses(tiny), losses(replace(tiny, compiled=True)), rtol=1e-3, atol=1e-4)
