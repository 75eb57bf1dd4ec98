"""The facts of all records of a store; what was read once is not read again until its file changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from analysis.cache import Cache
from analysis.facts import Facts, facts_of
from bench.errors import CorruptRecordError, StoreError
from bench.records import SCHEMA_VERSION, Status
from bench.store import Baseline, Store

ALL_STATUSES: tuple[Status, ...] = ("ok", "failed", "skipped")
_Place = tuple[str, Status]
"""Key and status of a record."""
_MANY = 2000
"""Records that are read about as fast as a second process starts."""
_AT_ONCE = 250
"""Records that a process is given at a time."""


def read_facts(store: Store | Baseline) -> tuple[list[Facts], list[str]]:
    """Return the facts of all records by status and key, and one line for each file that could not be read.

    Facts are kept in ``index/`` of the store by size and time of the file (or pack) that they were read from; a store
    that is read-only, or whose index is gone or damaged, is read from its files.
    """
    if isinstance(store, Baseline):  # one file, checked as a whole
        return [_read(store, key, "ok") for key in sorted(store.keys())], []
    cache, version = Cache(store.path / "index" / "facts"), _version()
    known: dict[str, Any] = json.loads(cache.get(version) or b"{}")
    found: dict[str, Any] = {}
    unreadable, new = store.unreadable_packs(), list[_Place]()
    for status in ALL_STATUSES:
        for key in sorted(store.keys(status)):
            stamp = _stamp(store.file_of(key, status))  # before it is read: a later change is then seen the next time
            entry = known.get(f"{status}/{key}")
            if entry is None or stamp is None or entry["stamp"] != stamp:
                new.append((key, status))
                entry = {"stamp": stamp}
            found[f"{status}/{key}"] = entry
    for (key, status), read in zip(new, _read_all(store, new), strict=True):
        name = f"{status}/{key}"
        if isinstance(read, dict):
            found[name]["facts"] = read
            continue
        del found[name]
        unreadable += [read] if read else []
    if any(known.get(name) is not entry for name, entry in found.items()) or len(found) < len(known):
        cache.put(version, json.dumps(found).encode())
        cache.keep({version})
    return [entry["facts"] for entry in found.values()], unreadable


def _read_all(store: Store, places: Sequence[_Place]) -> Iterator[Facts | str | None]:
    """Yield the facts of records; of one that cannot be read a line, and None of one that went since it was listed."""
    if len(places) < _MANY or store.published.is_there:  # each process would read all of what was published
        yield from _read_some(store, places)
        return
    from joblib import Parallel, delayed

    parts = [places[at : at + _AT_ONCE] for at in range(0, len(places), _AT_ONCE)]
    for part in Parallel(n_jobs=-1, return_as="generator")(delayed(_read_there)(store.path, part) for part in parts):
        yield from part


def _read_there(path: Path, places: Sequence[_Place]) -> list[Facts | str | None]:
    return list(_read_some(Store(path), places))


def _read_some(store: Store, places: Sequence[_Place]) -> Iterator[Facts | str | None]:
    for key, status in places:
        try:
            yield _read(store, key, status)
        except CorruptRecordError as error:
            yield str(error)
        except StoreError:
            if store.file_of(key, status).exists():
                raise
            yield None  # a run that had failed has now finished


def _read(store: Store | Baseline, key: str, status: Status) -> Facts:
    record = store.read(key, status)
    if status == "ok" and not record.rounds:
        raise CorruptRecordError(f"{store.file_of(key)} is stored as finished but holds no rounds")
    return facts_of(record)


def _stamp(path: Path) -> list[int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _version() -> str:
    """Return what tells facts of this code from those of another: the source of the module that makes them."""
    source = files("analysis").joinpath("facts.py").read_bytes()
    return f"{SCHEMA_VERSION}-{hashlib.sha256(source).hexdigest()[:12]}"
