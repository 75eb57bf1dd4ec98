"""How far a grid has come: what it is to run, and how long that takes still, for ``status`` while it runs.

Beside the heartbeats of workers, in a store's folder ``live/``; whatever is missing or damaged there is not known.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress

from pydantic import ValidationError

from bench.errors import StoreError
from bench.grid.worker.heartbeat import STALE_AFTER_S
from bench.records import Record
from bench.store import Store
from bench.store.files import write_atomically


class Course(Record):
    """A grid that was started on a store.

    Attributes:
        grid: its name. keys: of its runs. left_s: seconds that it is expected to take still; None: not known.
        time: when that was written, in seconds since 1970.
    """

    grid: str
    keys: tuple[str, ...]
    left_s: float | None
    time: float

    @property
    def is_running(self) -> bool:
        """Whether its driver was heard of lately."""
        return self.left_s is not None and time.time() - self.time < STALE_AFTER_S


def write_course(store: Store, course: Course) -> None:
    """Record how far a grid has come, if the store can be written."""
    name = re.sub(r"\W+", "-", course.grid)[:80]
    with suppress(StoreError):
        write_atomically(store.path / "live" / f"{name}.course", course.model_dump_json().encode())


def courses(store: Store) -> list[Course]:
    """Return the grids that were started on a store, the latest last."""
    found = []
    for path in (store.path / "live").glob("*.course"):
        with suppress(OSError, ValidationError):
            found.append(Course.model_validate_json(path.read_bytes()))
    return sorted(found, key=lambda one: one.time)
