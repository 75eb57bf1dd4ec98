"""A grid that is disturbed ends with the results of one that was not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from grid_tools import PATIENCE_S, assert_same_results, ended, override, wait_for_runs, wait_until_gone, write_spec

from bench.config import GridSpec
from bench.registry import file_version
from bench.store import Store

pytestmark = pytest.mark.timeout(4 * PATIENCE_S)


@pytest.fixture
def spec_file(light_spec, tmp_path) -> Path:
    return write_spec(light_spec, tmp_path / "light.yaml")


WAITING = '''
import time
from dataclasses import dataclass
from pathlib import Path
from bench.strategies.base import Algorithm
from bench.strategies.select import weighted_sample

@dataclass(frozen=True)
class Waits(Algorithm):
    """As random, once it may."""

    name, title, paper = "waits", "Waits", "none"

    def select(self, view, w, k):
        Path({reached!r}).touch()
        while not Path({go!r}).exists():
            time.sleep(0.01)
        return weighted_sample(w, k, view.priority)
'''


def test_a_grid_killed_midway_goes_on_and_ends_the_same(start, light_spec, run_grid, tmp_path):
    """It is killed in the third of eight runs, a query of which lasts until then."""
    from bench.plugins import add_plugin
    from bench.strategies.base import ALGORITHMS

    reached, go, plugin = (tmp_path / name for name in ("reached", "go", "waits.py"))
    plugin.write_text(WAITING.format(reached=str(reached), go=str(go)))
    add_plugin(plugin)
    try:
        spec = override(light_spec, seeds=2, algorithms=["random", "waits"], weightings=["uniform", "invprop"])
        store = tmp_path / "store"
        process = start(write_spec(spec, tmp_path / "two.yaml"), store, "--plugin", plugin)
        with ended(process):
            while not reached.exists():
                assert process.poll() is None, process.communicate()[0]
                time.sleep(0.01)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        go.touch()
        summary = run_grid(spec, store, plugins=(str(plugin),))
        assert (summary.stored_before, summary.done) == (2, 6)
        run_grid(spec, tmp_path / "undisturbed", plugins=(str(plugin),))
    finally:
        del ALGORITHMS._found["waits"]
    assert_same_results(tmp_path / "undisturbed", store)


@pytest.fixture(scope="module")
def four(light_spec) -> GridSpec:
    """Four blocks of twelve runs."""
    return override(light_spec, seeds=4)


@pytest.fixture(scope="module")
def undisturbed(four, run_grid, tmp_path_factory) -> Path:
    """A store with them; read only."""
    store = tmp_path_factory.mktemp("undisturbed") / "store"
    assert run_grid(four, store).done == 48
    return store


CTRL_C = (signal.SIGINT, os.killpg)
"""As a terminal sends it: to the driver and its workers."""
TERMINATION = (signal.SIGTERM, os.kill)
"""As schedulers and ``kill`` do."""


@pytest.mark.parametrize(
    ("how", "jobs", "learner"),
    [
        (CTRL_C, "1", "tfidf"),
        pytest.param(CTRL_C, "2", "tfidf", marks=pytest.mark.slow),
        pytest.param(CTRL_C, "1", "fine-tune", marks=pytest.mark.slow),
        pytest.param(TERMINATION, "1", "fine-tune", marks=pytest.mark.slow),
        pytest.param(TERMINATION, "2", "tfidf", marks=pytest.mark.slow),
    ],
)
def test_ctrl_c_and_sigterm_stop_a_grid_in_one_line_and_lose_nothing(start, light_spec, tmp_path, how, jobs, learner):
    """One worker computes in the driver's own process; where it fine-tunes, most of the time within a fit."""
    spec = write_spec(override(light_spec, learners=[learner], seeds=40), tmp_path / "many.yaml")
    process = start(spec, tmp_path / "store", "--jobs", jobs)
    with ended(process):
        wait_for_runs(tmp_path / "store", 2, process)
        number, send = how
        send(process.pid, number)
        output, _ = process.communicate(timeout=PATIENCE_S)
        wait_until_gone(process.pid)  # nobody goes on in secret
    assert process.returncode == 128 + number
    assert output.strip().splitlines()[-1] == "imbal-bench: stopped; finished runs are kept, the same command goes on"
    assert "Traceback" not in output
    assert Store(tmp_path / "store").valid_keys(Store(tmp_path / "store").keys())[1] == []


@pytest.mark.slow
def test_workers_of_a_killed_driver_stop_and_the_next_run_ends_the_same(start, four, undisturbed, tmp_path):
    spec, store = write_spec(four, tmp_path / "four.yaml"), tmp_path / "store"
    process = start(spec, store, "--jobs", "2")
    with ended(process):
        wait_for_runs(store, 3, process)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        wait_until_gone(process.pid)
        again = start(spec, store, "--jobs", "2")
        with ended(again):
            output, _ = again.communicate(timeout=PATIENCE_S)
    assert again.returncode == 0, output
    assert_same_results(undisturbed, store)


