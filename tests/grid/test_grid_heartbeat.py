"""What workers say they are doing, and how it is known that one of them is dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT

from bench.grid.worker import heartbeat
from bench.grid.worker.heartbeat import Beat, Heartbeat, beats, is_of_this_host, process_name
from bench.store import Store


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store", create=True)


WORKER = """
import socket, sys
from bench.grid.worker.heartbeat import Heartbeat, process_name
from bench.store import Store

socket.gethostname = lambda: "node"
heart = Heartbeat(Store(sys.argv[1]))
heart.beat(sys.argv[2], "fit")
print(process_name(), flush=True)
sys.stdin.readline()
"""


def worker(store: Store, what: str, *before: str) -> tuple[subprocess.Popen[str], str]:
    """Start a process on a host called ``node`` that says what it does; return it and its name, once that is said."""
    process = subprocess.Popen(
        [*before, sys.executable, "-c", WORKER, store.path, what],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    return process, process.stdout.readline().strip()


def test_what_a_worker_does_is_shown_until_it_stops(store):
    heart = Heartbeat(store)
    heart.beat("toy/law", "fit")
    heart.beat("toy/law", "score", key="k", fraction=0.25)
    assert [(beat.what, beat.stage, beat.fraction) for beat in beats(store)] == [("toy/law", "score", 0.25)]
    heart.stop()
    assert beats(store) == []
    assert list((store.path / "live").iterdir()) == []


@pytest.mark.parametrize("before", [(), ("unshare", "--pid", "--fork", "--kill-child")], ids=["here", "container"])
def test_a_killed_worker_is_seen_to_be_dead_and_one_of_the_same_name_alive(store, before, monkeypatch):
    """Also from outside its PID namespace, where its process id is somebody else's or nobody's."""
    if before and subprocess.run([*before, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to start a process in a PID namespace")
    monkeypatch.setattr("socket.gethostname", lambda: "node")
    (one, first), (other, second) = (worker(store, what, *before) for what in ("one", "other"))
    try:
        assert first != second
        if before:  # the same host name and the same process id
            assert first.rpartition("-")[2] == second.rpartition("-")[2]
        assert sorted(beat.what for beat in beats(store)) == ["one", "other"]
        os.killpg(one.pid, signal.SIGKILL)
        one.wait()
        while len(beats(store)) > 1:  # of a namespace, the kernel ends the last process after its parent
            time.sleep(0.01)
        assert [beat.what for beat in beats(store)] == ["other"]
    finally:
        for process in (one, other):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def test_looking_at_a_store_writes_nothing(store):
    (store.path / "live").mkdir()
    beat = Beat(what="a", stage="b", key="", fraction=0, time=time.time())
    (store.path / "live" / "node-0-1.json").write_text(beat.model_dump_json())
    assert beats(store) == [beat]  # without a lock beside it nothing is known but when it was written
    assert [path.name for path in (store.path / "live").iterdir()] == ["node-0-1.json"]
    old = beat.model_copy(update={"time": time.time() - heartbeat.STALE_AFTER_S - 1})
    (store.path / "live" / "node-0-1.json").write_text(old.model_dump_json())
    assert beats(store) == []


def test_a_name_belongs_to_one_process_and_tells_its_host(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "node-7")
    name = process_name()
    assert name == process_name()
    assert name.startswith("node-7-")
    assert name.endswith(f"-{os.getpid()}")
    assert is_of_this_host(name)
    monkeypatch.setattr("socket.gethostname", lambda: "node")  # a beginning of the other host's name
    assert not is_of_this_host(name)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, process_name().encode())
        os._exit(0)
    os.waitpid(child, 0)
    forked = os.read(read, 200).decode()
    assert forked.rsplit("-", 2)[1] != name.rsplit("-", 2)[1]
