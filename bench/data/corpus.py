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
        labels: (n,) class numbers, positions in the corpus's ``label_names``.
    """

    texts: pa.ChunkedArray
    labels: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, size: int = 4096) -> Iterator[list[str]]:
        """Yield the texts in order, at most ``size`` at a time, so that few are Python objects at once."""
        for start in range(0, len(self), size):
            yield self.texts.slice(start, size).to_pylist()

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


@dataclass(frozen=True)
class Corpus:
    """A dataset as loaded.

    Attributes:
        name: the dataset's name in specifications.
        label_names: names of the classes; a label is a position in it.
        train: the pool is built from it. test: relabelled and otherwise whole.
        source: where it came from, in words (``hub fancyzhx/ag_news@eb185aa``, ``mirror /data/ag_news`` ...).
    """

    name: str
    label_names: tuple[str, ...]
    train: Split
    test: Split
    source: str

    @cached_property
    def fingerprint(self) -> str:
        """32 hex digits that name the content: label names, texts, labels of both splits."""
        parts = [*self.label_names, self.train.fingerprint, self.test.fingerprint]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    def label_number(self, class_name: str) -> int:
        """Return the number of a class by name (or raise :class:`UnknownNameError`)."""
        if class_name not in self.label_names:
            raise UnknownNameError(f"class of {self.name}", class_name, self.label_names)
        return self.label_names.index(class_name)


def split_of(texts: Sequence[str], labels: Sequence[int] | npt.NDArray[np.integer]) -> Split:
    """Return a split from plain Python values."""
    return Split(pa.chunked_array([pa.array(texts, pa.string())]), np.asarray(labels, dtype=np.int64))
