"""Baselines: named, immutable sets of finished runs, one file each, that later runs are held against.

``baselines/NAME.jsonl.gz`` is JSON lines under gzip: a header, then a run record a line. The header's hash is of all
the rest and is checked whenever the file is read. A file weighs a few kB a run, since test probabilities stay in the
store, and holds no text of a dataset, so that it can be kept in git or on a shared disk. Next to it,
``NAME.acknowledged.json`` lists the regressions that are known and accepted for some time.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from bench.errors import CorruptRecordError, SpecError, StoreError, UnknownNameError
from bench.paths import expanded
from bench.records import SCHEMA_VERSION, Record, RunRecord, Status
from bench.store.files import write_atomically
from bench.store.marker import EARLIER
from bench.store.migrate import Convert
from bench.store.store import Store

SUFFIX = ".jsonl.gz"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Header(Record):
    """The head of a baseline; ``sha256`` is of its content with this field left empty."""

    schema_version: Literal[3] = SCHEMA_VERSION
    name: str
    note: str
    created: str
    runs: int
    sha256: str = ""


class Baseline:
    """A frozen set of finished runs; it is read like a store, and never written."""

    def __init__(self, folder: str | Path, name: str) -> None:
        """Read a baseline and check it against its hash.

        Raises:
            SpecError: if there is none of that name.
            CorruptRecordError: if the file is not what was saved under this name.
        """
        self.path = file_of(folder, name)
        if not self.path.is_file():
            raise UnknownNameError("baseline", name, names(folder), f"They are files {SUFFIX} in {folder}.")
        self.header, self._runs = _parsed(self.path, name)

    def keys(self, status: Status = "ok") -> set[str]:
        """Return the keys of its runs; it holds finished ones only."""
        return set(self._runs) if status == "ok" else set()

    def read(self, key: str, status: Status = "ok") -> RunRecord:
        """Return a run.

        Raises:
            StoreError: if it is not in the baseline.
        """
        if key not in self.keys(status):
            raise StoreError(f"no {status} record {key} in {self.path}")
        return self._runs[key]

    def records(self) -> Iterator[RunRecord]:
        """Yield all runs in the order of their keys."""
        yield from self._runs.values()

    def file_of(self, key: str) -> Path:
        """Return where a run lies, as text for a reader: all are in one file."""
        return self.path.with_name(f"{self.path.name}#{key}")


def save(store: Store, folder: str | Path, name: str, *, strategies: Sequence[str] = (), note: str = "") -> Baseline:
    """Freeze finished runs of a store under a name, for good.

    Args:
        store: where the runs are. A run that cannot be read is an error.
        folder: of baselines; made if it is not there.
        name: a new one.
        strategies: whose runs, e.g. ``random+uniform``; none: all of the store's.
        note: what the baseline is, in words.

    Raises:
        SpecError: if the name is taken or no name, or there are no runs of a strategy.
        StoreError: if the file cannot be written, or a run cannot be read.
    """
    path = file_of(folder, name)
    if path.exists():
        raise SpecError(
            f"there is a baseline {name!r} in {folder} already, and baselines never change; take a new name"
        )
    records = list(store.records())
    known = {str(record.spec.strategy) for record in records}
    for strategy in strategies:
        if strategy not in known:
            raise UnknownNameError("strategy", strategy, known, f"These have finished runs in {store.path}.")
    kept = [record.without_texts() for record in records if not strategies or str(record.spec.strategy) in strategies]
    if not kept:
        raise SpecError(f"{store.path} holds no finished runs to save; run a grid first")
    header = Header(name=name, note=note, created=datetime.now(UTC).isoformat(timespec="seconds"), runs=len(kept))
    write_atomically(path, _file_content(header, kept))
    return Baseline(folder, name)


def place_of(where: str, folder: str | Path) -> str:
    """Return where runs are that a user names: a result store's folder, or the file of the baseline of that name."""
    path = expanded(where)
    is_store = (path / "store.json").exists()
    return str(path) if is_store or where not in names(folder) else str(file_of(folder, where))


def opened(place: str | Path) -> Store | Baseline:
    """Return the runs at a place as :func:`place_of` returns it.

    Raises:
        StoreError: if there is no store there, or the baseline is not what was saved.
    """
    path = expanded(place)
    return Baseline(path.parent, path.name.removesuffix(SUFFIX)) if path.name.endswith(SUFFIX) else Store(path)


