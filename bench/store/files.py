"""Files that are there whole or not at all, and one line for what the operating system refuses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal
from uuid import uuid4

from bench.errors import StoreError

Survives = Literal["power cut", "with the next", "process"]


def temporary_name(path: Path) -> Path:
    """Return a new name next to a file, under which its content is written first.

    No two writers get the same one: processes of two containers, or of two hosts, may share a folder and a process id.
    ``tempfile`` makes such names too, but its files are readable by their owner alone.
    """
    return path.with_name(f".{path.name}.{uuid4().hex}.tmp")


def write_atomically(path: Path, content: bytes, *, survives: Survives = "power cut") -> None:
    """Write a file so that it is there whole or not at all.

    Args:
        path: of the file; its folder is made.
        content: of the file.
        survives: what it is to survive. ``with the next``: a power cut, as soon as the next file of its folder does,
            which saves waiting for the disk once. ``process``: the end of this process, and no power cut.

    Raises:
        StoreError: if the disk is full or read-only; a temporary file is removed, the old content stays.
    """
    temporary = temporary_name(path)
    with as_store_error(f"write {path}"):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                if survives != "process":
                    os.fsync(file.fileno())
            os.replace(temporary, path)  # noqa: PTH105 - the atomic call, named as such
            if survives == "power cut":
                _sync_folder(path.parent)
        except BaseException:  # Ctrl-C too leaves no temporary file
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


@contextmanager
def as_store_error(action: str) -> Iterator[None]:
    """Turn errors of the operating system into one line with the remedy."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot {action}: {error.strerror or error}; free some space or choose a writable folder, "
            "then run the same command again: finished runs are kept"
        ) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
