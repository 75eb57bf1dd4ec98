import importlib.util
from pathlib import Path

import pytest

FACTORY = Path(__file__).parents[1] / "analysis" / "factory.py"


@pytest.fixture(scope="session")
def factory():
    """The module of synthetic runs; tests are no packages, so it is loaded from its file."""
    spec = importlib.util.spec_from_file_location("analysis_factory", FACTORY)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
