"""Merging: what other machines ran of a grid joins a store.

A run that the store has already is never overwritten: another result of it, if it is of another machine, is kept as a
replicate (see :mod:`bench.store.replicates`). If it is not the same result, that is a conflict, and reported. A run
whose M_0 is not that of the store's own runs of its block was made in another environment and is refused: it could not
be compared with them (see :mod:`bench.control`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field

from bench.control import Control, of_record, why_unlike
from bench.errors import StoreError
from bench.records import RunRecord, Status
from bench.store import labels, replicates
from bench.store.compact import exclusive
from bench.store.published import PROBABILITIES
from bench.store.store import Store

NO_RESULT: tuple[Status, ...] = ("failed", "skipped")


@dataclass
class Merge:
    """What was merged, or would be.

    Attributes:
        new: runs that the store had not.
        unfinished: failures and skipped runs of which it knew nothing.
        known: runs, and replicates, that it had in the very same bytes.
        agreements: how other results of runs that it had agree with its own: degree -> how many.
        conflicts: a line for each of those that is not the same bit for bit.
        refused: a line for each run that was left out because M_0 is not that of the store's own runs of its block.
        unreadable: a line for each run that was left out because it, or the one it is to be held against, is damaged.
    """

    new: int = 0
    unfinished: int = 0
    known: int = 0
    agreements: Counter[str] = field(default_factory=Counter)
    conflicts: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Candidate:
    """A result that wants to join, in bytes, and the file it comes from."""

    key: str
    record: bytes
    probabilities: bytes
    where: object
    result: RunRecord


def merge(into: Store, sources: Sequence[Store], *, dry_run: bool = False) -> Merge:
    """Add what other stores hold to a store; the same command goes on where it was stopped.

    A grid may be running on the store, or on the others. A run that it ends and that was merged before is stored
    twice under one name, the later one counts.

    Args:
        into: the store that grows.
        sources: they are only read.
        dry_run: whether nothing is to be written.

    Raises:
        StoreError: if a store is merged into itself, or is being merged into or compacted by another process, or if
            the store cannot be written, or one of them was published without what is merged.
    """
    for store in (into, *sources):
        store.published.refuse("merging", PROBABILITIES)
    for source in sources:
        if source.path.resolve() == into.path.resolve():
            raise StoreError(f"{source.path} cannot be merged into itself; give the stores of other machines")
    found = Merge()
    with nullcontext() if dry_run else exclusive(into):
        homes, blocks = dict.fromkeys(into.keys(), into), _Blocks(into)
        for source in sources:
            for candidate in _candidates(source, found):
                unlike = "" if candidate.key in homes else blocks.unlike(candidate.result)
                if unlike:
                    found.refused.append(f"{candidate.result.spec} in {candidate.where}: {unlike}")
                    continue
                _add(candidate, homes, into, found, dry_run=dry_run)
                homes.setdefault(candidate.key, source if dry_run else into)
            _add_unfinished(source, into, found, dry_run=dry_run)
            if not dry_run:
                labels.add_all(into, source)
    return found


def _candidates(source: Store, found: Merge) -> Iterator[_Candidate]:
    """Yield the valid results of a store, the replicates last."""
    names = [(key, None) for key in sorted(source.keys())]
    for key, path in [*names, *((path.name.partition(".")[0], path) for path in replicates.files(source))]:
        try:
            where = path or source.file_of(key)
            content = replicates.read(path) if path else (source.content(key), source.probabilities_content(key))
            result = replicates.decode(key, *content, where)
        except StoreError as error:
            found.unreadable.append(str(error))
        else:
            yield _Candidate(key, *content, where, result.record)


class _Blocks:
    """M_0's predictions in each block of a store; its records are read when the first run is to be added."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._controls: dict[str, Control] | None = None

    def unlike(self, record: RunRecord) -> str:
        """Return why a run cannot join the others of its block; empty if it does, or is the first."""
        if self._controls is None:
            self._controls = {}
            for key in sorted(self._store.keys()):
                with suppress(StoreError):  # a damaged run is named by doctor, and run again
                    own = self._store.read(key)
                    self._controls.setdefault(own.pair_key, of_record(own))
        mine = of_record(record)
        return why_unlike(self._controls.setdefault(record.pair_key, mine), mine)


def _add(candidate: _Candidate, homes: dict[str, Store], into: Store, found: Merge, *, dry_run: bool) -> None:
    key, content = candidate.key, (candidate.record, candidate.probabilities)
    home = homes.get(key)
    if home is None:
        found.new += 1
        if not dry_run:
            into.put(key, *content)
        return
    try:
        own = home.content(key), home.probabilities_content(key)
        if own == content:
            found.known += 1
            return
        first = replicates.decode(key, *own, home.file_of(key))
    except StoreError as error:
        found.unreadable.append(str(error))
        return
    agreement = replicates.compare(first, replicates.decode(key, *content, candidate.where))
    found.agreements[agreement.degree] += 1
    if agreement.degree != "bit for bit":
        found.conflicts.append(f"{first.record.spec}: {home.file_of(key)} and {candidate.where}: {agreement}")
    if not dry_run:
        replicates.keep(into, key, *content)


def _add_unfinished(source: Store, into: Store, found: Merge, *, dry_run: bool) -> None:
    for status in NO_RESULT:
        for key in sorted(source.keys(status) - into.keys(status) - into.keys()):
            try:
                source.read(key, status)
            except StoreError as error:
                found.unreadable.append(str(error))
                continue
            found.unfinished += 1
            if not dry_run:
                into.put(key, source.content(key, status), None, status)
