"""What in a dataset would mislead an experiment: repeated texts, texts of two classes, empty ones, labels alike.

Nothing here knows a language. Two texts are equal if they are the same characters, spaces at the ends aside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bench.data.corpus import Corpus, Split
from bench.data.division import same_texts
from bench.data.labels import near_equal

SAMPLED = 2_000
"""Texts whose lengths are measured, evenly spread over the split."""


@dataclass(frozen=True)
class ClassCount:
    """Rows of a class in each split."""

    name: str
    train: int
    test: int


@dataclass(frozen=True)
class Lengths:
    """Lengths of training texts in tokens.

    Attributes:
        median, longest: of the texts measured. limit: what the model reads of a text.
        cut: the share of texts that are longer than that.
        how: what counted the tokens, in words.
    """

    median: int
    longest: int
    limit: int
    cut: float
    how: str


@dataclass(frozen=True)
class DataCheck:
    """What was found in a dataset.

    Attributes:
        name: of the dataset. classes: rows of each. train_rows, test_rows: of the splits.
        repeated: training rows whose text an earlier one has. repeated_in_test: the same of test rows.
        leaked: test rows whose text is a training row's, too. contradictory: training rows whose text another row has
            under another label.
        empty: (train, test) rows whose text is empty or nothing but spaces.
        alike: groups of classes that differ only in case or spaces.
        lengths: of texts; None if they were not measured.
        notes: what was found out, or left out, in reading.
    """

    name: str
    classes: tuple[ClassCount, ...]
    train_rows: int
    test_rows: int
    repeated: int
    repeated_in_test: int
    leaked: int
    contradictory: int
    empty: tuple[int, int]
    alike: tuple[tuple[str, ...], ...]
    lengths: Lengths | None = None
    notes: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[str, ...]:
        """What may mislead, each in a few words; nothing if all is well."""
        found = [
            (self.leaked, f"{self.leaked:,} of {self.test_rows:,} test texts also in train"),
            (self.repeated, f"repeated texts: {self.repeated:,} of {self.train_rows:,} training rows"),
            (self.repeated_in_test, f"repeated texts: {self.repeated_in_test:,} of {self.test_rows:,} test rows"),
            (self.contradictory, f"texts with two labels: {self.contradictory:,} training rows"),
            (sum(self.empty), f"empty texts: {sum(self.empty):,} rows"),
            (len(self.alike), "classes differ only in case or spaces: " + "; ".join(map(" / ".join, self.alike))),
        ]
        said = [line for count, line in found if count]
        if self.lengths is not None and self.lengths.cut >= 0.05:
            said.append(f"{self.lengths.cut:.0%} of texts exceed the {self.lengths.limit} tokens that are read")
        return (*said, *self.notes)


def check(corpus: Corpus, *, lengths: Lengths | None = None) -> DataCheck:
    """Return what is found in a dataset; half a second for a million short texts."""
    train, test = corpus.train, corpus.test
    groups = same_texts(pa.chunked_array([*_large(train).chunks, *_large(test).chunks], pa.large_string()))
    of_train, of_test = groups[: len(train)], groups[len(train) :]
    counts = zip(corpus.label_names, corpus.rows_per_class(train), corpus.rows_per_class(test), strict=True)
    return DataCheck(
        name=corpus.name,
        classes=tuple(ClassCount(*one) for one in counts),
        train_rows=len(train),
        test_rows=len(test),
        repeated=len(train) - len(np.unique(of_train)),
        repeated_in_test=len(test) - len(np.unique(of_test)),
        leaked=int(np.isin(of_test, of_train).sum()),
        contradictory=_contradictory(of_train, train.labels),
        empty=(_empty(train), _empty(test)),
        alike=tuple(near_equal(corpus.label_names)),
        lengths=lengths,
        notes=corpus.notes,
    )


def lengths(corpus: Corpus, limit: int, count: Callable[[Sequence[str]], list[int]], how: str) -> Lengths:
    """Return the lengths of a sample of training texts.

    Args:
        corpus: whose texts.
        limit: tokens of a text that a model reads.
        count: returns the number of tokens of each text.
        how: says what counts, in words.
    """
    at = np.unique(np.linspace(0, len(corpus.train) - 1, min(SAMPLED, len(corpus.train))).astype(np.int64))
    found = np.array(count(corpus.train.texts.take(pa.array(at)).to_pylist()))
    return Lengths(int(np.median(found)), int(found.max()), limit, float((found > limit).mean()), how)


def estimated_tokens(texts: Sequence[str]) -> list[int]:
    """Return a guess at the word pieces of texts, two special tokens included, without a tokenizer.

    1.3 for each word between spaces; but one for every six bytes at least, for scripts that put no spaces between words
    (a character of Chinese or Japanese has three bytes) and for long words.
    """
    return [2 + max(round(1.3 * len(text.split())), len(text.encode()) // 6) for text in texts]


def _large(split: Split) -> pa.ChunkedArray:
    return split.texts.cast(pa.large_string())


def _contradictory(groups: npt.NDArray[np.int64], labels: npt.NDArray[np.int64]) -> int:
    """Return how many rows share their text with a row of another label."""
    if not len(groups):
        return 0
    pairs = np.unique(np.stack([groups, labels]), axis=1)
    several = np.bincount(pairs[0], minlength=int(groups.max()) + 1) > 1
    return int(several[groups].sum())


def _empty(split: Split) -> int:
    return int(pc.sum(pc.equal(pc.utf8_trim_whitespace(split.texts), "")).as_py() or 0)
