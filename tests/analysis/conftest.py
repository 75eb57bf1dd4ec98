import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def factory():
    """The module of synthetic runs; tests are no packages, so it is loaded from its file."""
    spec = importlib.util.spec_from_file_location("analysis_factory", Path(__file__).with_name("factory.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
