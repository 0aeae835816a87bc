"A run to look at, with and without scored heatmaps."
import pytest

from pneumo_fastai.page.subject import opened


@pytest.fixture
def subject(explainable): return opened(explainable())


@pytest.fixture
def explained(explainable, undrawn):
    from pneumo_fastai.explain.evaluation import explain_run
    explain_run(folder := explainable('explained'), n_boot=5)
    return opened(folder)


@pytest.fixture
def raw(films): return sorted(films.rglob('person*.png'))[0].read_bytes()
