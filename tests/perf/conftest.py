"""A shape so small that every stage can be measured in a second."""

from __future__ import annotations

from types import MappingProxyType

import pytest
import torch

from bench.model.hardware import Hardware
from bench.model.shapes import Shape, save_random
from bench.perf import suite

TINY = Shape(layers=2, hidden=16, heads=2, inner=32)


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def hardware() -> Hardware:
    return Hardware(torch.device("cpu"), bf16=False, name="cpu", token_budget=256, enough_tokens=64)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    return save_random(TINY, tmp_path_factory.mktemp("tiny-shape"))


@pytest.fixture(scope="session")
def tiny() -> Shape:
    return TINY


@pytest.fixture
def tiny_shape(monkeypatch) -> str:
    """The name under which the suite knows the tiny shape; its passes hold few tokens."""
    monkeypatch.setattr(suite, "SHAPES", MappingProxyType({"tiny": TINY}))
    monkeypatch.setattr(suite, "WORK", {"cpu": 500 * TINY.forward_flops(1) * suite.QUICK})
    return "tiny"
