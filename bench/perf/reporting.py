"""How long a whole report takes, and how much memory; then a second one, after a few runs more."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import chain
from pathlib import Path

import psutil

from bench import __version__
from bench.perf.made_up_runs import records, write
from bench.perf.report import Measure, PerfReport
from bench.store import Store

SEEDS, QUICK_SEEDS = 10, 1
LATER = 10
"""Runs that are there for the second report only."""
EVERY = 0.1
"""Seconds between looks at the memory."""


def measure(*, quick: bool, tell: Callable[[str], None]) -> PerfReport:
    """Measure the command ``report`` on a store of made-up runs: 12,820 of them, a tenth if quick.

    Args:
        quick: fewer runs.
        tell: called with what is being measured.
    """
    load = os.getloadavg()[0]
    every = list(chain.from_iterable(map(records, range(QUICK_SEEDS if quick else SEEDS))))
    with tempfile.TemporaryDirectory() as folder:
        store, out = Store(Path(folder) / "store", create=True), Path(folder) / "report"
        tell(f"writing {len(every):,} runs")
        write(store, every[:-LATER])
        size, began = 0, time.process_time()
        for run in every[:-LATER]:
            content = store.file_of(run.key).read_bytes()
            json.loads(content)
            size += len(content)
        floor = time.process_time() - began
        tell("the first report")
        first = _report(store, out)
        write(store, every[-LATER:])
        tell("the second report")
        second = _report(store, out)
        page = (out / "report.html").stat().st_size / 1e6
    parsed = f"reading and parsing the files: {floor:.1f} s"
    files = f"the files: {size / 1e9:.2f} GB"
    return PerfReport(
        version=__version__,
        kind=f"report of {len(every):,} runs",
        device=f"{os.cpu_count()} cores",
        texts={"runs": f"made up; the page is {page:.1f} MB"},
        load=(load, os.getloadavg()[0]),
        measures=(
            _seconds("first report: clock", first[0], parsed, floor, None),
            _seconds("first report: processors", first[1], parsed, floor, "lower"),
            _gigabytes("first report: peak memory", first[2], files, size),
            _seconds(f"second, {LATER} runs more: clock", second[0], f"the first: {first[0]:.1f} s", first[0], None),
            _seconds(
                f"second, {LATER} runs more: processors", second[1], f"the first: {first[1]:.1f} s", first[1], "lower"
            ),
            _gigabytes(f"second, {LATER} runs more: peak memory", second[2], files, size),
        ),
    )


def _report(store: Store, out: Path) -> tuple[float, float, float]:
    """Return seconds by the clock, seconds of all processors, and most bytes held, of one report."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "imbal_bench", "report", "--store", str(store.path), "--out", str(out)]
    most = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, _held(process.pid))
            time.sleep(EVERY)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, float(most)


def _held(pid: int) -> int:
    """Return the resident bytes of a process and all below it; pages that they share count for each."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += one.memory_info().rss
    return total


def _seconds(stage: str, value: float, against: str, floor: float, better: str | None) -> Measure:
    return Measure.model_validate(
        {"stage": stage, "value": value, "unit": "s", "floor": against, "ratio": value / floor, "better": better}
    )


def _gigabytes(stage: str, value: float, against: str, size: int) -> Measure:
    return Measure(stage=stage, value=value / 1e9, unit="GB", floor=against, ratio=value / size, better="lower")
