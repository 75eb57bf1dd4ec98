"""The result store: a folder with one JSON per run and, next to it, the run's test probabilities.

Layout::

    store.json                    schema version, and the end of the ledger
    runs/ab/<key>.json            finished runs; <key>.npy holds (rounds + 1, n_test) float32 test probabilities
    packed/<hash>.parquet         finished runs too: many in one file (see :mod:`bench.store.compact`)
    data/                         and published ones, without what is large (see :mod:`bench.store.published`)
    failed/<key>.json             the last failure of a run: never taken for a result, tried again
    skipped/<key>.json            runs of an infeasible task, with the reason
    labels/                       test labels, once for each task (see :mod:`bench.store.labels`)
    replicates/                   other results of the same runs, from other stores (see :mod:`bench.store.merge`)
    aside/                        files that could not be read, kept for inspection
    sound.json                    files that passed verification, and need not be read again; may be thrown away
    live/                         what each worker is doing now;  locks/  who works on which block;  logs/
    gates/ledger.jsonl            plans and analyses of ``regress``, append-only (see :mod:`bench.store.ledger`)

Every file is written to a temporary name, flushed to disk and renamed, so a reader sees all of it or nothing.
The JSON is written last: a run exists when its JSON does. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from bench.errors import CorruptRecordError, StoreError
from bench.paths import expanded
from bench.records import RunRecord, Status
from bench.store.codec import decode_probabilities, decode_record, encode_probabilities, encode_record, is_as_written
from bench.store.files import as_store_error, write_atomically
from bench.store.marker import check_marker
from bench.store.notes import Notes, look
from bench.store.packs import Packs, is_whole
from bench.store.published import PROBABILITIES, Published

_FOLDERS: dict[Status, str] = {"ok": "runs", "failed": "failed", "skipped": "skipped"}


class Store:
    """Finished, failed and skipped runs in a folder; safe for several processes at once."""

    def __init__(self, path: str | Path, *, create: bool = False, earlier: bool = False) -> None:
        """Open a store.

        Args:
            path: its folder.
            create: whether to make one of a new or empty folder.
            earlier: whether one of an earlier version will do, to be migrated.

        Raises:
            StoreError: if there is none (and ``create`` is False), it is of another version, or not writable.
        """
        self.path = expanded(path)
        self.packs = Packs(self.path / "packed")
        self.published = Published(self.path)
        check_marker(self.path, create=create, earlier=earlier)

    def file_of(self, key: str, status: Status = "ok") -> Path:
        """Return where the record of a key lies, or is to lie: a file of its own, a pack, or that of published runs."""
        loose = self.own_file(key, status)
        if loose.exists():
            return loose
        if place := self.packs.find(key) if status == "ok" else None:
            return place.pack
        return self.published.file if self.published.holds(key, status) else loose

    def own_file(self, key: str, status: Status = "ok") -> Path:
        """Return the file of its own that the record of a key has, or is to have."""
        name = f"{key[:2]}/{key}.json" if status == "ok" else f"{key}.json"
        return self.path / f"{_FOLDERS[status]}/{name}"

    def write(self, record: RunRecord, test_probabilities: npt.NDArray[np.float32] | None = None) -> RunRecord:
        """Store a record for good; return it as stored (with the hashes of its test probabilities and of itself)."""
        probabilities = None
        if test_probabilities is not None:
            probabilities = encode_probabilities(test_probabilities)
            sha = hashlib.sha256(probabilities).hexdigest()
            record = record.model_copy(update={"test_probabilities_sha256": sha})
        record, content = encode_record(record)
        self.put(record.key, content, probabilities, record.status)
        if record.status == "ok":
            for stale in ("failed", "skipped"):
                path = self.own_file(record.key, stale)
                with as_store_error(f"remove {path}"):
                    path.unlink(missing_ok=True)
        return record

    def put(self, key: str, record: bytes, probabilities: bytes | None, status: Status = "ok") -> None:
        """Write the files of a record, the record last."""
        path = self.own_file(key, status)
        if probabilities is not None:
            write_atomically(path.with_suffix(".npy"), probabilities, survives="with the next")
        write_atomically(path, record)

    def keys(self, status: Status = "ok") -> set[str]:
        """Return the keys of all records of a status, by listing; only a pack that is new to this process is opened."""
        # Packs last: while runs are packed, a file of its own goes only after its pack is there.
        packed = self.published.keys(status) | self.own_keys(status)
        return packed | (set(self.packs.places()) if status == "ok" else set())

    def own_keys(self, status: Status = "ok") -> set[str]:
        """Return the keys of the records that have files of their own."""
        folder = self.path / _FOLDERS[status]
        return {path.stem for path in folder.glob("*/*.json" if status == "ok" else "*.json")}

    def unreadable_packs(self) -> list[str]:
        """Return a line for each pack of which not even the keys can be read; :meth:`valid_keys` sets it aside."""
        self.packs.places()
        return list(self.packs.unreadable.values())

    def content(self, key: str, status: Status = "ok") -> bytes:
        """Return the bytes of a stored record, unchecked.

        Raises:
            CorruptRecordError: if its pack cannot be read.
            StoreError: if there is no such record.
        """
        path = self.own_file(key, status)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            packed = self.packs.get(key, "record") if status == "ok" else None
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}") from error
        if packed is None:
            raise StoreError(f"no {status} record {key} in {self.path}")
        return packed

    def _is_published(self, key: str, status: Status) -> bool:
        """Return whether a record is to be read from the published runs: a result that was made here comes first."""
        own = self.own_file(key, status).exists() or (status == "ok" and self.packs.find(key) is not None)
        return not own and self.published.holds(key, status)

    def read(self, key: str, status: Status = "ok") -> RunRecord:
        """Return a stored record.

        Raises:
            CorruptRecordError: if the file is truncated, foreign, altered, or of another version.
            StoreError: if there is no such record.
        """
        if self._is_published(key, status):
            return self.published.read(key, status)
        content = self.content(key, status)
        return decode_record(content, key, status, self.file_of(key, status))

    def probabilities_content(self, key: str) -> bytes:
        """Return the bytes of a run's test probabilities, unchecked.

        Raises:
            CorruptRecordError: if there are none, or they cannot be read.
        """
        path = self.own_file(key).with_suffix(".npy")
        try:
            return path.read_bytes()
        except OSError as error:
            packed = self.packs.get(key, "probabilities") if isinstance(error, FileNotFoundError) else None
            if packed is None:
                raise CorruptRecordError(f"cannot read {path}: {error.strerror}") from None
            return packed

    def test_probabilities(self, record: RunRecord) -> npt.NDArray[np.float32]:
        """Return (rounds + 1, n_test) probabilities of the positive class on the test set, checked by hash.

        Raises:
            CorruptRecordError: if there are none, or others.
            StoreError: if the run was published without.
        """
        if self._is_published(record.key, "ok"):
            self.published.refuse("this", PROBABILITIES)
        content = self.probabilities_content(record.key)
        loose = self.own_file(record.key).with_suffix(".npy")
        return decode_probabilities(content, record, loose if loose.exists() else self.file_of(record.key))

    def records(self, status: Status = "ok") -> Iterator[RunRecord]:
        """Yield all records of a status in the order of their keys; a file that cannot be read raises."""
        for key in sorted(self.keys(status)):
            yield self.read(key, status)

    def valid_keys(self, wanted: Iterable[str]) -> tuple[set[str], list[str]]:
        """Return which of the wanted runs are stored and valid, and a line for each file that was set aside.

        A run whose JSON or probabilities cannot be read is moved to ``aside/``, so that it is run again; a damaged pack
        likewise, after the valid runs in it were given files of their own. What passed verification once is not
        read again while its files have the same sizes and times of change: a disk that alters a file in silence is left
        to be found by whoever reads the run, and by ``doctor``, which reads everything.
        """
        wanted, notes = set(wanted), Notes(self.path / "sound.json")
        lines = self._valid_packs(wanted, notes)
        valid = (self.packs.places().keys() | self.published.keys("ok")) & wanted
        for key in sorted(self.own_keys() & wanted):
            path = self.own_file(key)
            seen = look(path, path.with_suffix(".npy"))
            if not notes.holds(key, seen):
                try:
                    if not is_as_written(self.content(key), self.probabilities_content(key), key):
                        self.test_probabilities(self.read(key))
                except CorruptRecordError as error:
                    self.set_aside(key)
                    lines.append(f"{error}; set aside and to be run again")
                    continue
                except StoreError:
                    if path.exists():
                        raise
                    continue  # it went since it was listed, another process set it aside
                notes.add(key, seen)
            valid.add(key)
        notes.save()
        return valid, lines

    def _valid_packs(self, wanted: set[str], notes: Notes) -> list[str]:
        """Set damaged packs aside; return a line for each."""
        places = self.packs.places()
        packs = {place.pack for key, place in places.items() if key in wanted} | self.packs.unreadable.keys()
        lines = []
        for pack in sorted(packs):
            seen = look(pack)
            if not seen or notes.holds(pack.name, seen):
                continue
            with as_store_error(f"read {pack}"):
                whole = pack not in self.packs.unreadable and is_whole(pack)
            if whole:
                notes.add(pack.name, seen)
            else:
                lines.append(self._dissolve(pack))
        return lines

    def _dissolve(self, pack: Path) -> str:
        """Give the valid runs of a damaged pack files of their own and move it to ``aside/``; return what was done."""
        keys = [key for key, place in self.packs.places().items() if place.pack == pack]
        lost = len(keys)
        for key in keys:
            with suppress(CorruptRecordError):
                record, probabilities = self.packs.get(key, "record"), self.packs.get(key, "probabilities")
                if record is not None and probabilities is not None:
                    decode_probabilities(probabilities, decode_record(record, key, "ok", pack), pack)
                    if not self.own_file(key).exists():
                        self.put(key, record, probabilities)
                    lost -= 1
        self.move_aside(pack)
        why = self.packs.unreadable.get(pack) or f"{pack} does not match the hash in its name"
        return f"{why}; set aside, {len(keys) - lost} runs in it were saved and all others are to be run again"

    def set_aside(self, key: str) -> None:
        """Move a run's own files to ``aside/``."""
        self.move_aside(self.own_file(key), self.own_file(key).with_suffix(".npy"))

    def move_aside(self, *files: Path) -> None:
        """Move files to ``aside/``; those that are gone already are left out."""
        aside, stamp = self.path / "aside", time.time_ns()
        with as_store_error(f"move {files[0]} to {aside}"):
            aside.mkdir(exist_ok=True)
            for path in files:
                with suppress(FileNotFoundError):
                    os.replace(path, aside / f"{path.stem}.{stamp}{path.suffix}")  # noqa: PTH105 - the atomic call

    @contextmanager
    def claim(self, name: str) -> Iterator[bool]:
        """Hold the lock of a block for this process; yield False if another process holds it.

        The lock is the operating system's: it goes when its process dies, however it dies.

        Raises:
            StoreError: if the store cannot be written.
        """
        folder = self.path / "locks"
        lock = FileLock(folder / f"{name}.lock")
        with as_store_error(f"lock {name} in {folder}"):
            folder.mkdir(exist_ok=True)
            with suppress(Timeout):
                lock.acquire(timeout=0)
        try:
            yield lock.is_locked
        finally:
            lock.release()
