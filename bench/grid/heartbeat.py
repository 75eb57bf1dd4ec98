"""What each worker is doing now: a small file of its own in the store, read by the driver and by ``status``."""

from __future__ import annotations

import logging
import os
import socket
import time

import psutil
from pydantic import FiniteFloat, ValidationError

from bench.records import Record
from bench.store import Store

log = logging.getLogger("bench")
STALE_AFTER_S = 900


def process_name() -> str:
    """Return ``host-pid``, the name of this process among all machines that share a store."""
    return f"{socket.gethostname()}-{os.getpid()}"


class Beat(Record):
    """What one worker said last: block or run, stage, the run's key and the fraction of it done, and when."""

    what: str
    stage: str
    key: str
    fraction: FiniteFloat
    time: FiniteFloat


class Heartbeat:
    """Tells the store what this worker is doing."""

    def __init__(self, store: Store) -> None:
        self._path = store.path / "live" / f"{process_name()}.json"
        self._path.parent.mkdir(exist_ok=True)

    def tell(self, what: str, stage: str, *, key: str = "", fraction: float = 0.0) -> None:
        """Say which block or run is at which stage; of a run, also its key and how much of it is done."""
        beat = Beat(what=what, stage=stage, key=key, fraction=round(fraction, 3), time=time.time())
        temporary = self._path.with_suffix(".tmp")
        try:
            temporary.write_text(beat.model_dump_json(), encoding="utf-8")
            temporary.replace(self._path)
        except OSError:
            log.debug("no heartbeat: the store cannot be written")

    def stop(self) -> None:
        """Say that nothing is being done."""
        self._path.unlink(missing_ok=True)


def beats(store: Store) -> list[Beat]:
    """Return what the workers on a store are doing now; those not heard of for long are left out."""
    found = []
    for path in sorted((store.path / "live").glob("*.json")):
        try:
            beat = Beat.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue  # being replaced, or a worker of another version
        if time.time() - beat.time < STALE_AFTER_S and not _is_dead(path.stem):
            found.append(beat)
    return found


def _is_dead(worker: str) -> bool:
    """Return whether ``host-pid`` names a process of this host that is no more, killed before it could say so."""
    host, _, pid = worker.rpartition("-")
    return host == socket.gethostname() and not (pid.isdecimal() and psutil.pid_exists(int(pid)))
