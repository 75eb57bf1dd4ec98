"""Dask as an engine: which block a dead worker counts for, and what becomes of schedulers that are not there."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT
from grid_tools import assert_same_results, job_named, of_a_module_here_alone, override

from bench.errors import RunError, SpecError
from bench.grid.executors.choice import Workers
from bench.grid.executors.start import start_workers
from bench.grid.messages import BlockReport


@pytest.fixture(scope="module")
def one_worker(tmp_path_factory):
    """A Dask cluster of a single worker, which has GPU 7."""
    with start_workers(Workers("dask", gpus=("7",)), "cpu", tmp_path_factory.mktemp("logs")) as reports:
        yield reports


def test_a_single_worker_does_the_work_and_not_the_driver(one_worker):
    def work(job):
        return BlockReport(job.block, failures=[str(os.getpid()), os.environ["CUDA_VISIBLE_DEVICES"]])

    found = list(one_worker(work, [job_named("a"), job_named("b"), job_named("c")]))
    assert sorted(report.name for report in found) == ["a", "b", "c"]
    ((worker, gpu),) = {tuple(report.failures) for report in found}
    assert worker != str(os.getpid())
    assert gpu == "7"


@pytest.mark.slow
def test_a_worker_s_death_counts_for_its_own_block_alone(one_worker):
    """Dask's scheduler blames all blocks that wait on a worker, and gives them up after four deaths of neighbours."""

    def work(job):
        if job.block == "killer":
            os.kill(os.getpid(), signal.SIGKILL)
        return BlockReport(job.block)

    blocks = ["killer", *(f"fine {number}" for number in range(6))]
    for _ in range(2):  # in a second pass too
        found = list(one_worker(work, [job_named(block) for block in blocks]))
        assert sorted(report.name for report in found) == sorted(blocks)
        assert [report.name for report in found if report.lost] == ["killer"]


@pytest.mark.slow
@pytest.mark.parametrize("code", [0, 1])
def test_a_worker_that_exits_is_started_again_however_long_that_takes(code, tmp_path):
    """Dask gives a worker of this machine up for good when it has been away for some seconds, by default 15."""
    from bench.grid.executors.dask import dask  # once distributed has set its defaults

    def work(job):
        if job.block == "exits":
            os._exit(code)
        return BlockReport(job.block)

    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "10ms"}),
        start_workers(Workers("dask"), "cpu", tmp_path) as reports,
    ):
        found = [(report.name, report.lost) for report in reports(work, [job_named("exits"), job_named("fine")])]
    assert found == [("exits", True), ("fine", False)]


def test_a_worker_that_cannot_run_blocks_ends_the_grid_in_one_line(one_worker):
    def work(job):
        raise ModuleNotFoundError("No module named\n'bench'")

    with pytest.raises(RunError, match=r"cannot run blocks \(ModuleNotFoundError: No module named 'bench'\); install"):
        list(one_worker(work, [job_named("a")]))


def test_a_worker_that_lacks_a_module_ends_the_grid_in_one_line_and_lives_on(one_worker):
    job = job_named("a")
    job.more = of_a_module_here_alone()

    with pytest.raises(
        RunError, match=r"cannot run blocks \(ModuleNotFoundError: No module named 'only_here'\); install"
    ):
        list(one_worker(lambda job: BlockReport(job.block), [job]))
    assert [report.name for report in one_worker(lambda job: BlockReport(job.block), [job_named("b")])] == ["b"]


def test_workers_of_this_machine_that_are_gone_for_good_are_not_waited_for():
    from distributed import Nanny, Status

    from bench.grid.executors.dask_blocks import run_blocks

    class Starter(Nanny):
        status = Status.closing_gracefully

        def __init__(self):
            """Start nothing."""

    class Client:
        cluster = SimpleNamespace(workers={0: Starter()})

        def scheduler_info(self, **_):
            return {"workers": {}}

    with pytest.raises(
        RunError, match=r"lost the Dask workers \(those of this machine have all ended\); finished runs"
    ):
        list(run_blocks(Client(), {}, print, []))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://x"])
def test_a_scheduler_that_cannot_be_reached_is_one_line(address, monkeypatch, tmp_path):
    from bench.grid.executors import dask as dask_executor

    monkeypatch.setattr(dask_executor, "CONNECT_S", 0.3)
    with (
        pytest.raises(RunError, match=f"cannot reach the Dask scheduler {address}: .*start one with") as error,
        start_workers(Workers("dask", scheduler=address), "cpu", tmp_path),
    ):
        pass
    assert "\n" not in str(error.value)


def test_without_dask_there_is_one_line(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "bench.grid.executors.dask", raising=False)
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(SpecError, match=r"pip install 'imbal-bench\[dask\]'"):
        start_workers(Workers("dask"), "cpu", tmp_path)
    monkeypatch.undo()
    importlib.import_module("bench.grid.executors.dask")


@pytest.fixture
def outside(tmp_path):
    """A scheduler and a worker with two threads, started by hand; yields the scheduler's address and its process."""
    (tmp_path / "elsewhere").mkdir()
    file = tmp_path / "scheduler.json"
    options = {
        "scheduler": ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file],
        "worker": ["--nthreads", "2", "--memory-limit", "0", "--no-dashboard", "--scheduler-file", file],
    }
    processes = {
        role: subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{role}", *map(str, more)],
            cwd=tmp_path / "elsewhere",
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/tests:{ROOT}/tests/grid", "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for role, more in options.items()
    }
    try:
        while not file.exists():
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"], processes["scheduler"]
    finally:
        for process in processes.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.slow
def test_workers_of_a_scheduler_elsewhere_give_the_same_results(outside, tiny_spec, run_grid, tmp_path, monkeypatch):
    """They were started in another folder, and with more threads than a process can use; relative paths still hold."""
    address, _ = outside
    small = override(tiny_spec, seeds=2, algorithms=["random", "badge"])
    monkeypatch.chdir(tmp_path)
    summary = run_grid(small, Path("store"), workers=Workers("dask", scheduler=address))
    assert (summary.done, summary.failures) == (12, [])
    run_grid(small, tmp_path / "undisturbed")
    assert_same_results(tmp_path / "undisturbed", tmp_path / "store")
    assert not list((tmp_path / "elsewhere").glob("store"))


def test_a_scheduler_that_goes_away_before_a_worker_comes_is_one_line():
    from bench.grid.executors.dask_blocks import run_blocks

    class Gone:
        def scheduler_info(self, **_):
            return {}  # as Dask's client says it

    with pytest.raises(RunError, match=r"lost the Dask workers \(their scheduler is gone\); finished runs are kept"):
        list(run_blocks(Gone(), {}, print, []))


@pytest.mark.slow
def test_a_scheduler_that_goes_away_is_one_line(outside, monkeypatch, tmp_path):
    from bench.grid.executors import dask as dask_executor

    begun = tmp_path / "begun"

    def work(job):
        begun.touch()
        threading.Event().wait()

    def kill_scheduler():
        while not begun.exists():
            time.sleep(0.01)
        scheduler.kill()

    address, scheduler = outside
    monkeypatch.setattr(dask_executor, "CONNECT_S", 60)
    threading.Thread(target=kill_scheduler, daemon=True).start()
    with (
        pytest.raises(RunError, match=r"lost the Dask workers .* finished runs are kept") as error,
        start_workers(Workers("dask", scheduler=address), "cpu", tmp_path) as reports,
    ):
        list(reports(work, [job_named("a"), job_named("b")]))
    assert "\n" not in str(error.value)
