"""A store and runs to put into it."""

from collections.abc import Callable

import pytest

from bench.records import Block, Component, RunRecord, RunSpec, Settings, Strategy, Task
from bench.store import Store


@pytest.fixture(scope="session")
def a_record() -> Callable[..., RunRecord]:
    """A function that makes the record of a run; runs of different seeds have different keys."""

    def make(seed: int = 0, status: str = "ok", **fields) -> RunRecord:
        spec = RunSpec(
            block=Block(task=Task(dataset="sst2", positive="größe"), ratio=50, seed=seed, start="warm"),
            strategy=Strategy(algorithm=Component(name="random"), weighting=Component(name="uniform")),
            settings=Settings(),
        )
        return RunRecord(key=spec.key("f"), spec=spec, status=status, fingerprint="f", **fields)

    return make


@pytest.fixture(scope="session")
def key(a_record) -> str:
    """The key of ``a_record()``."""
    return a_record().key


@pytest.fixture
def store(tmp_path) -> Store:
    """A new store."""
    return Store(tmp_path / "store", create=True)
