"""What makes a folder a store: a file that names the version of its layout."""

from __future__ import annotations

import json
from pathlib import Path

from bench.errors import StoreError
from bench.records import SCHEMA_VERSION
from bench.store.files import as_store_error, write_atomically

MARKER = "store.json"
EARLIER = (1, 2)
"""Versions that ``store migrate`` reads."""


def check_marker(folder: Path, *, create: bool, earlier: bool = False) -> None:
    """Make sure that a folder is a store of this version.

    Args:
        folder: the folder.
        create: whether a new or empty folder is to become one.
        earlier: whether an earlier version will do.

    Raises:
        StoreError: if it is none, it is of another version, or not writable.
    """
    if create and schema_version(folder) is None:
        _mark(folder)
    version = schema_version(folder)
    if version is None:
        raise StoreError(f"no result store at {folder}; run a grid first, or give --store PATH")
    if version in EARLIER:
        if not earlier:
            raise StoreError(
                f"{folder} was written by an earlier version of imbal-bench, in another form; convert it once, "
                f"which keeps everything: imbal-bench store migrate --store {folder}"
            )
    elif version != SCHEMA_VERSION:
        raise StoreError(
            f"{folder} was written by another version of imbal-bench: its schema is {version!r}, this one "
            f"reads and writes {SCHEMA_VERSION}; use the version that wrote it, or choose another folder"
        )


def schema_version(folder: Path) -> object:
    """Return the content of a folder's marker, or None if there is no marker.

    Raises:
        StoreError: if it cannot be read, or is not ours.
    """
    marker = folder / MARKER
    try:
        return json.loads(marker.read_bytes())["schema_version"]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(f"cannot read {marker}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, RecursionError):
        raise StoreError(f"{marker} does not mark a result store; choose another folder") from None


def _mark(folder: Path) -> None:
    """Mark a new or empty folder; another process may be doing the same."""
    with as_store_error(f"make a store at {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        foreign = [path for path in folder.iterdir() if not path.name.startswith(f".{MARKER}.")]
    if foreign and schema_version(folder) is None:
        raise StoreError(f"{folder} is neither empty nor a result store; choose another folder")
    mark(folder)


def mark(folder: Path) -> None:
    """Mark a folder as a store of this version."""
    write_atomically(folder / MARKER, b'{"schema_version": %d}\n' % SCHEMA_VERSION)
