"""Files that passed verification and need not be read again: a note per run or pack of their sizes and times.

The notes can be thrown away: they are made anew by reading everything once.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path

from bench.errors import StoreError
from bench.store.files import write_atomically

RACY_NS = 2_000_000_000
"""A file changed so shortly before it was looked at could change again within one tick of its file system's clock."""


def look(*files: Path) -> list[int]:
    """Return size and time of change of each file, in ns; nothing if one is missing."""
    try:
        found = [path.stat() for path in files]
    except OSError:
        return []
    return [value for stat in found for value in (stat.st_size, stat.st_mtime_ns)]


class Notes:
    """The notes of a store."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._began = time.time_ns()
        self._changed = False
        try:
            notes = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            notes = {}  # none yet, or not ours
        self._notes: dict[str, object] = notes if isinstance(notes, dict) else {}

    def holds(self, name: str, seen: list[int]) -> bool:
        """Return whether these files passed verification when they looked as they do now."""
        return bool(seen) and self._notes.get(name) == seen

    def add(self, name: str, seen: list[int]) -> None:
        """Note that files which looked like this before they were read passed verification."""
        if seen and max(seen[1::2]) < self._began - RACY_NS:
            self._notes[name] = seen
            self._changed = True

    def save(self) -> None:
        """Keep what was added, if the store can be written."""
        if self._changed:
            with suppress(StoreError):
                write_atomically(self._path, json.dumps(self._notes).encode())
