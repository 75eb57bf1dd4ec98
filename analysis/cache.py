"""What a report need not work out again: files in a store's folder ``index/``, all of which may be deleted.

Written by hand, because joblib's ``Memory`` and ``diskcache`` keep pickles, and nothing here is ever unpickled.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from bench.errors import StoreError
from bench.store.files import write_atomically

_HASH = 32


class Cache:
    """Bytes by name, in a folder; whatever is damaged counts as absent, and a folder that is read-only stays empty."""

    def __init__(self, folder: Path) -> None:
        """Use a folder; it is made when something is put into it."""
        self.folder = folder

    def get(self, name: str) -> bytes | None:
        """Return what was put under a name; None if nothing was, or it has changed since."""
        try:
            stored = (self.folder / name).read_bytes()
        except OSError:
            return None
        if stored[:_HASH] != hashlib.sha256(stored[_HASH:]).digest():
            return None
        return zlib.decompress(stored[_HASH:])

    def put(self, name: str, content: bytes) -> None:
        """Keep content under a name, if the folder can be written."""
        packed = zlib.compress(content, 1)
        with suppress(StoreError):
            write_atomically(self.folder / name, hashlib.sha256(packed).digest() + packed)

    def keep(self, names: Collection[str]) -> None:
        """Remove everything but these."""
        with suppress(OSError):
            for path in self.folder.iterdir():
                if path.name not in names:
                    path.unlink()
