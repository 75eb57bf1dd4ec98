"""Faults that cost worker processes or drivers, on loky and on Dask: the rest finishes, and equals the undisturbed."""

from __future__ import annotations

import os
import signal

import pytest
from grid_tools import PATIENCE_S, assert_same_results, ended, override, wait_for_runs, wait_until_gone, write_spec

from bench.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(4 * PATIENCE_S)]
EXECUTORS = ["joblib", "dask"]

PLUGIN = '''
import os, signal, time
from dataclasses import dataclass
from bench.strategies.base import Algorithm

@dataclass(frozen=True)
class Killer(Algorithm):
    """Kills whoever runs it, as the operating system does for want of memory."""

    name, title, paper = "killer", "Killer", "none"

    def select(self, view, w, k):
        os.kill(os.getpid(), signal.SIGKILL)

@dataclass(frozen=True)
class Hanging(Algorithm):
    """Never comes to an end."""

    name, title, paper = "hanging", "Hanging", "none"

    def select(self, view, w, k):
        time.sleep(10_000)
'''


@pytest.fixture(scope="module")
def small_spec(light_spec):
    """Eight blocks of four quick runs."""
    return override(light_spec, seeds=8, algorithms=["random", "margin"], weightings=["uniform", "invprop"])


@pytest.fixture(scope="module")
def undisturbed(small_spec, run_grid, tmp_path_factory):
    """A store with its runs; read only."""
    store = tmp_path_factory.mktemp("undisturbed") / "store"
    assert run_grid(small_spec, store).done == 32
    return store


@pytest.mark.parametrize("executor", EXECUTORS)
def test_runs_that_kill_or_hang_are_given_up_and_the_rest_finishes(executor, start, small_spec, run_grid, tmp_path):
    (tmp_path / "bad.py").write_text(PLUGIN)
    good = override(small_spec, seeds=1, algorithms=["random"], weightings=["uniform"])
    spec = write_spec(override(good, algorithms=["killer", "hanging", "random"]), tmp_path / "bad.yaml")
    more = ["--executor", executor, "--plugin", tmp_path / "bad.py", "--run-timeout", "15"]
    process = start(spec, tmp_path / "store", *more)
    with ended(process):
        output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1, output
    assert "2 runs failed; the same command tries them again" in output
    reasons = {(r.spec.strategy.algorithm.name, r.reason) for r in Store(tmp_path / "store").records("failed")}
    assert reasons == {
        ("killer", "its worker died 3 times in it, perhaps out of memory; use fewer workers or a smaller pool"),
        ("hanging", "it took longer than the 15.0 s of --run-timeout"),
    }
    run_grid(good, tmp_path / "good")
    assert_same_results(tmp_path / "good", tmp_path / "store")


def test_a_killed_dask_worker_is_replaced_and_nothing_is_lost(start, small_spec, undisturbed, tmp_path):
    store = tmp_path / "store"
    process = start(write_spec(small_spec, tmp_path / "s.yaml"), store, "--executor", "dask", "--jobs", "2")
    with ended(process):
        wait_for_runs(store, 2, process)
        worker = next(path.stem.rpartition("-")[2] for path in (store / "live").glob("*.json"))
        os.kill(int(worker), signal.SIGKILL)
        output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, output
    assert_same_results(undisturbed, store)


def test_workers_of_a_killed_dask_driver_stop_and_the_next_run_ends_the_same(
    start, small_spec, undisturbed, run_grid, tmp_path
):
    store = tmp_path / "store"
    process = start(write_spec(small_spec, tmp_path / "s.yaml"), store, "--executor", "dask", "--jobs", "2")
    with ended(process):
        wait_for_runs(store, 2, process)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        wait_until_gone(process.pid)
    stored = len(Store(store).keys())
    assert run_grid(small_spec, store).stored_before == stored
    assert_same_results(undisturbed, store)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_ctrl_c_is_one_line(executor, start, light_spec, tmp_path):
    store, spec = tmp_path / "store", write_spec(override(light_spec, seeds=40), tmp_path / "s.yaml")
    process = start(spec, store, "--executor", executor, "--jobs", "2")
    with ended(process):
        wait_for_runs(store, 2, process)
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert output.strip().splitlines()[-1] == "imbal-bench: stopped; finished runs are kept, the same command goes on"
    assert "Traceback" not in output


def test_one_worker_two_workers_and_dask_give_the_same_to_the_last_bit(tiny_spec, run_grid, start, tmp_path):
    """Fine-tuning, whose results hang on more than those of a linear model."""
    small = override(tiny_spec, seeds=2, algorithms=["random", "badge"], weightings=["uniform", "invprop"])
    spec = write_spec(small, tmp_path / "s.yaml")
    run_grid(small, tmp_path / "undisturbed")
    for executor, jobs in (("joblib", 2), ("dask", 2)):
        process = start(spec, tmp_path / executor, "--executor", executor, "--jobs", str(jobs))
        with ended(process):
            output, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, output
        assert_same_results(tmp_path / "undisturbed", tmp_path / executor)


def test_shards_share_a_store_and_make_up_the_grid(small_spec, undisturbed, start, tmp_path):
    spec = write_spec(small_spec, tmp_path / "s.yaml")
    both = [start(spec, tmp_path / "store", "--shard", f"{number}/2") for number in (1, 2)]
    with ended(both[0]), ended(both[1]):
        outputs = [process.communicate(timeout=PATIENCE_S)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert all("16 of 16 runs stored" in output for output in outputs)
    assert_same_results(undisturbed, tmp_path / "store")
