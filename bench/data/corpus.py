"""What a source of texts yields: a corpus with a train and a test split, and a fingerprint of its content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bench.errors import UnknownNameError


@dataclass(frozen=True)
class Split:
    """Texts and labels of one split.

    Attributes:
        texts: (n,) Arrow strings (memory-mapped where the source is).
        labels: (n,) class numbers, positions in the corpus's ``label_names``; or in its ``label_sets``, if it has any.
        origin: (n,) row numbers in the files the split was read from, counted from 0 over all of them; None: all rows
            of these, in order.
    """

    texts: pa.ChunkedArray
    labels: npt.NDArray[np.int64]
    origin: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, size: int = 4096) -> Iterator[list[str]]:
        """Yield the texts in order, at most ``size`` at a time, so that few are Python objects at once."""
        for start in range(0, len(self), size):
            yield self.texts.slice(start, size).to_pylist()

    def texts_of(self, rows: npt.NDArray[np.int64]) -> tuple[str, ...]:
        """Return the texts of some rows, in the order asked for."""
        return tuple(self.texts.take(pa.array(rows)).to_pylist())

    def where(self, rows: npt.NDArray[np.bool_]) -> Split:
        """Return the split of some rows, given as (n,) true and false."""
        origin = np.arange(len(self), dtype=np.int64) if self.origin is None else self.origin
        return Split(self.texts.filter(pa.array(rows)), self.labels[rows], origin[rows])

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all texts (length-prefixed UTF-8) and labels, whatever the chunks and the source."""
        sha = hashlib.sha256(np.ascontiguousarray(self.labels, dtype="<i8").tobytes())
        for batch in self.batches():
            for text in batch:
                raw = text.encode()
                sha.update(len(raw).to_bytes(4, "little"))
                sha.update(raw)
        return sha.hexdigest()


ADD_FEATURES = "name a .npy file or a function under `features` in its YAML file"
"""What to do about a dataset without vectors."""


@dataclass(frozen=True)
class OwnVectors:
    """A user's own vectors of texts.

    Attributes:
        values: (n, d) float32, one row for each row of the train split; memory-mapped where it lies in a file.
        digest: a hash of all of them.
    """

    values: npt.NDArray[np.float32]
    digest: str


@dataclass(frozen=True)
class Corpus:
    """A dataset as loaded.

    Attributes:
        name: the dataset's name in specifications.
        label_names: names of the classes; a label is a position in it.
        train: the pool is built from it. test: relabelled and otherwise whole.
        source: where it came from, in words (``hub fancyzhx/ag_news@eb185aa``, ``mirror /data/ag_news`` ...).
        label_sets: of rows with several labels, or none: the sets of class numbers that occur, ascending each. A label
            is a position in it then. Empty where each row is of one class.
        features: the user's own vectors of the training texts, and what they are named by; None if there are none.
        notes: what was found out, or left out, in reading it: a line each, for people.
    """

    name: str
    label_names: tuple[str, ...]
    train: Split
    test: Split
    source: str
    label_sets: tuple[tuple[int, ...], ...] = ()
    features: OwnVectors | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """32 hex digits that name the content: label names, texts, labels of both splits; sets and features, if any."""
        parts = [*self.label_names, self.train.fingerprint, self.test.fingerprint]
        parts += [f"sets {self.label_sets}"] if self.label_sets else []
        parts += [f"features {self.features.digest}"] if self.features else []
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    def is_of(self, split: Split, class_name: str) -> npt.NDArray[np.bool_]:
        """Return whether each row of a split is of a class, (n,); of several labels, whether it is among them.

        Raises:
            UnknownNameError: if there is no such class.
        """
        number = self.label_number(class_name)
        if not self.label_sets:
            found: npt.NDArray[np.bool_] = split.labels == number
            return found
        return np.array([number in own for own in self.label_sets], dtype=bool)[split.labels]

    def rows_per_class(self, split: Split) -> tuple[int, ...]:
        """Return how many rows of a split are of each class; a row of several labels counts for each of them."""
        if not self.label_sets:
            return tuple(np.bincount(split.labels, minlength=len(self.label_names)).tolist())
        return tuple(int(self.is_of(split, name).sum()) for name in self.label_names)

    def label_number(self, class_name: str) -> int:
        """Return the number of a class by name (or raise :class:`UnknownNameError`)."""
        if class_name not in self.label_names:
            raise UnknownNameError(f"class of {self.name}", class_name, self.label_names)
        return self.label_names.index(class_name)


def split_of(texts: Sequence[str], labels: Sequence[int] | npt.NDArray[np.integer]) -> Split:
    """Return a split from plain Python values."""
    return Split(pa.chunked_array([pa.array(texts, pa.string())]), np.asarray(labels, dtype=np.int64))
