"""Folders that are there whole or not at all, and are built once even if several processes want them.

A cached folder holds, beside its files, ``manifest.json``: the folder's name, and size and SHA-256 of each file.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from bench.errors import DataError

T = TypeVar("T")
MANIFEST = "manifest.json"
log = logging.getLogger(__name__)


def cached_folder(folder: Path, build: Callable[[Path], None], load: Callable[[Path], T]) -> T:
    """Return what ``load`` reads from a folder, building the folder first if it is missing or damaged.

    A second process that wants the same folder waits for the first. While the folder is sound, nothing is written, not
    even a lock. All its files are hashed at every call, also those that are mapped into memory and would be read by and
    by: a GB takes a second, and a block of runs, which asks for each of its folders once, takes minutes.

    Args:
        folder: where it lies; a cache, so whatever is there may be removed.
        build: fills the (temporary) folder it is given, which is then renamed.
        load: reads the folder, which holds exactly what was built.

    Raises:
        DataError: if the folder cannot be written.
    """
    if _fault(folder):
        with _one_line_errors(folder), FileLock(folder.with_name(f".{folder.name}.lock")):
            if fault := _fault(folder):  # another process may have built it while this one waited
                if folder.exists():
                    log.warning("%s %s; it is built again", folder, fault)
                    shutil.rmtree(folder, ignore_errors=True)
                _put(folder, build, manifest=True)
    return load(folder)


def _fault(folder: Path) -> str:
    """Return what is wrong with a cached folder, or nothing."""
    try:
        said = json.loads((folder / MANIFEST).read_bytes())
        return "" if said == _manifest(folder, folder.name) else "is not as its manifest says"
    except (OSError, ValueError, RecursionError):
        return "has no manifest that can be read"


def _manifest(folder: Path, name: str) -> dict[str, object]:
    """Return the manifest of what a folder holds; its name is part of it, since that says what the content is of."""
    files = {}
    for path in sorted(folder.iterdir()):
        if path.name != MANIFEST:
            with path.open("rb") as file:
                sha = hashlib.file_digest(file, "sha256").hexdigest()
            files[path.name] = {"bytes": path.stat().st_size, "sha256": sha}
    return {"folder": name, "files": files}


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
        _put(folder, build, manifest=False)


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


def refuse_unwritable(folder: Path) -> None:
    """Make a folder, unless it is there, and write into it.

    Raises:
        DataError: if that cannot be done.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DataError(f"cannot write the cache {folder} ({error.strerror}); name another by --cache-dir") from None


def _put(folder: Path, build: Callable[[Path], None], *, manifest: bool) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        inside = Path(temporary) / "content"
        inside.mkdir()
        build(inside)
        if manifest:
            (inside / MANIFEST).write_text(
                json.dumps(_manifest(inside, folder.name), indent=1) + "\n", encoding="utf-8"
            )
        inside.rename(folder)
