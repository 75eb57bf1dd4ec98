"""Work that costs workers is counted and given up; work that hangs is ended."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager

import pytest

from bench.errors import RunError
from bench.grid.messages import BlockReport
from bench.grid.worker.attempts import DEATHS_ALLOWED, Attempts, time_limit
from bench.store import Store


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store", create=True)


def status_of_child(action) -> int:
    """Run an action in a forked process; return how that ended: an exit code, or minus a signal."""
    child = os.fork()
    if child == 0:  # nothing of pytest may run on here
        try:
            action()
        finally:
            os._exit(77)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_only_deaths_count_and_a_few_of_them_are_enough(store):
    attempts = Attempts(store, "call")

    def die():
        with attempts.counted("work"):
            os.kill(os.getpid(), signal.SIGKILL)

    for _ in range(DEATHS_ALLOWED):
        assert attempts.why_given_up("work") == ""
        assert status_of_child(die) == -signal.SIGKILL
    assert "its worker died 3 times" in attempts.why_given_up("work")
    assert attempts.why_given_up("other work") == ""
    assert Attempts(store, "next call").why_given_up("work") == ""


def test_an_end_or_a_failure_is_no_death(store):
    attempts = Attempts(store, "call")
    for _ in range(DEATHS_ALLOWED + 1):
        with attempts.counted("work"):
            pass
        with pytest.raises(ZeroDivisionError), attempts.counted("work"):
            raise ZeroDivisionError
    assert attempts.why_given_up("work") == ""
    assert list((store.path / "attempts").iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"[]", b'{"call": "call"}', b'{"call": "call", "started": "x"}'])
def test_a_damaged_note_counts_nothing(store, content):
    attempts = Attempts(store, "call")
    attempts.give_up("work", "because")
    assert attempts.why_given_up("work") == "because"
    (store.path / "attempts" / "work.json").write_bytes(content)
    assert attempts.why_given_up("work") == ""


def test_what_takes_too_long_ends_its_process_after_a_last_word(store, tmp_path):
    attempts, log = Attempts(store, "call"), tmp_path / "log"

    def hang():
        with time_limit(0.1, log, lambda: attempts.give_up("work", "too long")):
            threading.Event().wait()

    assert status_of_child(hang) == 1
    assert attempts.why_given_up("work") == "too long"
    assert "in hang" in log.read_text()  # the stacks of all threads


@pytest.mark.parametrize("seconds", [None, 1000.0])
def test_what_is_quick_enough_goes_on(tmp_path, seconds):
    running = threading.active_count()
    with time_limit(seconds, tmp_path / "log", pytest.fail):
        assert threading.active_count() == running + (seconds is not None)
    while threading.active_count() > running:  # the timer's thread, which ends when it is cancelled
        time.sleep(0.001)
    assert list(tmp_path.iterdir()) == []


# Deaths, as the driver sees them


@pytest.fixture
def killed(light_spec, run_grid, monkeypatch, tmp_path):
    """Run a small grid by workers that all die: before they begin, or (``begun``) in the work that it names."""

    def run(begun=lambda _: None) -> int:
        deaths = 0

        @contextmanager
        def start_workers(*_):
            def reports(work, jobs):
                nonlocal deaths
                for job in jobs:
                    if name := begun(job):
                        attempts = Attempts(Store(work.keywords["context"].store), work.keywords["context"].call)
                        if attempts.why_given_up(name):
                            yield BlockReport(str(job.block))
                            continue
                        attempts._write(name, attempts.begun(name) + 1)  # as a worker that dies leaves it
                    deaths += 1
                    yield BlockReport(str(job.block), lost=True)

            yield reports

        monkeypatch.setattr("bench.grid.driver.execute.BUSY_POLL_S", 0)
        monkeypatch.setattr("bench.grid.driver.execute.start_workers", start_workers)
        run_grid(light_spec, tmp_path / "store")
        return deaths

    return run


def test_workers_that_die_before_they_begin_end_the_grid_in_one_line(killed):
    with pytest.raises(RunError, match=r"10 workers in a row died before they began to work, .*law") as it:
        killed()
    assert "\n" not in str(it.value)


def test_deaths_in_work_that_has_begun_give_up_that_work_and_not_the_grid(killed, tmp_path):
    assert killed(begun=lambda job: job.name) == DEATHS_ALLOWED
    (told,) = tmp_path.glob("store/**/*.log")
    line = "a worker was killed (out of memory, or from outside); toy/law 1/10 seed"
    assert told.read_text().count(line) == DEATHS_ALLOWED