def file_of(folder: str | Path, name: str) -> Path:
    """Return the file of a baseline.

    Raises:
        SpecError: if the name is not a plain word; a name cannot lead out of the folder.
    """
    if not _NAME.fullmatch(name):
        raise SpecError(f"{name!r} cannot name a baseline; use letters, digits, dots, dashes and underscores")
    return expanded(folder) / f"{name}{SUFFIX}"


def names(folder: str | Path) -> list[str]:
    """Return the names of all baselines in a folder, sorted."""
    found = (path.name.removesuffix(SUFFIX) for path in expanded(folder).glob(f"*{SUFFIX}"))
    return sorted(name for name in found if _NAME.fullmatch(name))


def _hash(header: Header, lines: Collection[bytes]) -> str:
    empty = header.model_copy(update={"sha256": ""})
    return hashlib.sha256(b"\n".join([empty.model_dump_json().encode(), *lines])).hexdigest()


def migrate(folder: str | Path, name: str, convert: Convert) -> int | None:
    """Convert a baseline of an earlier version; return how many runs it holds, or None if it is of today's already.

    The file as it was is kept next to the new one, with its version (``.v2``) at its end.

    Raises:
        SpecError: if there is none of that name.
        CorruptRecordError: if it is not what was saved, or cannot be converted.
        StoreError: if it cannot be read or written.
    """
    path = file_of(folder, name)
    if not path.is_file():
        raise UnknownNameError("baseline", name, names(folder), f"They are files {SUFFIX} in {folder}.")
    content = path.read_bytes()
    first, lines = _lines(path, content)
    try:
        old = json.loads(first)
        if old["schema_version"] == SCHEMA_VERSION:
            return None
        blank = first.replace(f'"sha256":"{old["sha256"]}"'.encode(), b'"sha256":""')
        intact = hashlib.sha256(b"\n".join([blank, *lines])).hexdigest() == old["sha256"]
        records = [convert(json.loads(line), None).without_texts() for line in lines] if intact else []
    except (ValueError, TypeError, KeyError) as error:
        raise CorruptRecordError(f"{path} is no baseline of an earlier version: {error}") from None
    if not intact:
        raise CorruptRecordError(f"{path} does not match its hash: it was changed since it was saved; restore it")
    write_atomically(path.with_name(f"{path.name}.v{old['schema_version']}"), content)
    header = Header(name=old["name"], note=old["note"], created=old["created"], runs=len(records))
    write_atomically(path, _file_content(header, records))
    return len(records)


def _lines(path: Path, content: bytes) -> tuple[bytes, list[bytes]]:
    try:
        first, *lines = gzip.decompress(content).removesuffix(b"\n").split(b"\n")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CorruptRecordError(f"{path} is no baseline that this version can read: {error}") from None
    return first, lines


def _file_content(header: Header, records: Sequence[RunRecord]) -> bytes:
    """Return a baseline's file; the header gets the hash of all of it."""
    lines = [record.model_dump_json().encode() for record in records]
    header = header.model_copy(update={"sha256": _hash(header, lines)})
    return gzip.compress(b"\n".join([header.model_dump_json().encode(), *lines, b""]), mtime=0)


def _parsed(path: Path, name: str) -> tuple[Header, dict[str, RunRecord]]:
    try:
        first, lines = _lines(path, path.read_bytes())
        if any(first.startswith(b'{"schema_version":%d,' % version) for version in EARLIER):
            raise StoreError(
                f"{path} was saved by an earlier version of imbal-bench, in another form; convert it once: "
                f"imbal-bench baseline migrate {name} --baselines {path.parent}"
            )
        header = Header.model_validate_json(first)
        if _hash(header, lines) != header.sha256:
            raise CorruptRecordError(f"{path} does not match its hash: it was changed since it was saved; restore it")
        records = [RunRecord.model_validate_json(line) for line in lines]
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise CorruptRecordError(f"{path} is no baseline that this version can read: {reason}") from None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    if header.name != name:
        raise CorruptRecordError(f"{path} holds the baseline {header.name!r}, not its own name; rename it back")
    return header, {record.key: record for record in records}
