"""The result store: a folder with one JSON per run and, beside it, the run's test probabilities.

Layout::

    store.json                    schema version
    runs/ab/<key>.json            finished runs; <key>.npy holds (rounds + 1, n_test) float32 test probabilities
    failed/<key>.json             the last failure of a run: never taken for a result, tried again
    skipped/<key>.json            runs of an infeasible task, with the reason
    aside/                        files that could not be read, kept for inspection
    live/                         what each worker is doing now;  locks/  who works on which block;  logs/
    gates/<hash>.json             plans of ``regress``, on record before their first look

Every file is written to a temporary name, flushed to disk and renamed, so a reader sees all of it or nothing.
The JSON is written last: a run exists when its JSON does. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout
from pydantic import ValidationError

from bench.errors import CorruptRecordError, StoreError
from bench.records import SCHEMA_VERSION, RunRecord, Status

_FOLDERS: dict[Status, str] = {"ok": "runs", "failed": "failed", "skipped": "skipped"}


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all.

    Raises:
        StoreError: if the disk is full or read-only; a temporary file is removed, the old content stays.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with _as_store_error(f"write {path}"):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)  # noqa: PTH105 - the atomic call, named as such
            _sync_folder(path.parent)
        except BaseException:  # Ctrl-C too leaves no temporary file
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


@contextmanager
def _as_store_error(action: str) -> Iterator[None]:
    """Turn what the operating system refuses into one line that says what to do."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot {action}: {error.strerror or error}; free some space or choose a writable folder, "
            "then run the same command again: finished runs are kept"
        ) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Store:
    """Finished, failed and skipped runs in a folder; safe for several processes at once."""

    def __init__(self, path: str | Path, *, create: bool = False) -> None:
        """Open a store.

        Raises:
            StoreError: if there is none (and ``create`` is False), it is of another version, or not writable.
        """
        self.path = Path(os.path.expanduser(path))  # noqa: PTH111 - leaves the ~ of an unknown user as it is
        self._marker = self.path / "store.json"
        if create and self._schema_version() is None:
            self._create()
        version = self._schema_version()
        if version is None:
            raise StoreError(f"no result store at {self.path}; run a grid first, or give --store PATH")
        if version != SCHEMA_VERSION:
            raise StoreError(
                f"{self.path} was written by another version of imbal-bench: its schema is {version!r}, this one "
                f"reads and writes {SCHEMA_VERSION}; use the version that wrote it, or choose another folder"
            )

    def _schema_version(self) -> object:
        """Return what the store's marker says, or None if there is no marker."""
        try:
            return json.loads(self._marker.read_bytes())["schema_version"]
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StoreError(f"cannot read {self._marker}: {error.strerror}") from error
        except (ValueError, TypeError, KeyError):
            raise StoreError(f"{self._marker} does not mark a result store; choose another folder") from None

    def _create(self) -> None:
        """Mark a new or empty folder as a store; another process may be doing the same."""
        with _as_store_error(f"make a store at {self.path}"):
            self.path.mkdir(parents=True, exist_ok=True)
            foreign = [path for path in self.path.iterdir() if not path.name.startswith(f".{self._marker.name}.")]
        if foreign and self._schema_version() is None:
            raise StoreError(f"{self.path} is neither empty nor a result store; choose another folder")
        write_atomically(self._marker, b'{"schema_version": %d}\n' % SCHEMA_VERSION)

    def file_of(self, key: str, status: Status = "ok") -> Path:
        """Return where the record of a key lies."""
        folder = self.path / _FOLDERS[status]
        return folder / key[:2] / f"{key}.json" if status == "ok" else folder / f"{key}.json"

    def write(self, record: RunRecord, test_probabilities: npt.NDArray[np.float32] | None = None) -> RunRecord:
        """Store a record for good; return it as stored (with the hash of its test probabilities)."""
        path = self.file_of(record.key, record.status)
        if test_probabilities is not None:
            buffer = io.BytesIO()
            np.save(buffer, np.asarray(test_probabilities, dtype=np.float32), allow_pickle=False)
            content = buffer.getvalue()
            sha = hashlib.sha256(content).hexdigest()
            record = record.model_copy(update={"test_probabilities_sha256": sha})
            write_atomically(path.with_suffix(".npy"), content)
        write_atomically(path, record.model_dump_json(indent=1).encode() + b"\n")
        if record.status == "ok":
            for stale in ("failed", "skipped"):
                path = self.file_of(record.key, stale)
                with _as_store_error(f"remove {path}"):
                    path.unlink(missing_ok=True)
        return record

    def keys(self, status: Status = "ok") -> set[str]:
        """Return the keys of all records of a status, by listing; no file is opened."""
        folder = self.path / _FOLDERS[status]
        pattern = "*/*.json" if status == "ok" else "*.json"
        return {path.stem for path in folder.glob(pattern)}

    def read(self, key: str, status: Status = "ok") -> RunRecord:
        """Return a stored record.

        Raises:
            CorruptRecordError: if the file is truncated, foreign, or of another version.
            StoreError: if there is no such record.
        """
        path = self.file_of(key, status)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise StoreError(f"no {status} record {key} in {self.path}") from None
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}") from error
        try:
            record = RunRecord.model_validate_json(content)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            at = f", see field {field!r}" if field else ""
            raise CorruptRecordError(f"{path} is not a run record{at}: {first['msg']}") from None
        if record.key != key or record.status != status:
            raise CorruptRecordError(f"{path} holds the {record.status} record {record.key!r}, not its own name")
        return record

    def test_probabilities(self, record: RunRecord) -> npt.NDArray[np.float32]:
        """Return (rounds + 1, n_test) probabilities of the positive class on the test set, checked by hash."""
        path = self.file_of(record.key).with_suffix(".npy")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CorruptRecordError(f"cannot read {path}: {error.strerror}") from None
        if hashlib.sha256(content).hexdigest() != record.test_probabilities_sha256:
            raise CorruptRecordError(f"{path} does not match the hash in its record")
        try:
            array: npt.NDArray[np.float32] = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
        except ValueError:
            raise CorruptRecordError(f"{path} is not a NumPy array of numbers") from None
        return array

    def records(self, status: Status = "ok") -> Iterator[RunRecord]:
        """Yield all records of a status in the order of their keys; a file that cannot be read raises."""
        for key in sorted(self.keys(status)):
            yield self.read(key, status)

    def sound_keys(self, wanted: Iterable[str]) -> tuple[set[str], list[str]]:
        """Return which of the wanted runs are stored and sound, and a line for each file that was set aside.

        A run whose JSON or probabilities cannot be read is moved to ``aside/``, so that it is run again.
        """
        sound, lines = set(), []
        for key in sorted(self.keys() & set(wanted)):
            try:
                self.test_probabilities(self.read(key))
                sound.add(key)
            except CorruptRecordError as error:
                self.set_aside(key)
                lines.append(f"{error}; set aside and to be run again")
            except StoreError:
                if self.file_of(key).exists():
                    raise
                # else: it went since it was listed, another process set it aside
        return sound, lines

    def set_aside(self, key: str) -> None:
        """Move a run's files to ``aside/``."""
        aside, stamp = self.path / "aside", time.time_ns()
        with _as_store_error(f"move {self.file_of(key)} to {aside}"):
            aside.mkdir(exist_ok=True)
            for suffix in (".json", ".npy"):
                path = self.file_of(key).with_suffix(suffix)
                with suppress(FileNotFoundError):
                    os.replace(path, aside / f"{key}.{stamp}{suffix}")  # noqa: PTH105 - the atomic call

    @contextmanager
    def claim(self, name: str) -> Iterator[bool]:
        """Hold the lock of a block for this process; yield False if another process holds it.

        The lock is the operating system's: it goes when its process dies, however it dies.

        Raises:
            StoreError: if the store cannot be written.
        """
        folder = self.path / "locks"
        lock = FileLock(folder / f"{name}.lock")
        with _as_store_error(f"lock {name} in {folder}"):
            folder.mkdir(exist_ok=True)
            with suppress(Timeout):
                lock.acquire(timeout=0)
        try:
            yield lock.is_locked
        finally:
            lock.release()
