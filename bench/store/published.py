"""A published store: a folder that git or a hub of datasets can hold, read as any other store is.

Layout::

    store.json            schema version, and the end of the ledger
    manifest.json         what the folder holds, what was left out of it, and size and SHA-256 of each other file
    data/runs.parquet     a row a run
    data/rounds.parquet   a row a run and round; ``run`` is the number of the run's row
    README.md             a data card;  croissant.json: the same for programs
    gates/ledger.jsonl    plans and analyses of ``regress``, if there were any

It lacks test probabilities, and, but for the runs that figures show one by one, which rows were selected. Grids may be
run on top of it: what is published counts as finished, and new runs get files of their own beside it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, ValidationError

from bench.errors import CorruptRecordError, StoreError
from bench.records import SCHEMA_VERSION, Record, RunRecord, Status
from bench.store.columns import Tables

MANIFEST = "manifest.json"
RUNS, ROUNDS = "data/runs.parquet", "data/rounds.parquet"
GROWING = ("store.json", "gates/ledger.jsonl")
"""Files in which an analysis is put on record: they vouch for themselves (see :mod:`bench.store.ledger`)."""
ROWS = "which rows were selected, their probabilities and weights, and how the pool was scored"
PROBABILITIES = "test probabilities and test labels"
TEXTS = "texts, names of machines and places on their disks"
LEFT_OUT = (
    PROBABILITIES,
    f"{ROWS}: these are kept of the runs that figures show one by one; of all others, how many rows there were",
    TEXTS,
)


def _inside(name: str) -> str:
    path = Path(name)
    hidden = any(part.startswith(".") for part in path.parts) and name != ".gitignore"
    if path.is_absolute() or hidden or "\\" in name or not path.parts:
        raise ValueError("must name a file in the folder")
    return name


class FileFact(Record):
    """Size in bytes and SHA-256 of a file."""

    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> FileFact:
        """Return what is true of a file with some content."""
        return cls(size=len(content), sha256=hashlib.sha256(content).hexdigest())


class Manifest(Record):
    """What a published store holds.

    Attributes:
        published: version of this form. runs, failed, skipped: how many there are.
        whole: of how many runs which rows were selected is kept. left_out: what is not there, in words.
        files: path -> size and SHA-256 of every file but this one.
    """

    published: Literal[1] = 1
    schema_version: Literal[3] = SCHEMA_VERSION
    runs: int
    failed: int
    skipped: int
    whole: int
    left_out: tuple[str, ...] = LEFT_OUT
    files: dict[Annotated[str, AfterValidator(_inside)], FileFact]

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Return the manifest of a folder.

        Raises:
            StoreError: if there is none, or it cannot be read.
            CorruptRecordError: if it is none that this version reads.
        """
        path = folder / MANIFEST
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise StoreError(f"{folder} is no published store: it has no {MANIFEST}") from None
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}") from None
        except ValidationError as error:
            first = error.errors()[0]
            at = ".".join(map(str, first["loc"]))
            raise CorruptRecordError(f"{path} is no manifest that this version reads: {at} {first['msg']}") from None

    def encoded(self) -> bytes:
        """Return the file's bytes."""
        return json.dumps(self.model_dump(mode="json"), indent=1).encode() + b"\n"

    def content(self, folder: Path, name: str) -> bytes:
        """Return the bytes of a file, checked.

        Raises:
            CorruptRecordError: if it is missing, or not what was published.
        """
        path = folder / name
        try:
            found = path.read_bytes()
        except OSError as error:
            raise CorruptRecordError(f"cannot read {path}: {error.strerror}; get the published store again") from None
        if name not in self.files or FileFact.of(found) != self.files[name]:
            pointer = found.startswith(b"version https://git-lfs")
            why = "git has a pointer in its place: run git lfs pull" if pointer else "get the published store again"
            raise CorruptRecordError(f"{path} is not what {MANIFEST} says, it was altered or cut off; {why}")
        return found

    def wrong(self, folder: Path, *, grown: bool = False) -> Iterator[str]:
        """Yield a line for each file that is not what was published.

        Args:
            folder: where they are.
            grown: whether analyses may have been put on record since.
        """
        for name in self.files:
            if not (grown and name in GROWING):
                try:
                    self.content(folder, name)
                except CorruptRecordError as error:
                    yield str(error)


class Published:
    """The published runs of a store's folder."""

    def __init__(self, folder: Path) -> None:
        """Take a folder; nothing is read yet."""
        self.folder = folder

    @property
    def is_there(self) -> bool:
        """Whether the folder is a published store."""
        return (self.folder / MANIFEST).is_file()

    @property
    def file(self) -> Path:
        """The file that runs are in; what belongs to them in others changes only with it."""
        return self.folder / RUNS

    @cached_property
    def manifest(self) -> Manifest:
        """What is published."""
        return Manifest.read(self.folder)

    def keys(self, status: Status) -> set[str]:
        """Return the keys of the runs of a status.

        Raises:
            CorruptRecordError: if the tables are not what was published.
        """
        return {key for found, key in self._tables.places if found == status} if self.is_there else set()

    def holds(self, key: str, status: Status) -> bool:
        """Return whether a run is among them."""
        return self.is_there and (status, key) in self._tables.places

    def read(self, key: str, status: Status) -> RunRecord:
        """Return a run that is among them."""
        return self._tables.record(status, key)

    @cached_property
    def _tables(self) -> Tables:
        import pyarrow as pa
        import pyarrow.parquet as pq

        runs, rounds = (self.manifest.content(self.folder, name) for name in (RUNS, ROUNDS))
        try:
            return Tables(*(pq.read_table(pa.BufferReader(content)) for content in (runs, rounds)))
        except (pa.ArrowException, KeyError) as error:
            raise CorruptRecordError(f"{self.folder / 'data'} cannot be read as published runs: {error}") from None

    def refuse(self, what: str, part: str) -> None:
        """Make sure that a part that something needs was not left out.

        Args:
            what: needs it, as a subject: ``rescore``.
            part: ``PROBABILITIES`` or ``ROWS`` ...

        Raises:
            StoreError: if the store is published.
        """
        if self.is_there:
            raise StoreError(f"{self.folder} was published without {part}; {what} needs the store that it was made of")
