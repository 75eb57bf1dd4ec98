"""What the store promises on a disk that is full or read-only."""

import errno
import os
import resource
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest

from bench.errors import BenchError, StoreError
from bench.store import Store
from bench.store.files import write_atomically

PROBABILITIES = np.linspace(0, 1, 30, dtype=np.float32).reshape(3, 10)


def files_of(store: Store) -> dict[str, bytes]:
    return {str(path.relative_to(store.path)): path.read_bytes() for path in store.path.rglob("*") if path.is_file()}


def one_line(error: pytest.ExceptionInfo[BenchError]) -> str:
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def disk_full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_fails_keeps_the_old_content_and_leaves_no_temporary_file(store, monkeypatch, call, a_record, key):
    store.write(a_record(seconds=1.0), PROBABILITIES)
    before = files_of(store)
    monkeypatch.setattr(os, call, disk_full)
    with pytest.raises(StoreError) as caught:
        store.write(a_record(seconds=2.0), 1 - PROBABILITIES)
    monkeypatch.undo()
    assert "No space left on device; free some space" in one_line(caught)
    assert str(store.file_of(key).with_suffix(".npy")) in str(caught.value)
    assert files_of(store) == before
    assert store.valid_keys([key]) == ({key}, [])


def test_a_write_that_is_interrupted_leaves_no_temporary_file(store, monkeypatch, a_record):
    def interrupted(_):
        raise KeyboardInterrupt

    before = files_of(store)
    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.write(a_record(), PROBABILITIES)
    assert files_of(store) == before


def test_a_run_whose_record_does_not_fit_after_its_probabilities_does_not_exist(store, monkeypatch, a_record, key):
    calls = []
    real = os.replace

    def first_only(*arguments):
        calls.append(arguments)
        return real(*arguments) if len(calls) == 1 else disk_full()

    monkeypatch.setattr(os, "replace", first_only)
    with pytest.raises(StoreError):
        store.write(a_record(), PROBABILITIES)
    monkeypatch.undo()
    assert store.keys() == set()
    assert store.valid_keys([key]) == (set(), [])


def test_content_is_on_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    """A power cut after the rename must not find an empty file of the final name: fsync comes first."""
    order = []
    real_sync, real_replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append("sync"), real_sync(fd))[1])
    monkeypatch.setattr(os, "replace", lambda *paths: (order.append("replace"), real_replace(*paths))[1])
    write_atomically(tmp_path / "x", b"content")
    assert order == ["sync", "replace", "sync"]  # the last is of the folder, for the name


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """Let the operating system refuse, in mid-write, every file that grows beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_cut_short_by_the_operating_system_leaves_nothing_behind(store, a_record):
    store.write(a_record(seconds=1.0), PROBABILITIES)
    before = files_of(store)
    with files_limited_to(4096), pytest.raises(StoreError) as caught:
        store.write(a_record(seconds=2.0), np.zeros((6, 50_000), dtype=np.float32))
    assert "File too large" in one_line(caught)
    assert files_of(store) == before


@contextmanager
def mounted(folder: Path) -> Iterator[None]:
    """Mount a small memory disk; skip where that is not allowed."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    allowed = sys.platform == "linux" and os.geteuid() == 0
    if not allowed or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount a memory disk")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_fills_up_loses_no_finished_run(tmp_path, a_record):
    with mounted(tmp_path / "disk"):
        store = Store(tmp_path / "disk" / "store", create=True)
        with pytest.raises(StoreError) as caught:
            deque(store.write(a_record(seed), PROBABILITIES) for seed in range(1000))
        assert "No space left on device; free some space" in one_line(caught)
        listed = store.keys()
        assert len(listed) > 3
        assert store.valid_keys(listed) == (listed, [])
        assert not list(store.path.rglob("*.tmp"))


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Refuse all writing in a folder and below; root is refused only on a disk of its own."""
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    is_root = os.geteuid() == 0
    if is_root:
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    for path in () if is_root else folders:
        path.chmod(0o500)
    yield
    for path in () if is_root else folders:
        path.chmod(0o700)


def test_a_read_only_store_can_be_read_and_says_so_when_written(tmp_path, a_record):
    folder = tmp_path / "disk"
    folder.mkdir()
    with mounted(folder) if os.geteuid() == 0 else nullcontext():
        store = Store(folder / "store", create=True)
        good = store.write(a_record(0), PROBABILITIES)
        bad = store.write(a_record(1), PROBABILITIES)
        store.write(a_record(2, "failed", reason="x"))
        store.file_of(bad.key).write_text("damaged")
        with read_only(folder):
            assert Store(folder / "store", create=True).keys() == {good.key, bad.key}
            assert store.valid_keys([good.key]) == ({good.key}, [])
            for refused in (
                lambda: store.write(a_record(3), PROBABILITIES),
                lambda: store.valid_keys([bad.key]),
                lambda: store.set_aside(good.key),
                lambda: store.claim("block").__enter__(),
                lambda: Store(folder / "new", create=True),
            ):
                with pytest.raises(StoreError) as caught:
                    refused()
                assert "choose a writable folder" in one_line(caught)


def test_a_failure_that_cannot_be_removed_is_told(store, monkeypatch, a_record, key):
    store.write(a_record(status="failed", reason="x"))
    monkeypatch.setattr(Path, "unlink", disk_full)
    with pytest.raises(StoreError, match=f"cannot remove .*{key}"):
        store.write(a_record(), PROBABILITIES)


def test_a_written_file_is_the_content_and_nothing_else(tmp_path):
    for content in (b"old", bytes(range(256)) * 100):
        write_atomically(tmp_path / "deep" / "x.bin", content)
        assert (tmp_path / "deep" / "x.bin").read_bytes() == content
        assert [path.name for path in (tmp_path / "deep").iterdir()] == ["x.bin"]
