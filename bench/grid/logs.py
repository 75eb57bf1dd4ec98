"""The suite's log: a file of the store for the driver and its workers, and the driver's console."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from rich.console import Console
from rich.logging import RichHandler

from bench.errors import StoreError
from bench.store import Store

log = logging.getLogger("bench")


def log_to_file(path: Path) -> logging.Handler:
    """Make this the log file of the suite's logger in this process; lines of several processes may mix."""
    for old in [h for h in log.handlers if isinstance(h, logging.FileHandler)]:
        if old.baseFilename == str(path.resolve()):
            return old
        log.removeHandler(old)  # of another driver that this worker served before
        old.close()
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(handler)
    return handler


@contextmanager
def log_to(store: Store, console: Console) -> Iterator[Path]:
    """Log to a file of the store, and to the console; tracebacks go to the file only."""
    now = f"{datetime.now():%Y%m%d-%H%M%S}"  # noqa: DTZ005 - the user's own clock
    path = store.path / "logs" / f"{now}-{uuid4().hex[:6]}.log"  # drivers that start together have one each
    try:
        path.parent.mkdir(exist_ok=True)
        to_file = log_to_file(path)
    except OSError as error:
        raise StoreError(
            f"cannot write {path}: {error.strerror}; free some space or choose a writable folder"
        ) from error
    to_console = RichHandler(console=console, show_path=False, show_level=False, log_time_format="%X", highlighter=None)
    to_console.addFilter(lambda record: record.exc_info is None)
    log.addHandler(to_console)
    try:
        yield path
    finally:
        log.removeHandler(to_file)
        log.removeHandler(to_console)
        to_file.close()
