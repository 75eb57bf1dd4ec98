"""What tests of grids compare and change."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import yaml

from bench.config import GridSpec
from bench.records import RunRecord
from bench.store import Store

WORKERS = ("LokyProcess", "multiprocessing.spawn import spawn_main")  # in a command line: loky's, Dask's
PATIENCE_S = 900.0
"""When a step of a grid in processes is taken to hang; on an idle machine it takes seconds."""


def override(spec: GridSpec, **fields: object) -> GridSpec:
    """Return a specification with some fields replaced, checked."""
    return GridSpec.model_validate({**spec.model_dump(), **fields})


def job_named(block: str) -> SimpleNamespace:
    """Return what stands in for a block where workers are tested: a name is all that executors read of it.

    No class of a test: a worker process may find another package named ``tests``, as small-text installs one.
    """
    return SimpleNamespace(block=block)


def of_a_module_here_alone() -> object:
    """Return something that other processes cannot unpack: it is of a module that only this one has."""
    module = ModuleType("only_here")
    module.Thing = type("Thing", (), {"__module__": "only_here"})
    sys.modules["only_here"] = module
    return module.Thing()


def science(record: RunRecord) -> dict[str, object]:
    """Return what must be equal between two executions of a run: all but times, memory, provenance, the file's hash."""
    content = record.model_dump(mode="json", exclude={"seconds", "provenance", "sha256"})
    if content["rounds"]:
        del content["rounds"][0]["rows"]  # what M_0 is asked for depends on which runs of the block are yet to be made
    for entry in content["rounds"]:
        del entry["seconds"], entry["peak_memory_mb"]
        entry.get("rows", {}).pop("surprisal", None)  # whoever comes first in a block computes it
    return content


def assert_same_results(a: Path, b: Path) -> None:
    """Two stores hold the same runs, bit for bit."""
    assert Store(a).keys() == Store(b).keys()
    assert_as_in(a, b)


def assert_as_in(a: Path, b: Path) -> None:
    """All runs of a store are in another, bit for bit the same."""
    one, two = Store(a), Store(b)
    assert one.keys() <= two.keys()
    for key in sorted(one.keys()):
        assert science(one.read(key)) == science(two.read(key))
        np.testing.assert_array_equal(one.test_probabilities(one.read(key)), two.test_probabilities(two.read(key)))


def write_spec(spec: GridSpec, path: Path) -> Path:
    path.write_text(yaml.safe_dump(spec.model_dump(mode="json")))
    return path


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """Leave no process behind, whatever the test does."""
    try:
        yield
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def workers_of(group: int) -> list[str]:
    """Return the command lines of a group's processes that do work (other helpers end on their own)."""
    shown = subprocess.run(["ps", "-e", "-o", "pgid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=1) for line in shown.splitlines()]
    return [row[1] for row in rows if int(row[0]) == group and any(kind in row[-1] for kind in WORKERS)]


def wait_until_gone(group: int) -> None:
    """Wait until no process of a group does work any more."""
    end = time.monotonic() + PATIENCE_S
    while workers_of(group):
        assert time.monotonic() < end, workers_of(group)
        time.sleep(0.1)


def wait_for_runs(store: Path, count: int, process: subprocess.Popen[str]) -> int:
    """Wait until a store holds some runs."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        stored = len(list(store.glob("runs/*/*.json")))
        if stored >= count:
            return stored
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)
    raise TimeoutError(store)