@pytest.mark.slow
def test_two_drivers_share_one_store(start, four, undisturbed, tmp_path):
    spec, store = write_spec(four, tmp_path / "four.yaml"), tmp_path / "store"
    both = [start(spec, store), start(spec, store)]
    with ended(both[0]), ended(both[1]):
        outputs = [process.communicate(timeout=PATIENCE_S)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert_same_results(undisturbed, store)
    finished = [line for output in outputs for line in output.splitlines() if " runs done in " in line]
    assert len(finished) == 2


def test_a_corrupt_result_is_set_aside_reported_and_run_again(light_finished, run_grid, light_spec, tmp_path):
    store = tmp_path / "store"
    shutil.copytree(light_finished, store)
    first, second, *_ = sorted(Store(store).keys())
    damaged = Store(store).file_of(first)
    damaged.write_bytes(damaged.read_bytes()[:500])
    probabilities = Store(store).file_of(second).with_suffix(".npy")
    probabilities.write_bytes(probabilities.read_bytes()[:-4])
    summary = run_grid(light_spec, store)
    assert (summary.stored_before, summary.done) == (10, 2)
    assert len(summary.set_aside) == 2
    assert all("set aside" in line and "\n" not in line for line in summary.set_aside)
    assert len(list((store / "aside").iterdir())) == 4
    assert_same_results(store, light_finished)


PLUGIN = """
from dataclasses import dataclass
import numpy as np
from bench.strategies.base import Algorithm
"""
BROKEN = '''
@dataclass(frozen=True)
class Broken{number}(Algorithm):
    """Breaks the contract."""

    name = "broken-{number}"
    title = "Broken"
    paper = "none"

    def select(self, view, w, k):
        {body}
'''
REASONS = {
    "raise ZeroDivisionError('by hand')": "ZeroDivisionError: by hand",
    "return np.zeros(k, dtype=int)": "algorithm 'broken-1' was asked for 6 distinct rows",
    "return view.probabilities": "the strategy asked for probabilities but declares needs = []",
    "raise SystemExit(0)": "algorithm 'broken-3' raised SystemExit(0), which would end the program",
    "raise KeyboardInterrupt": "algorithm 'broken-4' raised KeyboardInterrupt()",
    "raise GeneratorExit": "algorithm 'broken-5' raised GeneratorExit()",
}
"""What a strategy does -> what becomes of its run."""


def test_failing_strategies_fail_alone_with_their_reasons(light_spec, run_grid, tmp_path):
    from bench.plugins import add_plugin
    from bench.strategies.base import ALGORITHMS

    plugin = tmp_path / "broken.py"
    plugin.write_text(PLUGIN + "".join(BROKEN.format(number=i, body=body) for i, body in enumerate(REASONS)))
    names = [f"broken-{number}" for number in range(len(REASONS))]
    add_plugin(plugin)
    try:
        spec = override(light_spec, algorithms=[*names, "random"], weightings=["uniform"])
        summary = run_grid(spec, tmp_path / "store", plugins=(str(plugin),))
    finally:
        for name in names:
            del ALGORITHMS._found[name]
    assert (summary.done, summary.missing, len(summary.failures)) == (1, len(names), len(names))
    failed = {
        record.spec.strategy.algorithm.name: record.reason for record in Store(tmp_path / "store").records("failed")
    }
    for name, line, reason in zip(names, summary.failures, REASONS.values(), strict=True):
        assert reason in line
        assert reason in failed[name]
        assert "\n" not in failed[name]


def test_an_infeasible_task_is_recorded_as_skipped_with_its_counts(light_spec, run_grid, tmp_path):
    spec = override(light_spec, ratios=[10, 50], algorithms=["random"], pool={"limit": 100})
    summary = run_grid(spec, tmp_path / "store")
    assert (summary.done, summary.skipped, summary.missing) == (3, 3, 0)
    reasons = {record.reason for record in Store(tmp_path / "store").records("skipped")}
    assert len(reasons) == 1
    assert "leaves 2 positives, but 5 for the start set and 5 to find are needed" in reasons.pop()


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system of its own with 1 MiB; skips where it cannot be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip("no right to mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.slow
def test_a_full_disk_gives_one_line_and_loses_nothing(start, spec_file, small_disk, run_grid, light_spec, tmp_path):
    (small_disk / "ballast").write_bytes(b"x" * (960 * 1024))
    store = small_disk / "store"
    process = start(spec_file, store)
    with ended(process):
        output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2, output
    assert "No space left on device" in output.strip().splitlines()[-1]
    assert "Traceback" not in output
    stored = Store(store).keys()
    assert 0 < len(stored) < 12
    (small_disk / "ballast").unlink()
    summary = run_grid(light_spec, store)
    assert (summary.stored_before, summary.missing, summary.set_aside) == (len(stored), 0, [])
    run_grid(light_spec, tmp_path / "undisturbed")
    assert_same_results(tmp_path / "undisturbed", store)


CHANGING = '''
from dataclasses import dataclass
from pathlib import Path
from bench.strategies.base import Algorithm
from bench.strategies.select import weighted_sample

Path(__file__).write_text("raise SystemExit(0)")  # somebody saves the file while the grid runs

@dataclass(frozen=True)
class Mine(Algorithm):
    """As random."""

    name, title, paper = "mine", "Mine", "none"

    def select(self, view, w, k):
        return weighted_sample(w, k, view.priority)
'''


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["joblib", "dask"])
def test_a_plug_in_that_changes_while_a_grid_runs_alters_nothing(executor, start, light_spec, tmp_path):
    (tmp_path / "mine.py").write_text(CHANGING)
    version = file_version(tmp_path / "mine.py")
    spec = write_spec(override(light_spec, algorithms=["mine"], weightings=["uniform"]), tmp_path / "mine.yaml")
    process = start(spec, tmp_path / "store", "--executor", executor, "--plugin", tmp_path / "mine.py")
    with ended(process):
        output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, output
    (record,) = Store(tmp_path / "store").records()
    assert record.spec.strategy.algorithm.version == version
    assert file_version(tmp_path / "mine.py") != version
