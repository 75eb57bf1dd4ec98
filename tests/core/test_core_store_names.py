"""Writers that share a folder and a process id, as two containers on one volume do, do not meet in one file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest
from conftest import ROOT

from bench.errors import StoreError
from bench.records import SCHEMA_VERSION
from bench.store import Store
from bench.store.files import write_atomically

WRITERS = 4


def namespaces_differ() -> bool:
    """Return whether this user may start a process in a PID namespace of its own."""
    try:
        return subprocess.run(["unshare", "--pid", "--fork", "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def test_writers_with_one_process_id_do_not_touch_each_others_files(tmp_path, monkeypatch):
    """All are halfway through at once: their threads have the process id in common, as two containers may."""
    target, halfway, sync = tmp_path / "file", threading.Barrier(WRITERS), os.fsync
    contents = [bytes([65 + number]) * 10_000 * (number + 1) for number in range(WRITERS)]
    waiting = threading.local()
    failed: list[StoreError] = []

    def wait_once(descriptor: int) -> None:
        if not getattr(waiting, "over", False):
            waiting.over = True
            halfway.wait()
        sync(descriptor)

    def write(content: bytes) -> None:
        try:
            write_atomically(target, content)
        except StoreError as error:
            failed.append(error)

    monkeypatch.setattr(os, "fsync", wait_once)
    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert target.read_bytes() in contents
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


OPENER = """
import os, sys, time
from pathlib import Path
from bench.store import Store

root, own = Path(sys.argv[1]), sys.argv[2]
for number in range(40):
    (root / f"ready-{number}-{own}").touch()
    while len(list(root.glob(f"ready-{number}-*"))) < int(sys.argv[3]):
        time.sleep(0.001)  # a busy machine has no processor for whoever only waits
    try:
        Store(root / f"store-{number}", create=True)
    except Exception as error:
        print(error)
print("pid", os.getpid())
"""


@pytest.mark.skipif(not namespaces_differ(), reason="needs the right to start a process in a PID namespace")
def test_containers_that_open_a_new_store_at_once_all_succeed(tmp_path):
    """Each process has a PID namespace of its own, and so the same process id as the others."""
    processes = [
        subprocess.Popen(
            ["unshare", "--pid", "--fork", sys.executable, "-c", OPENER, tmp_path, str(number), "3"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    outputs = [process.communicate()[0].splitlines() for process in processes]
    assert [len(lines) for lines in outputs] == [1, 1, 1], outputs
    assert len({lines[0] for lines in outputs}) == 1  # else this would have shown nothing
    for number in range(40):
        store = tmp_path / f"store-{number}"
        assert [path.name for path in store.iterdir()] == ["store.json"]
        assert Store(store).keys() == set()
        assert json.loads((store / "store.json").read_bytes()) == {"schema_version": SCHEMA_VERSION}


def test_a_file_is_as_readable_as_any_that_its_owner_makes(tmp_path):
    before = os.umask(0o022)
    try:
        write_atomically(tmp_path / "file", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644
