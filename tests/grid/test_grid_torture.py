"""Random SIGKILLs of workers and drivers over a real grid; afterwards nothing is lost, doubled or altered.

Five kills by default. ``nox -s torture`` asks for at least 100 (IMBAL_BENCH_KILLS), takes minutes and prints figures.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import cli_environment
from grid_tools import assert_as_in, override, write_spec

from bench.grid.worker.heartbeat import beats
from bench.store import Store

KILLS = int(os.environ.get("IMBAL_BENCH_KILLS", "5"))
SEED = int(os.environ.get("IMBAL_BENCH_TORTURE_SEED", "0"))
DRIVERS, JOBS, SEEDS_MORE = 2, 2, 8
DRIVER_SHARE = 0.2


class Torture:
    """Keeps two drivers of two workers each on one store, and kills now one, now the other."""

    def __init__(self, spec, store: Path, environment: dict[str, str]) -> None:
        self.spec, self.store, self.environment = spec, store, environment
        self.rng = np.random.default_rng(SEED)
        self.count: Counter[str] = Counter()
        self.seeds = SEEDS_MORE
        self.drivers: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        """Start a driver on all seeds so far."""
        self.count["drivers started"] += 1
        file = write_spec(override(self.spec, seeds=self.seeds), self.store.parent / "torture.yaml")
        command = [
            sys.executable,
            "-m",
            "imbal_bench",
            "run",
            file,
            "--store",
            self.store,
            "--threads",
            "1",
            "--no-report",
        ]
        return subprocess.Popen(
            [*map(str, command), "--jobs", str(JOBS)],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def keep_up(self) -> None:
        """Replace drivers that are gone; one that found nothing left to do gets more seeds."""
        for driver in [driver for driver in self.drivers if driver.poll() is not None]:
            self.drivers.remove(driver)
            self.seeds += SEEDS_MORE if driver.returncode == 0 else 0
        while len(self.drivers) < DRIVERS:
            self.drivers.append(self.start())

    def kill_one(self) -> None:
        """Once somebody is at work, wait a random moment and kill a worker, or now and then a driver."""
        while not beats(Store(self.store, create=True)):
            self.keep_up()
            time.sleep(0.1)
        time.sleep(self.rng.uniform(0, 2))
        workers = [process for driver in self.drivers for process in workers_of(driver)]
        if workers and self.rng.random() > DRIVER_SHARE:
            self._kill("workers", workers[self.rng.integers(len(workers))].pid)
        else:
            self._kill("drivers", self.drivers[self.rng.integers(DRIVERS)].pid)

    def _kill(self, what: str, pid: int) -> None:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.count[f"{what} killed"] += 1
        self.count["kills"] += 1

    def stop(self) -> None:
        """Kill what is left."""
        for driver in self.drivers:
            if driver.poll() is None:
                os.killpg(driver.pid, signal.SIGKILL)
            driver.wait()

    def finish(self) -> None:
        """Let one driver finish the grid in peace; runs that were given up for being killed too often are run again."""
        self.stop()
        for _ in range(3):
            if self.start().wait() == 0:
                return
        raise AssertionError("the grid does not come to an end")


def workers_of(driver: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        children = psutil.Process(driver.pid).children()
        return [child for child in children if "LokyProcess" in " ".join(child.cmdline())]
    except psutil.Error:
        return []


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_after_random_kills_every_invariant_holds(light_spec, run_grid, cli, toy_mirror, world, tmp_path, capsys):
    store, began = tmp_path / "store", time.monotonic()
    environment = cli_environment(toy_mirror, tmp_path, IMBAL_BENCH_CACHE=str(world.cache_dir))
    torture = Torture(light_spec, store, environment)
    try:
        while torture.count["kills"] < KILLS:
            torture.keep_up()
            torture.kill_one()
    finally:
        torture.stop()
    torture.finish()
    runs, wall = len(Store(store).keys()), time.monotonic() - began
    figures = ", ".join(f"{value} {name}" for name, value in sorted(torture.count.items()))
    with capsys.disabled():
        print(f"\ntorture, seed {SEED}: {figures}; {runs} runs in {torture.seeds} blocks; {wall:.0f} s")  # noqa: T201 - the figures are the point
    assert runs == 12 * torture.seeds
    examined = cli("doctor", "--store", store)
    assert examined.returncode == 0, examined.stdout
    assert f"{runs} runs in" in examined.stdout
    assert "all sound" in examined.stdout
    assert "not held against its data" not in examined.stdout
    run_grid(override(light_spec, seeds=2), tmp_path / "undisturbed")
    assert_as_in(tmp_path / "undisturbed", store)
