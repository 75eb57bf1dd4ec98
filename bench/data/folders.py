"""Folders that are there whole or not at all, and are built once even if several processes want them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from bench.errors import DataError

T = TypeVar("T")


def cached_folder(folder: Path, build: Callable[[Path], None], load: Callable[[Path], T]) -> T:
    """Return what ``load`` reads from a folder, building the folder first if it is missing or damaged.

    A second process that wants the same folder waits for the first. While the folder is sound,
    nothing is written, not even a lock.

    Args:
        folder: where it lies; a cache, so whatever is there may be removed.
        build: fills the (temporary) folder it is given, which is then renamed.
        load: reads the folder; raises :class:`DataError` if it is missing, cut short or foreign.

    Raises:
        DataError: if the folder cannot be written, or what was just built cannot be read.
    """
    try:
        return load(folder)
    except DataError:
        pass
    with _one_line_errors(folder), FileLock(folder.with_name(f".{folder.name}.lock")):
        try:
            return load(folder)  # another process may have built it while this one waited
        except DataError:
            shutil.rmtree(folder, ignore_errors=True)
        _put(folder, build)
    return load(folder)


def new_folder(folder: Path, build: Callable[[Path], None]) -> None:
    """Build a folder that must not exist yet.

    Args:
        folder: where it is to lie.
        build: fills the (temporary) folder it is given, which is then renamed.

    Raises:
        DataError: if there is something at that place, or it cannot be written.
    """
    with _one_line_errors(folder):
        if folder.exists():
            raise DataError(f"{folder} exists already; remove it or choose another folder")
        _put(folder, build)


@contextmanager
def _one_line_errors(folder: Path) -> Iterator[None]:
    """Make the folder above; turn a failure of the disk into one line."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise DataError(
            f"cannot write {folder}: {error.strerror or error}; free some space or choose another folder"
        ) from error


def _put(folder: Path, build: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        inside = Path(temporary) / "content"
        inside.mkdir()
        build(inside)
        inside.rename(folder)
