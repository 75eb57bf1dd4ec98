"""From an earlier layout of stores to today's: every record is converted, and gets the name that its run has now.

May be killed at any line: a record is written under its new name before the old one goes, the marker is changed last,
and the same command goes on where it stopped. What cannot be converted is set aside, never deleted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import CorruptRecordError, StoreError
from bench.records import SCHEMA_VERSION, RunRecord, Status
from bench.store import replicates
from bench.store.codec import as_array, encode_record, own_hash_holds
from bench.store.compact import exclusive
from bench.store.files import as_store_error
from bench.store.marker import mark, schema_version
from bench.store.packs import PACK_BYTES, PackedRun, in_pieces, is_whole, write_pack
from bench.store.store import Store

Convert = Callable[[dict[str, Any], npt.NDArray[np.float32] | None], RunRecord]
"""From the fields of a record of an earlier version, and its test probabilities if it has any, to one of today's.

Raises :class:`CorruptRecordError` for what is no such record.
"""


@dataclass
class Migration:
    """What became of a store.

    Attributes:
        version: of the layout before.
        runs, unfinished, replicates: records that were converted.
        set_aside: a line for each file that could not be read or converted; it lies in ``aside/`` now.
    """

    version: object
    runs: int = 0
    unfinished: int = 0
    replicates: int = 0
    set_aside: list[str] = field(default_factory=list)


def migrate(store: Store, convert: Convert, progress: Callable[[int], object] = lambda _: None) -> Migration:
    """Convert all records of a store that was opened with ``earlier=True``; nothing is done to one of today's.

    Args:
        store: no grid may be running on it.
        convert: one record.
        progress: called with the number of runs done so far.

    Raises:
        StoreError: if the store cannot be read or written, or another process works on it.
    """
    work = _Migrator(store, convert, progress, Migration(schema_version(store.path)))
    if work.done.version != SCHEMA_VERSION:
        with exclusive(store):
            work.convert_packs()
            work.convert_runs()
            work.convert_unfinished("failed")
            work.convert_unfinished("skipped")
            work.convert_replicates()
            mark(store.path)
    return work.done


@dataclass
class _Migrator:
    store: Store
    convert: Convert
    progress: Callable[[int], object]
    done: Migration

    def convert_packs(self) -> None:
        """Write what packs hold into new packs, and remove the old ones."""
        for pack in sorted((self.store.path / "packed").glob("*.parquet")):
            damaged = pack in self.store.packs.unreadable or not is_whole(pack)
            old, new = 0, list[PackedRun]()
            for key, place in self.store.packs.in_pack(pack).items():
                try:
                    record = self.store.packs.read(place, "record")
                    if is_of_today(record):
                        continue
                    old += 1
                    run = self._converted(record, self.store.packs.read(place, "probabilities"))
                    if not self._is_there(run):
                        new.append(run)
                except CorruptRecordError as error:
                    damaged = True
                    self.done.set_aside.append(f"run {key} of {pack}: {error}")
            for piece in in_pieces(new, PACK_BYTES):
                write_pack(self.store.packs.folder, piece)
            if damaged:
                self.store.move_aside(pack)
                self.done.set_aside.append(f"{pack} was damaged; the valid runs in it were kept")
            elif old:
                with as_store_error(f"remove {pack}"):
                    pack.unlink()

    def convert_runs(self) -> None:
        """Give finished runs that have files of their own their new names."""
        for path in sorted((self.store.path / "runs").glob("*/*.json")):
            self._rename(self._put_run, path, path.with_suffix(".npy"))

    def convert_unfinished(self, status: Status) -> None:
        """Give failed or skipped runs their new names."""
        for path in sorted((self.store.path / status).glob("*.json")):
            self._rename(partial(self._put_unfinished, status), path)

    def convert_replicates(self) -> None:
        """Give replicates their new names."""
        for path in replicates.files(self.store):
            self._rename(self._put_replicate, path, path.with_suffix(".npy"))

    def _rename(self, put: Callable[..., None], *files: Path) -> None:
        """Have what a record's files hold put where it belongs today, then remove them, the record first.

        They stay where that is the same place: then the record has been replaced.
        """
        try:
            contents = [path.read_bytes() for path in files]
            if is_of_today(contents[0]):
                return
            put(*contents)
            if is_of_today(files[0].read_bytes()):
                return
        except (CorruptRecordError, FileNotFoundError) as error:
            self.store.move_aside(*files)
            self.done.set_aside.append(f"{files[0]}: {error}")
            return
        except OSError as error:
            raise StoreError(f"cannot read {files[0]}: {error.strerror}") from error
        with as_store_error(f"remove {files[0]}"):
            for path in files:
                path.unlink()

    def _put_run(self, record: bytes, probabilities: bytes) -> None:
        run = self._converted(record, probabilities)
        if not self._is_there(run):
            self.store.put(run.key, run.record, run.probabilities)

    def _put_unfinished(self, status: Status, record: bytes) -> None:
        converted, content = encode_record(self.convert(fields_of(record), None))
        self.store.put(converted.key, content, None, status)
        self.done.unfinished += 1

    def _put_replicate(self, record: bytes, probabilities: bytes) -> None:
        run = self._converted(record, probabilities)
        replicates.keep(self.store, run.key, run.record, run.probabilities)
        self.done.runs -= 1
        self.done.replicates += 1

    def _converted(self, record: bytes, probabilities: bytes) -> PackedRun:
        fields = fields_of(record)
        if hashlib.sha256(probabilities).hexdigest() != fields.get("test_probabilities_sha256"):
            raise CorruptRecordError("its test probabilities do not match the hash in its record")
        converted, content = encode_record(self.convert(fields, as_array(probabilities, "its test probabilities")))
        self.done.runs += 1
        self.progress(self.done.runs)
        return PackedRun(converted.key, content, probabilities)

    def _is_there(self, run: PackedRun) -> bool:
        """Return whether the run is there in today's form; another result of the same run is kept as a replicate.

        Two names of schema 1 may be one run today, since they differed in a setting that it does not read.
        """
        there = [record for record in self._records_of(run.key) if is_of_today(record)]
        if there and run.record not in there:
            replicates.keep(self.store, run.key, run.record, run.probabilities)
        return bool(there)

    def _records_of(self, key: str) -> Iterator[bytes]:
        """Yield what all files hold of a run, in today's form or not."""
        with suppress(FileNotFoundError):
            yield self.store.own_file(key).read_bytes()
        for place in self.store.packs.everywhere(key):
            with suppress(CorruptRecordError):
                yield self.store.packs.read(place, "record")


def is_of_today(record: bytes) -> bool:
    """Return whether the bytes of a record are of this version of the layout."""
    return f'\n "schema_version": {SCHEMA_VERSION},\n'.encode() in record


def fields_of(record: bytes) -> dict[str, Any]:
    """Return the fields in the bytes of a record of an earlier version.

    Raises:
        CorruptRecordError: if it is no record, or was altered.
    """
    try:
        fields = json.loads(record)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or "key" not in fields:
        raise CorruptRecordError("it is not a run record")
    if not own_hash_holds(record, str(fields.get("sha256", ""))):
        raise CorruptRecordError("it does not match the hash it carries: it was altered")
    return fields
