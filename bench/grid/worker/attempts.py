"""Work that ends its worker, as opposed to work that fails: counted deaths, and a limit of time.

A worker that is killed (out of memory, a crash in native code) leaves no exception behind. So it notes in the store
what it is about to do and removes the note afterwards; whoever starts the same work again finds the note, and after
a few of them gives up. Notes are of one call of the driver: the next call tries again with a clean slate.
"""

from __future__ import annotations

import faulthandler
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from bench.records import Record
from bench.store import Store
from bench.store.files import write_atomically

DEATHS_ALLOWED = 3


class _Note(Record):
    call: str
    started: int
    reason: str


class Attempts:
    """Notes of one call of the driver on what its workers died of; only the holder of a block's lock writes them."""

    def __init__(self, store: Store, call: str) -> None:
        self._folder, self._call = store.path / "attempts", call

    def why_given_up(self, name: str) -> str:
        """Return why a piece of work is not to be tried again by this call, or nothing if it is."""
        started, reason = self._read(name)
        if reason or started < DEATHS_ALLOWED:
            return reason
        return f"its worker died {started} times in it, perhaps out of memory; use fewer workers or a smaller pool"

    def begun(self, name: str) -> int:
        """Return how often this call has begun a piece of work that has not come to an end since."""
        return self._read(name)[0]

    @contextmanager
    def counted(self, name: str) -> Iterator[None]:
        """Note that the body has begun, until it ends in any way but with its process.

        Raises:
            StoreError: if the store cannot be written.
        """
        started, _ = self._read(name)
        self._write(name, started + 1)
        try:
            yield
        finally:
            self._file(name).unlink(missing_ok=True)

    def give_up(self, name: str, reason: str) -> None:
        """Note that a piece of work is not to be tried again by this call, and why."""
        self._write(name, DEATHS_ALLOWED, reason)

    def _read(self, name: str) -> tuple[int, str]:
        try:
            note = _Note.model_validate_json(self._file(name).read_bytes())
        except (OSError, ValidationError):
            return 0, ""  # none, or not one of ours
        return (note.started, note.reason) if note.call == self._call else (0, "")

    def _write(self, name: str, started: int, reason: str = "") -> None:
        note = _Note(call=self._call, started=started, reason=reason)
        # It outlives this process. A power cut ends the driver's call too, and what its notes were for.
        write_atomically(self._file(name), note.model_dump_json().encode(), survives="process")

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"


@contextmanager
def time_limit(seconds: float | None, log_file: Path, late: Callable[[], None]) -> Iterator[None]:
    """End this process if the body takes too long, since nothing less stops every kind of hanging.

    Args:
        seconds: the limit; None for none.
        log_file: where the stacks of all threads go, to show what hung.
        late: called before the end, to leave a record.
    """
    if seconds is None:
        yield
        return

    def end() -> None:
        try:
            late()
            with log_file.open("a", encoding="utf-8") as file:
                faulthandler.dump_traceback(file)
        finally:
            os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
