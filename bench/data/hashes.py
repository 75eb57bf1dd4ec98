"""SHA-256 of files, remembered by what the file system says of them, so that a second look costs no reading.

The notes lie in ``<cache_dir>/hashes.json`` and may be deleted at any time. They are written by hand, since joblib's
memory would unpickle what it kept.
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

RACY_NS = 2_000_000_000
"""A file changed so shortly before it was looked at could change again within one tick of its file system's clock."""


class FileHashes:
    """Hashes of files; what is known is read once, and kept by :meth:`save`."""

    def __init__(self, cache_dir: Path | None = None) -> None:
        """Read the notes of a cache folder; without one, each file is read."""
        self._path = cache_dir / "hashes.json" if cache_dir else None
        self._notes: dict[str, list[object]] = {}
        self._changed = False
        if self._path:
            with suppress(OSError, ValueError, RecursionError):
                notes = json.loads(self._path.read_bytes())
                self._notes = notes if isinstance(notes, dict) else {}

    def sha256(self, path: Path) -> str:
        """Return the SHA-256 of a file's content, 64 hex digits.

        A file that was replaced by one of the same size and time of modification is noticed too: its inode or its time
        of change differ.

        Raises:
            OSError: if it cannot be read.
        """
        name, began = str(path.resolve()), time.time_ns()
        stat = path.stat()
        seen = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_dev]
        known = self._notes.get(name)
        if isinstance(known, list) and known[:-1] == seen and isinstance(known[-1], str):
            return known[-1]
        with path.open("rb") as file:
            sha = hashlib.file_digest(file, "sha256").hexdigest()
        if max(stat.st_mtime_ns, stat.st_ctime_ns) < began - RACY_NS:
            self._notes[name] = [*seen, sha]
            self._changed = True
        return sha

    def save(self) -> None:
        """Keep what was learned, if the cache can be written; of two processes the later one wins."""
        if self._path is None or not self._changed:
            return
        temporary = self._path.with_name(f".{self._path.name}.{uuid4().hex}.tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(self._notes), encoding="utf-8")
            temporary.replace(self._path)
            self._changed = False
        except OSError:  # a full or read-only cache costs time only
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
