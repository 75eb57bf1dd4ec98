"""Compaction: the files of many finished runs become a few packs (see :mod:`bench.store.packs`), full but for one.

What held a run before, files of its own or a small pack, is removed only after its new pack is on disk, so that it is
at every moment in one or both, with the same bytes: a process killed at any time loses nothing, and the next compaction
removes what is left over.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from bench.errors import CorruptRecordError, StoreError
from bench.store.codec import decode_probabilities, decode_record
from bench.store.files import as_store_error
from bench.store.packs import PACK_BYTES, PackedRun, in_pieces, is_full, is_whole, write_pack
from bench.store.store import Store

LOCK = "compaction-and-merging"


@dataclass
class Compaction:
    """What was done: runs packed now, new packs, bytes of those runs and packs, runs that are not valid."""

    runs: int = 0
    packs: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    unsound: int = 0


def compact(store: Store) -> Compaction:
    """Move the finished runs of a store, and those in small packs, into packs; a run that is not valid keeps its files.

    A grid may be running on the store: only runs that have ended are taken, and none is changed.

    Raises:
        StoreError: if the store is being compacted or merged into by another process, or cannot be written.
    """
    done = Compaction()
    with exclusive(store):
        before = store.packs.readable()
        small = {pack for pack in before if not is_full(pack) and is_whole(pack)}
        pieces = in_pieces(chain(_valid(store, done), _runs_in(small, store)), PACK_BYTES)
        packs = {write_pack(store.packs.folder, runs) for runs in pieces}
        done.packs, done.bytes_after = len(packs - before), sum(pack.stat().st_size for pack in packs - before)
        _remove_doubles(store)
        for pack in small - packs:
            with as_store_error(f"remove {pack}"):
                pack.unlink()
    return done


@contextmanager
def exclusive(store: Store) -> Iterator[None]:
    """Be the only process that compacts a store or merges into it.

    Raises:
        StoreError: if another process is.
    """
    with store.claim(LOCK) as mine:
        if not mine:
            raise StoreError(f"{store.path} is being compacted or merged into by another process; try again later")
        yield


def _valid(store: Store, done: Compaction) -> Iterator[PackedRun]:
    """Yield the runs that have files of their own, are in no pack, and are valid."""
    for key in sorted(store.own_keys() - store.packs.places().keys()):
        try:
            run = PackedRun(key, store.content(key), store.probabilities_content(key))
            decode_probabilities(run.probabilities, decode_record(run.record, key, "ok", key), key)
        except CorruptRecordError:
            done.unsound += 1
        except StoreError:
            if store.own_file(key).exists():
                raise
            # else: it went since it was listed, another process set it aside
        else:
            done.runs += 1
            done.bytes_before += len(run.record) + len(run.probabilities)
            yield run


def _runs_in(packs: set[Path], store: Store) -> Iterator[PackedRun]:
    """Yield the runs of some packs, but for those that are in another one too."""
    for key, place in store.packs.places().items():
        if place.pack in packs:
            record, probabilities = store.packs.get(key, "record"), store.packs.get(key, "probabilities")
            if record is not None and probabilities is not None:
                yield PackedRun(key, record, probabilities)


def _remove_doubles(store: Store) -> None:
    """Remove the files of their own that packed runs still have; a file with another content stays, and counts."""
    places = store.packs.places()
    for probabilities in (store.path / "runs").glob("*/*.npy"):  # they go last, so that all that is left over has them
        if probabilities.stem in places:
            for path, column in ((probabilities.with_suffix(".json"), "record"), (probabilities, "probabilities")):
                with as_store_error(f"remove {path}"), suppress(FileNotFoundError):
                    if path.read_bytes() == store.packs.get(path.stem, column):
                        path.unlink()
