"""Packs: many finished runs in one Parquet file, named by its content, never changed, joined while they are small.

A pack has a row per run: its key, the bytes of its record (JSON) and of its probabilities (``.npy``), as they were in
files of their own. Rows are in the order of keys, in groups small enough to be read for one run's sake.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import CorruptRecordError, StoreError
from bench.store.files import write_atomically

PACK_BYTES = 2**26
"""Of runs in a pack, before compression: what hosts of git repositories take as one file."""
GROUP_BYTES = 2**20
_KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class PackedRun:
    """A finished run in bytes."""

    key: str
    record: bytes
    probabilities: bytes


@dataclass(frozen=True)
class PackEntry:
    """Where a run is: the pack's file, and row group and row in it."""

    pack: Path
    group: int
    row: int


class Packs:
    """The packs of a folder. Which runs a pack holds is read once; a pack that appears later is found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[Path, dict[str, PackEntry]] = {}
        self._places: dict[str, PackEntry] = {}
        self._groups: dict[tuple[Path, str], tuple[int, list[bytes]]] = {}
        self.unreadable: dict[Path, str] = {}
        """A line for each pack whose runs are unknown, as of the last look."""

    def places(self) -> dict[str, PackEntry]:
        """Return where each packed run is, after a look at what is in the folder now."""
        packs = sorted(self.folder.glob("*.parquet"))
        if set(packs) != self._known.keys() | self.unreadable.keys():
            self._known = {pack: self._known[pack] for pack in packs if pack in self._known}
            self.unreadable = {pack: self.unreadable[pack] for pack in packs if pack in self.unreadable}
            for pack in packs:
                if pack not in self._known | self.unreadable:
                    try:
                        self._known[pack] = _places(pack)
                    except CorruptRecordError as error:
                        if pack not in self.folder.glob("*.parquet"):  # it was joined with others since it was listed
                            return self.places()
                        self.unreadable[pack] = str(error)
            self._places = {key: place for places in self._known.values() for key, place in places.items()}
        return self._places

    def readable(self) -> set[Path]:
        """Return the packs of which at least the keys can be read, after a look at what is in the folder now."""
        self.places()
        return set(self._known)

    def find(self, key: str) -> PackEntry | None:
        """Return where a run is, or None if it is in no pack."""
        return self._places.get(key) or self.places().get(key)

    def wrong(self) -> list[str]:
        """Return a line for each pack that is damaged or foreign; reads all of them."""
        self.places()
        lines = list(self.unreadable.values())
        return lines + [f"{pack} does not match the hash in its name" for pack in self._known if not is_whole(pack)]

    def get(self, key: str, column: str) -> bytes | None:
        """Return the ``record`` or the ``probabilities`` of a run, unchecked; None if it is not packed.

        Raises:
            CorruptRecordError: if that part of its pack cannot be read.
        """
        place = self.find(key)
        if place is None:
            return None
        try:
            return self.read(place, column)
        except CorruptRecordError:
            if self.places().get(key) == place:
                raise
            return self.get(key, column)  # its pack was joined with others

    def read(self, place: PackEntry, column: str) -> bytes:
        """Return the ``record`` or the ``probabilities`` of the run at a place, unchecked.

        Raises:
            CorruptRecordError: if that part of its pack cannot be read.
        """
        group, values = self._groups.get((place.pack, column), (-1, []))
        if group != place.group:
            values = _values(place.pack, place.group, column)
            self._groups[place.pack, column] = place.group, values
        return values[place.row]

    def in_pack(self, pack: Path) -> dict[str, PackEntry]:
        """Return where each run of one pack is, also of those that another pack holds too."""
        self.places()
        return dict(self._known.get(pack, {}))

    def everywhere(self, key: str) -> list[PackEntry]:
        """Return all places of a run: while packs are rewritten, it may be in two."""
        self.places()
        return [places[key] for places in self._known.values() if key in places]


def write_pack(folder: Path, runs: list[PackedRun]) -> Path:
    """Write runs as a pack and return its file.

    Raises:
        StoreError: if it cannot be written; then there is none.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer, schema = io.BytesIO(), _schema()
    # The checksums are for records older than the hash they carry.
    with pq.ParquetWriter(
        buffer, schema, compression="zstd", use_dictionary=False, write_statistics=False, write_page_checksum=True
    ) as writer:
        for group in in_pieces(sorted(runs, key=lambda run: run.key), GROUP_BYTES):
            columns = [[getattr(run, name) for run in group] for name in schema.names]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=len(group))
    content = buffer.getvalue()
    pack = folder / f"{_name(content)}.parquet"
    write_atomically(pack, content)
    return pack


def in_pieces(runs: Iterable[PackedRun], size: int) -> Iterator[list[PackedRun]]:
    """Yield runs in order, so many at a time that they have about ``size`` bytes."""
    piece: list[PackedRun] = []
    total = 0
    for run in runs:
        piece.append(run)
        total += len(run.record) + len(run.probabilities)
        if total >= size:
            yield piece
            piece, total = [], 0
    if piece:
        yield piece


def is_whole(pack: Path) -> bool:
    """Return whether a pack's content is that of its name, or it was joined with others in the meantime."""
    try:
        return _name(pack.read_bytes()) == pack.stem
    except FileNotFoundError:
        return True


def is_full(pack: Path) -> bool:
    """Return whether the runs of a pack are as many bytes as packs are made of."""
    with _opened(pack) as file:
        groups = (file.metadata.row_group(number) for number in range(file.num_row_groups))
        return bool(sum(group.total_byte_size for group in groups) >= PACK_BYTES)


def _name(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _schema() -> Any:
    import pyarrow as pa

    kinds = {"key": pa.string(), "record": pa.binary(), "probabilities": pa.binary()}
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in kinds.items()])


def _places(pack: Path) -> dict[str, PackEntry]:
    """Return where the runs of a pack are."""
    places: dict[str, PackEntry] = {}
    with _opened(pack) as file:
        for group in range(file.num_row_groups):
            keys = file.read_row_group(group, ["key"], use_threads=False)["key"].to_pylist()
            if not all(map(_KEY.fullmatch, keys)):
                raise CorruptRecordError(f"{pack} is not a pack of runs: it holds names that are no keys")
            places |= {key: PackEntry(pack, group, row) for row, key in enumerate(keys)}
    return places


def _values(pack: Path, group: int, column: str) -> list[bytes]:
    with _opened(pack) as file:
        values: list[bytes] = file.read_row_group(group, [column], use_threads=False)[column].to_pylist()
        return values


@contextmanager
def _opened(pack: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(pack, page_checksum_verification=True) as file:
            if not file.schema_arrow.equals(_schema()):
                raise CorruptRecordError(f"{pack} is not a pack of runs: it has other columns")
            yield file
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno and not isinstance(error, FileNotFoundError):
            raise StoreError(f"cannot read {pack}: {error.strerror}") from error  # the disk's fault, not the pack's
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CorruptRecordError(f"{pack} cannot be read as a pack of runs: {reason:.200}") from None
