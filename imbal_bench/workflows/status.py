"""What a store holds, and what its workers are doing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.grid.worker.heartbeat import Beat, beats
from bench.store import Store, replicates

MOST_REASONS = 10


@dataclass(frozen=True)
class Status:
    """Counts of runs by what became of them, and what is being done now.

    Attributes:
        store: where. done, failed, skipped, others: runs; others are results of other machines kept beside.
        damaged: packs that cannot be read. workers: what each does now. failures: run and reason of the first few.
    """

    store: Path
    done: int
    failed: int
    skipped: int
    others: int
    damaged: int
    workers: tuple[Beat, ...]
    failures: tuple[str, ...]


def status(path: Path) -> Status:
    """Return what a store holds now.

    Raises:
        StoreError: if there is no store.
    """
    store = Store(path)
    done = store.keys()
    failed = store.keys("failed") - done
    records = [store.read(key, "failed") for key in sorted(failed)[:MOST_REASONS]]
    return Status(
        store=store.path,
        done=len(done),
        failed=len(failed),
        skipped=len(store.keys("skipped")),
        others=len(replicates.files(store)),
        damaged=len(store.unreadable_packs()),
        workers=tuple(beats(store)),
        failures=tuple(f"{record.spec}: {record.reason}" for record in records),
    )
