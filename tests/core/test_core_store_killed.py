"""What the store promises when processes are killed, and when there are several of them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from kill_tools import folders_after_kills

import bench.store
from bench.records import RunRecord
from bench.store import Store

ROOT = Path(__file__).parents[2]
FOLDER = str(Path(bench.store.__file__).parent)
PROBABILITIES = np.linspace(0, 1, 30, dtype=np.float32).reshape(3, 10)


def after_every_kill(
    tmp_path: Path, prepare: Callable[[Store], object], action: Callable[[Store], object]
) -> Iterator[tuple[Store, bool]]:
    """Yield a prepared store after a kill before each line of an action on it, and after no kill.

    Yields:
        the store, and whether the action was killed.
    """
    store = Store(tmp_path / "store", create=True)
    prepare(store)
    for folder, killed in folders_after_kills(store.path, lambda: action(Store(store.path)), FOLDER):
        yield Store(folder), killed


@pytest.fixture
def _no_sync(monkeypatch):
    """Kills lose nothing that was handed to the operating system; waiting for the disk only costs time."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.mark.usefixtures("_no_sync")
def test_a_writer_killed_at_any_line_leaves_a_whole_run_or_none(tmp_path, a_record, key):
    seen = set()
    for store, killed in after_every_kill(
        tmp_path, lambda store: None, lambda store: store.write(a_record(), PROBABILITIES)
    ):
        listed = store.keys()
        assert store.valid_keys(listed) == (listed, [])
        assert listed or killed
        seen.add(bool(listed))
        assert store.write(a_record(), PROBABILITIES) == store.read(key)  # and what is left is in nobody's way
        assert store.valid_keys([key]) == ({key}, [])
    assert seen == {True, False}


@pytest.mark.usefixtures("_no_sync")
def test_a_failure_killed_on_its_way_to_success_is_never_forgotten(tmp_path, a_record, key):
    for store, killed in after_every_kill(
        tmp_path,
        lambda store: store.write(a_record(status="failed", reason="x")),
        lambda store: store.write(a_record(), PROBABILITIES),
    ):
        assert key in store.keys() | store.keys("failed")
        assert killed or not store.keys("failed")


@pytest.mark.usefixtures("_no_sync")
def test_a_run_written_anew_is_old_or_new_or_set_aside_but_never_a_mixture(tmp_path, a_record, key):
    old, new = PROBABILITIES, 1 - PROBABILITIES
    for store, _ in after_every_kill(
        tmp_path,
        lambda store: store.write(a_record(seconds=1.0), old),
        lambda store: store.write(a_record(seconds=2.0), new),
    ):
        valid, lines = store.valid_keys([key])
        assert len(valid) + len(lines) == 1
        if valid:
            record = store.read(key)
            np.testing.assert_array_equal(store.test_probabilities(record), old if record.seconds == 1.0 else new)


@pytest.mark.usefixtures("_no_sync")
def test_a_store_whose_making_was_killed_at_any_line_can_be_made(tmp_path):
    place = tmp_path / "store"
    for folder, _ in folders_after_kills(place, lambda: Store(place, create=True), FOLDER):
        assert Store(folder, create=True).keys() == set()


@pytest.mark.usefixtures("_no_sync")
def test_setting_aside_killed_at_any_line_leaves_no_run_that_counts(tmp_path, a_record, key):
    def prepare(store):
        store.write(a_record(), PROBABILITIES)
        store.file_of(key).with_suffix(".npy").write_bytes(b"damaged")

    for store, _ in after_every_kill(tmp_path, prepare, lambda store: store.valid_keys([key])):
        listed = store.keys()
        assert key not in listed or store.file_of(key).with_suffix(".npy").exists()  # the record goes first
        assert store.valid_keys([key])[0] == set()
        assert store.keys() == set()


WRITER = """
import sys
import numpy as np
from bench.records import RunRecord
from bench.store import Store

store, template = Store(sys.argv[1]), RunRecord.model_validate_json(sys.argv[2])
rng = np.random.default_rng(int(sys.argv[3]))
print("ready", flush=True)
for number in range(int(sys.argv[4])):
    block = template.spec.block.model_copy(update={"seed": number})
    spec = template.spec.model_copy(update={"block": block})
    record = template.model_copy(update={"spec": spec, "key": spec.key("f"), "start_rows": tuple(range(20_000))})
    store.write(record, np.full((6, 20_000), number, dtype=np.float32))
"""


@contextmanager
def writers(store: Store, template: RunRecord, *, count: int, runs: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Start processes that write the same runs into a store; kill what is left of them."""
    arguments = [str(store.path), template.model_dump_json()]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, *arguments, str(number), str(runs)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    try:
        for process in started:
            assert process.stdout.readline() == "ready\n"
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def test_of_writers_killed_at_any_time_every_listed_run_is_whole(store, a_record):
    with writers(store, a_record(), count=2, runs=100_000) as processes:
        for number, process in enumerate(processes, start=1):
            while len(store.keys()) < 5 * number:
                time.sleep(0.01)
            process.kill()
            process.wait()
    assert store.valid_keys(store.keys()) == (store.keys(), [])
    for record in store.records():
        assert (store.test_probabilities(record) == record.spec.block.seed).all()


def test_two_processes_that_write_the_same_runs_do_not_disturb_each_other(store, a_record):
    with writers(store, a_record(), count=2, runs=12) as processes:
        assert [process.wait() for process in processes] == [0, 0]
    assert len(store.keys()) == 12
    assert store.valid_keys(store.keys()) == (store.keys(), [])
    assert not list(store.path.rglob("*.tmp"))


# Claims

CLAIMER = """
import sys
from bench.store import Store
with Store(sys.argv[1]).claim("block") as mine:
    print(mine, flush=True)
    sys.stdin.readline()
"""


@contextmanager
def claimer(store: Store) -> Iterator[tuple[subprocess.Popen[str], bool]]:
    """Start a process that claims ``block`` and keeps it; yield it and whether it got the claim."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLAIMER, str(store.path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, process.stdout.readline() == "True\n"
    finally:
        process.kill()
        process.communicate()


def test_a_claim_is_exclusive_across_processes_and_goes_with_its_holder(store):
    with claimer(store) as (holder, held):
        assert held
        with store.claim("block") as mine:
            assert not mine
        with store.claim("another block") as mine:
            assert mine
        with claimer(store) as (_, second_held):
            assert not second_held
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with store.claim("block") as mine:
        assert mine


def test_a_claim_is_exclusive_within_a_process_and_can_be_taken_again(store):
    for _ in range(2):
        with store.claim("block") as first, store.claim("block") as second:
            assert (first, second) == (True, False)


def test_a_claim_is_released_when_the_work_fails_and_lets_its_error_pass(store):
    with pytest.raises(OSError, match="of the work"), store.claim("block"):
        raise OSError("of the work")
    with store.claim("block") as mine:
        assert mine
