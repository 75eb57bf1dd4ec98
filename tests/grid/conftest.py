"""Tiny grids, executed for real: tiny BERT, toy texts, every strategy."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import cli_environment
from grid_tools import override
from rich.console import Console

from bench.config import GridSpec
from bench.grid.driver.execute import Summary, execute
from bench.grid.driver.execution import Execution
from bench.grid.expansion.blocks import Grid
from bench.grid.expansion.expand import expand
from bench.grid.world import World

RunGrid = Callable[..., Summary]
Start = Callable[..., subprocess.Popen[str]]


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
def light_spec(tiny_spec) -> GridSpec:
    """The same without torch: processes that run it start in two seconds, and a run takes a tenth of one."""
    algorithms = ["random", "margin", "entropy", "least_confidence"]
    return override(tiny_spec, learners=["tfidf"], algorithms=algorithms)


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
def light_finished(light_spec, run_grid, tmp_path_factory) -> Path:
    """A store with the grid without torch, run without disturbance; read only."""
    store = tmp_path_factory.mktemp("light") / "store"
    assert not run_grid(light_spec, store).failures
    return store


@pytest.fixture(scope="session")
def tiny_grid(tiny_spec, world) -> Grid:
    return expand(tiny_spec, world)


@pytest.fixture
def start(toy_mirror, world, tmp_path) -> Start:
    """Start ``imbal-bench run`` in a process group of its own, on one thread."""

    def begin(spec: Path, store: Path, *more: str) -> subprocess.Popen[str]:
        command = [
            sys.executable,
            "-m",
            "imbal_bench",
            "run",
            spec,
            "--store",
            store,
            "--threads",
            1,
            "--no-report",
            *more,
        ]
        return subprocess.Popen(
            [str(part) for part in command],
            cwd=tmp_path,
            env=cli_environment(toy_mirror, world.cache_dir.parent, IMBAL_BENCH_CACHE=str(world.cache_dir)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=_heed_ctrl_c,  # noqa: PLW1509 - no thread of the test's own runs here
        )

    return begin


def _heed_ctrl_c() -> None:
    """Undo what a shell does to jobs in the background, where tests may run: there SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
