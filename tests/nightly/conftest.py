"""Nights without a model: grids are expanded for real, runs are made up, the command line runs in this process."""

from __future__ import annotations

import importlib.util
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import yaml
from cli_tools import in_process

from bench.config import GridSpec
from bench.grid.driver.execute import Summary
from bench.grid.expansion.expand import expand
from bench.grid.world import World as Data
from bench.records import METRICS
from bench.store import Store
from bench.store.baseline import save

FACTORY = Path(__file__).parents[1] / "analysis" / "factory.py"
SPEC = {
    "name": "tiny",
    "tasks": ["toy/law", "toy/food"],
    "ratios": [10],
    "seeds": 4,
    "algorithms": ["random", "margin"],
    "weightings": ["uniform", "invprop"],
    "loop": {"rounds": 2, "batch": 6},
    "pool": {"limit": 120},
}


@pytest.fixture(scope="session")
def factory():
    """The module of synthetic runs; tests are no packages, so it is loaded from its file."""
    spec = importlib.util.spec_from_file_location("analysis_factory", FACTORY)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class World:
    """What the runs of a night yield.

    Attributes:
        shift: (strategy, task, metric) -> what is added; "*" stands for any.
        noise: standard deviation of what changes from night to night.
        night: seeds that noise. most: runs after which the process dies; None: it does not.
        executed: how many runs were made, by call. written: which pages would have been written.
        versions: of libraries, as the runs record them.
    """

    shift: dict[tuple[str, str, str], float] = field(default_factory=dict)
    noise: float = 0.0
    night: int = 0
    most: int | None = None
    executed: list[int] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=lambda: {"torch": "2.13.0"})

    def values(self, run) -> list[float]:
        """Return the metrics of a run; the same each time but for shift and noise."""
        strategy, task = str(run.strategy), str(run.block.task)
        own = np.random.default_rng(zlib.crc32(str(run).encode()))
        tonight = np.random.default_rng([zlib.crc32(str(run).encode()), self.night])
        values = 0.6 + own.normal(0, 0.01, 3) + tonight.normal(0, 1, 3) * self.noise
        for number, metric in enumerate(METRICS):
            for who in (strategy, "*"):
                for where in (task, "*"):
                    values[number] += self.shift.get((who, where, metric), 0.0)
        return values.tolist()


def any_model(patch):
    """Let the model of a grid be one that is not at hand, since no run is made here."""
    patch.setattr("bench.grid.expansion.expand.pinned", lambda model, _: model.model_copy(update={"content": "c" * 32}))


@pytest.fixture(autouse=True)
def _any_model(monkeypatch):
    any_model(monkeypatch)


@pytest.fixture(scope="session")
def make_up(factory):
    """A function that writes made-up records of the runs of a grid that a store lacks."""

    def write(world, grid, folder):
        store, made = Store(folder, create=True), 0
        stored = store.keys()
        for job in grid.jobs:
            for run in job.runs:
                key = run.key(job.fingerprint)
                if key in stored:
                    continue
                if made == world.most:
                    raise KeyboardInterrupt
                ba, auc, pr = world.values(run)
                record = factory.a_run(balanced_accuracy=ba, auc=auc, positives_ratio=pr, settings=run.settings)
                made_with = factory.MADE.model_copy(update={"versions": world.versions})
                pair = {"pair_key": f"{run.block} {job.fingerprint}", "fingerprint": job.fingerprint}
                store.write(record.model_copy(update={"key": key, "spec": run, "provenance": made_with, **pair}))
                made += 1
        world.executed.append(made)
        return Summary(grid.runs, done=grid.runs)

    return write


@pytest.fixture
def made_up(monkeypatch, make_up):
    """Made-up runs take the place of real ones, and no page is drawn."""
    world = World()
    monkeypatch.setattr(
        "imbal_bench.workflows.nightly.execute", lambda grid, how, console: make_up(world, grid, how.store)
    )
    monkeypatch.setattr("imbal_bench.workflows.nightly.preflight", lambda *_: None)
    monkeypatch.setattr("imbal_bench.workflows.nightly.read_report", lambda store: None)
    for name in ("write_report", "history_page", "write_gate"):  # each has tests of its own, and takes a second
        monkeypatch.setattr(
            f"imbal_bench.workflows.nightly.{name}", lambda *_, name=name: world.written.append(name) or "page"
        )
    return world


@pytest.fixture(scope="session")
def baseline(make_up, toy_mirror, cache, tmp_path_factory):
    """The folder of a baseline ``main``: the tiny grid, as it is on any night when nothing has changed."""
    folder = tmp_path_factory.mktemp("frozen")
    with pytest.MonkeyPatch.context() as patch:  # for now alone: tests of other rooms come after
        any_model(patch)
        grid = expand(GridSpec.model_validate(SPEC), Data(toy_mirror, cache))
    make_up(World(), grid, folder / "store")
    save(Store(folder / "store"), folder / "baselines", "main")
    return folder / "baselines"


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """One cache for all tests: a dataset is loaded once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def bench(monkeypatch, capsys, tmp_path, toy_mirror, cache):
    """Run the command line in this process; return (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMBAL_BENCH_DATA", str(toy_mirror))
    monkeypatch.setenv("IMBAL_BENCH_CACHE", str(cache))
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(SPEC))

    return in_process(monkeypatch, capsys)
