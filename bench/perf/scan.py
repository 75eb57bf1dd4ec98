"""A result store of many runs: what it takes to say what it holds, against the least that a file system asks for it."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from itertools import chain, count, islice
from pathlib import Path

import numpy as np

from bench import __version__
from bench.model.hardware import Hardware
from bench.perf.clock import time_in_turns
from bench.perf.made_up_runs import SETTINGS, records, write
from bench.perf.report import Measure, PerfReport
from bench.store import Store

RUNS, QUICK_RUNS, TURNS = 20_000, 2_000, 2
TEST_ROWS = 200
LONG_AGO_S = 1_000_000_000
"""A file that has just changed is not taken for known; those that are made here are older."""


def measure(hardware: Hardware, *, quick: bool, tell: Callable[[str], None]) -> PerfReport:
    """Measure a made-up store: listing, the first resume, which reads everything, and each later one.

    Args:
        hardware: whose clock is used.
        quick: a tenth of the runs.
        tell: called with what is being measured.
    """
    runs, load = QUICK_RUNS if quick else RUNS, os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store", create=True)
        tell(f"making {runs:,} runs")
        keys = fill(store, runs)
        found = []
        for stage, (work, least, floor) in _stages(store, keys).items():
            tell(stage)
            times = time_in_turns({"work": work, "floor": floor}, hardware, TURNS)
            against, ratio = f"{least}, {times['floor']:.3g} s", times["work"] / times["floor"]
            found.append(
                Measure(stage=stage, value=times["work"], unit="s", floor=against, ratio=ratio, better="lower")
            )
    return PerfReport(
        version=__version__,
        kind=f"store of {runs:,} runs",
        device=hardware.name,
        texts={},
        load=(load, os.getloadavg()[0]),
        measures=tuple(found),
    )


def _stages(store: Store, keys: list[str]) -> dict[str, tuple[Callable[[], object], str, Callable[[], object]]]:
    """Return, for each stage, its work, the floor in words, and the floor's work."""

    def files() -> list[str]:
        folders = [entry.path for entry in os.scandir(store.path / "runs")]
        return [entry.path for folder in folders for entry in os.scandir(folder)]

    def first_resume() -> object:
        (store.path / "sound.json").unlink(missing_ok=True)
        return Store(store.path).valid_keys(keys)

    return {
        "first resume": (first_resume, "reading and hashing all files", lambda: list(map(_sha256, files()))),
        "later resume": (lambda: Store(store.path).valid_keys(keys), "all sizes", lambda: list(map(os.stat, files()))),
        "status": (lambda: [Store(store.path).keys(status) for status in ("ok", "failed", "skipped")], "names", files),
    }


def _sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def fill(store: Store, runs: int) -> list[str]:
    """Store so many runs, of which none has just been written; return their keys."""
    made = list(islice(chain.from_iterable(map(records, count())), runs))
    write(store, made, np.full((SETTINGS.loop.rounds + 1, TEST_ROWS), 0.5, dtype=np.float32))
    for path in (store.path / "runs").glob("*/*"):
        os.utime(path, (LONG_AGO_S, LONG_AGO_S))
    return [record.key for record in made]
