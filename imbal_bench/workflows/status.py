"""What a store holds, how far a grid on it has come, and what its workers are doing."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.grid.worker.course import courses
from bench.grid.worker.heartbeat import Beat, beats
from bench.store import Store, replicates

MOST_REASONS = 10


@dataclass(frozen=True)
class GridCourse:
    """How far a grid has come: name, runs done and in all, and seconds left (None: it is not running, or unknown)."""

    grid: str
    done: int
    total: int
    left_s: float | None


@dataclass(frozen=True)
class StoreStatus:
    """Counts of runs by what became of them, and what is being done now.

    Attributes:
        store: where. done, failed, skipped, others: runs; others are results of other machines kept beside.
        damaged: packs that cannot be read. workers: what each does now. failures: run and reason of the first few.
        reasons: reason -> how many runs failed for it, of those looked at. grids: that were started on the store.
    """

    store: Path
    done: int
    failed: int
    skipped: int
    others: int
    damaged: int
    workers: tuple[Beat, ...]
    failures: tuple[str, ...]
    reasons: dict[str, int]
    grids: tuple[GridCourse, ...]

    def values(self) -> dict[str, Any]:
        """Return the same for programs."""
        return asdict(self) | {"store": str(self.store), "workers": [beat.model_dump() for beat in self.workers]}


def status(path: Path) -> StoreStatus:
    """Return what a store holds now.

    Raises:
        StoreError: if there is no store.
    """
    store = Store(path)
    done = store.keys()
    failed = store.keys("failed") - done
    records = [store.read(key, "failed") for key in sorted(failed)]
    grids = [
        GridCourse(one.grid, len(done.intersection(one.keys)), len(one.keys), one.left_s if one.is_running else None)
        for one in courses(store)
    ]
    return StoreStatus(
        store=store.path,
        done=len(done),
        failed=len(failed),
        skipped=len(store.keys("skipped")),
        others=len(replicates.files(store)),
        damaged=len(store.unreadable_packs()),
        workers=tuple(beats(store)),
        failures=tuple(f"{record.spec}: {record.reason}" for record in records[:MOST_REASONS]),
        reasons=dict(Counter(record.reason for record in records).most_common()),
        grids=tuple(grids),
    )
