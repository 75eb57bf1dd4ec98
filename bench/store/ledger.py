"""An append-only file of JSON lines, each of which holds the hash of the one before.

``gates/ledger.jsonl`` in a store; ``NAME.ledger.jsonl`` beside a baseline. A line that was changed, removed or put in
between breaks the chain; so that lines missing at its end are noticed too, and the whole file, a store's marker
``store.json`` holds the number of lines and the hash of the last.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from bench.errors import CorruptRecordError, StoreError
from bench.seeds import canonical
from bench.store.baseline import SUFFIX, Baseline
from bench.store.files import as_store_error, write_atomically
from bench.store.marker import MARKER
from bench.store.store import Store

FOLDER, NAME = "gates", "ledger.jsonl"
FIELD = "ledger"
"""Of a store's marker: how many lines its ledger has, and the hash of the last."""


@dataclass(frozen=True)
class Ledger:
    """The lines of a ledger.

    Attributes:
        path: of the file. marker: the store's, which vouches for its end; None beside a baseline.
    """

    path: Path
    marker: Path | None

    @classmethod
    def of(cls, place: Store | Baseline) -> Ledger:
        """Return the ledger of a store or a baseline; there need be none yet."""
        if isinstance(place, Store):
            return cls(place.path / FOLDER / NAME, place.path / MARKER)
        return cls(place.path.with_name(place.path.name.removesuffix(SUFFIX) + f".{NAME}"), None)

    def read(self) -> list[dict[str, Any]]:
        """Return all lines, each checked against the one before, and the last against the marker.

        Raises:
            CorruptRecordError: if it is not what was written.
        """
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            lines = []
        except OSError as error:
            raise StoreError(f"cannot read {self.path}: {error.strerror}") from error
        found: list[dict[str, Any]] = []
        head = ""
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
                intact = entry["previous"] == head and entry["hash"] == _hash(entry)
            except (ValueError, TypeError, KeyError):
                intact = False
            if not intact:
                raise CorruptRecordError(
                    f"{self.path}, line {number} is not what was written: the ledger of what was analysed was changed; "
                    "restore it from a copy"
                )
            head = entry["hash"]
            found.append(entry)
        self._vouched_for(len(found), head)
        return found

    def _vouched_for(self, entries: int, head: str) -> None:
        wanted = self._marked().get(FIELD, {"entries": 0, "head": ""})
        # A process that dies between both writes leaves one line more than the marker knows, which the chain vouches
        # for.
        if entries < wanted["entries"] or (entries == wanted["entries"] and head != wanted["head"]):
            raise CorruptRecordError(
                f"{self.marker} knows of {wanted['entries']} lines of {self.path}, which has {entries}: the ledger of "
                "what was analysed was removed or cut off; restore it from a copy. Without it, no verdict on these "
                "runs holds"
            )

    def append(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Add lines at the end, and vouch for them.

        Raises:
            CorruptRecordError: if what is there is not what was written.
            StoreError: if it cannot be written.
        """
        with as_store_error(f"write {self.path}"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", mode=0o666):
                known = self.read()
                for entry in entries:
                    linked = {**entry, "previous": known[-1]["hash"] if known else ""}
                    known.append({**linked, "hash": _hash(linked)})
                write_atomically(self.path, b"".join(canonical(entry).encode() + b"\n" for entry in known))
                if self.marker is not None and known:
                    mark = {**self._marked(), FIELD: {"entries": len(known), "head": known[-1]["hash"]}}
                    write_atomically(self.marker, canonical(mark).encode() + b"\n")

    def _marked(self) -> dict[str, Any]:
        if self.marker is None:
            return {}
        content: dict[str, Any] = json.loads(self.marker.read_bytes())
        return content


def _hash(entry: Mapping[str, Any]) -> str:
    own = {name: value for name, value in entry.items() if name != "hash"}
    return hashlib.sha256(canonical(own).encode()).hexdigest()
