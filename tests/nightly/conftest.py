"""Nights without a model: grids are expanded for real, runs are made up, the command line runs in this process."""

from __future__ import annotations

import importlib.util
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import yaml

from bench import cli as command_line
from bench.grid.execute import Summary
from bench.records import METRICS
from bench.store import Store

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
        shift: (strategy, task, metric) -> what is added; "*" stands for any. noise: of what changes from night to night.
        night: seeds that noise. most: runs after which the process dies; None: it does not.
        executed: how many runs were made, by call.
    """

    shift: dict[tuple[str, str, str], float] = field(default_factory=dict)
    noise: float = 0.0
    night: int = 0
    most: int | None = None
    executed: list[int] = field(default_factory=list)
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


@pytest.fixture
def made_up(monkeypatch, factory):
    """Take the place of what executes a grid: write made-up records of the runs that are missing."""
    world = World()

    def execute(grid, execution, console):
        store, made = Store(execution.store, create=True), 0
        for job in grid.jobs:
            for run in job.runs:
                key = run.key(job.fingerprint)
                if key in store.keys():
                    continue
                if made == world.most:
                    world.executed.append(made)
                    raise KeyboardInterrupt
                ba, auc, pr = world.values(run)
                record = factory.a_run(balanced_accuracy=ba, auc=auc, positives_ratio=pr, settings=run.settings)
                made_with = factory.MADE.model_copy(update={"versions": world.versions})
                pair = {"pair_key": f"{run.block} {job.fingerprint}", "fingerprint": job.fingerprint}
                store.write(record.model_copy(update={"key": key, "spec": run, "provenance": made_with, **pair}))
                made += 1
        world.executed.append(made)
        return Summary(grid.runs, done=grid.runs)

    monkeypatch.setattr("bench.grid.execute.execute", execute)
    monkeypatch.setattr("bench.grid.execute.preflight", lambda spec, execution: None)
    monkeypatch.setattr("reports.write_report", lambda store, out: None)  # has tests of its own, and takes a second
    return world


@pytest.fixture
def bench(monkeypatch, capsys, tmp_path, toy_mirror):
    """Run the command line in this process; return (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMBAL_BENCH_DATA", str(toy_mirror))
    monkeypatch.setenv("IMBAL_BENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(SPEC))

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["imbal-bench", *map(str, arguments)])
        try:
            command_line.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except KeyboardInterrupt:  # what a made-up grid dies of
            code = 137
        else:
            code = 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
