"""Tiny grids, executed for real: tiny BERT, toy texts, every strategy."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from bench.config import GridSpec
from bench.grid.execute import Execution, Summary, execute
from bench.grid.expand import Grid, expand
from bench.grid.world import World

RunGrid = Callable[..., Summary]


@pytest.fixture(scope="session")
def world(toy_mirror, tmp_path_factory) -> World:
    """The toy mirror, and one cache for the session."""
    return World(toy_mirror, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def tiny_spec(tiny_bert) -> GridSpec:
    """One task, one seed, all 12 strategies, 2 rounds of 6."""
    return GridSpec.model_validate(
        {
            "name": "tiny",
            "tasks": ["toy/law"],
            "ratios": [10],
            "seeds": 1,
            "loop": {"rounds": 2, "batch": 6},
            "pool": {"limit": 120},
            "model": {"name": str(tiny_bert), "max_length": 32},
            "train": {"learning_rate": 2e-3},
        }
    )


@pytest.fixture(scope="session")
def run_grid(world) -> RunGrid:
    """Run a specification into a store, in this process unless told otherwise, on one thread."""

    def run(spec: GridSpec, store: Path, **how: object) -> Summary:
        grid = expand(spec, world)
        return execute(grid, Execution(store, world, threads=1, **how), Console(file=io.StringIO()))

    return run


@pytest.fixture(scope="session")
def finished(tiny_spec, run_grid, tmp_path_factory) -> Path:
    """A store with the tiny grid, run without disturbance; read only."""
    store = tmp_path_factory.mktemp("finished") / "store"
    summary = run_grid(tiny_spec, store)
    assert not summary.failures
    return store


@pytest.fixture(scope="session")
def tiny_grid(tiny_spec, world) -> Grid:
    return expand(tiny_spec, world)
