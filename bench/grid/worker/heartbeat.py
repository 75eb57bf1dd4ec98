"""What each worker is doing now: a small file of its own in the store, read by the driver and by ``status``."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock
from pydantic import FiniteFloat, ValidationError

from bench.records import Record
from bench.store import Store
from bench.store.files import temporary_name

log = logging.getLogger("bench")
STALE_AFTER_S = 900


class _Token:
    """Random letters that distinguish this process from others; a forked child draws its own."""

    def __init__(self) -> None:
        self.draw()
        os.register_at_fork(after_in_child=self.draw)

    def draw(self) -> None:
        self.text = uuid4().hex[:12]


_TOKEN = _Token()


def process_name() -> str:
    """Return ``host-token-pid``, the name of this process among all that share a store.

    Two containers may have the same host name and the same process ids, hence the token.
    """
    return f"{socket.gethostname()}-{_TOKEN.text}-{os.getpid()}"


def is_of_this_host(process: str) -> bool:
    """Return whether a process of that name runs on a host of this name."""
    return process.rsplit("-", 2)[0] == socket.gethostname()


class Beat(Record):
    """What one worker reported last: block or run, stage, the run's key and the fraction of it done, and when."""

    what: str
    stage: str
    key: str
    fraction: FiniteFloat
    time: FiniteFloat


class Heartbeat:
    """Records in the store what this worker is doing.

    While it does anything it holds a lock next to its file: the operating system's, which goes with the process, so
    that others see it die wherever they run. Its process id would mean another process in another container.
    """

    def __init__(self, store: Store) -> None:
        self._path = store.path / "live" / f"{process_name()}.json"
        self._path.parent.mkdir(exist_ok=True)
        self._lock = FileLock(_lock_file(self._path), timeout=0)
        self._size = 0

    def beat(self, what: str, stage: str, *, key: str = "", fraction: float = 0.0) -> None:
        """Record which block or run is at which stage; of a run, also its key and how much of it is done."""
        now = Beat(what=what, stage=stage, key=key, fraction=round(fraction, 3), time=time.time())
        text = now.model_dump_json().encode().ljust(self._size)  # never shorter than what it is written over
        self._size = len(text)
        try:
            if not self._lock.is_locked:
                self._lock.acquire()
            self._write(text)
        except OSError:
            log.debug("no heartbeat: the store cannot be written")

    def _write(self, text: bytes) -> None:
        """Write the file in place, which takes a twentieth of a new file's time; a new one where there is none.

        Who reads while it is written may see parts of two beats, or nothing of use, and looks again soon.
        """
        try:
            with self._path.open("r+b") as file:
                file.write(text)
        except FileNotFoundError:
            temporary = temporary_name(self._path)
            try:
                temporary.write_bytes(text)
                temporary.replace(self._path)
            finally:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)

    def stop(self) -> None:
        """Record that nothing is being done."""
        self._path.unlink(missing_ok=True)
        _lock_file(self._path).unlink(missing_ok=True)  # while it is held: nobody else ever makes one of this name
        self._lock.release()


def beats(store: Store) -> list[Beat]:
    """Return what the workers on a store are doing now; those not heard of for long are left out."""
    found = []
    for path in sorted((store.path / "live").glob("*.json")):
        try:
            beat = Beat.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue  # being replaced, or a worker of another version
        if time.time() - beat.time < STALE_AFTER_S and not _is_dead(path):
            found.append(beat)
    return found


def _is_dead(beat: Path) -> bool:
    """Return whether the worker that wrote a beat has died without taking its beat back.

    By hand, since ``filelock`` would create the file to be examined, also in a store that is read only.
    """
    try:
        descriptor = os.open(_lock_file(beat), os.O_RDONLY)
    except OSError:
        return False  # it cannot be known
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False  # held, or this file system has no locks
    finally:
        os.close(descriptor)
    return True


def _lock_file(beat: Path) -> Path:
    return beat.with_suffix(".lock")
