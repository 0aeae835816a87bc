import pytest


@pytest.fixture(autouse=True)
def _small(small): "Every test here trains the small network."
