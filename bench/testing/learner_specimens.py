"""A small learner that meets all laws, and one deliberately broken for each law, to show that the law can fail."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from bench.arrays import IntArray
from bench.learners.base import Learner, MadeWith, Material, Model, Scores, Which
from bench.seeds import Streams
from bench.strategies.view import Need
from bench.testing import learners as laws
from bench.testing.learners import LearnerLaw

WIDTH = 64


class WordCounts(Model):
    """Scores a text by how much more often its words were seen in positives than in negatives."""

    made_with = MadeWith("cpu", "fp64")

    def __init__(self, material: Material) -> None:
        self.material = material
        self.weights: npt.NDArray[np.float64] = np.zeros(WIDTH)

    def words(self, which: Which, rows: IntArray) -> npt.NDArray[np.float64]:
        """Return (n, WIDTH) hashed counts of words."""
        texts = (self.material.train if which == "train" else self.material.test).texts
        found = np.zeros((len(rows), WIDTH))
        for at, row in enumerate(rows.tolist()):
            np.add.at(found[at], [zlib.crc32(word.encode()) % WIDTH for word in str(texts[row]).split()], 1.0)
        return found

    def fit(self, rows: IntArray, labels: IntArray, streams: Streams) -> None:
        """Compare the mean counts of both classes; an untrained head is drawn."""
        counts = self.words("train", rows)
        if len(np.unique(labels)) < 2:
            self.weights = streams.generator("head").normal(0.0, 0.02, WIDTH)
        else:
            self.weights = counts[labels == 1].mean(axis=0) - counts[labels == 0].mean(axis=0)

    def score(self, which: Which, rows: IntArray, *, embeddings: bool = False) -> Scores:  # noqa: ARG002
        """Apply the weights."""
        return Scores(1 / (1 + np.exp(-self.words(which, rows) @ self.weights)))


@dataclass(frozen=True)
class Counts(Learner):
    """The smallest learner that meets all laws."""

    name: ClassVar[str] = "counts"
    title: ClassVar[str] = "Counts"
    summary: ClassVar[str] = "counts of words"
    paper: ClassVar[str] = ""
    model: ClassVar[Callable[[Material], Model]] = WordCounts

    def begin(self, material: Material) -> Model:
        """Return a model on these texts."""
        return type(self).model(material)


class _Outside(WordCounts):
    def score(self, which: Which, rows: IntArray, *, embeddings: bool = False) -> Scores:  # noqa: ARG002
        return Scores(self.words(which, rows) @ self.weights)


class _Unseeded(WordCounts):
    def fit(self, rows: IntArray, labels: IntArray, streams: Streams) -> None:
        super().fit(rows, labels, streams)
        self.weights = self.weights + random.SystemRandom().random()


class _Remembers(WordCounts):
    def fit(self, rows: IntArray, labels: IntArray, streams: Streams) -> None:
        before = self.weights
        super().fit(rows, labels, streams)
        self.weights = self.weights + before / 2


class _ByPosition(WordCounts):
    def score(self, which: Which, rows: IntArray, *, embeddings: bool = False) -> Scores:
        p = super().score(which, rows, embeddings=embeddings).probabilities
        return Scores((p * np.linspace(0.5, 1.0, len(p))).astype(np.float64))


class _ReadsGlobally(WordCounts):
    def fit(self, rows: IntArray, labels: IntArray, streams: Streams) -> None:
        super().fit(rows, labels, streams)
        self.weights = self.weights + random.getstate()[1][1] % 97 / 97


class _SeedsGlobally(WordCounts):
    def fit(self, rows: IntArray, labels: IntArray, streams: Streams) -> None:
        random.seed(0)
        super().fit(rows, labels, streams)


class _Writes(WordCounts):
    def fit(self, rows: IntArray, labels: IntArray, streams: Streams) -> None:
        super().fit(rows, labels, streams)
        labels[:] = 0


class _Peeks(WordCounts):
    def score(self, which: Which, rows: IntArray, *, embeddings: bool = False) -> Scores:  # noqa: ARG002
        labels = (self.material.train if which == "train" else self.material.test).labels
        return Scores((labels[rows] % 2 * 0.9).astype(np.float64))


def _broken(model: type[Model]) -> Learner:
    made: type[Learner] = type(model.__name__.strip("_"), (Counts,), {"name": "broken", "model": model})
    return made()


@dataclass(frozen=True)
class Promises(Counts):
    """Offers what its model has not."""

    name: ClassVar[str] = "broken"
    offers: ClassVar[frozenset[Need]] = frozenset({"probabilities", "dropout"})


LEARNER_SPECIMENS: tuple[tuple[LearnerLaw, Learner], ...] = (
    (laws.scores_are_valid, _broken(_Outside)),
    (laws.same_fit_same_bits, _broken(_Unseeded)),
    (laws.nothing_is_left_of_an_earlier_fit, _broken(_Remembers)),
    (laws.order_of_scored_rows_is_irrelevant, _broken(_ByPosition)),
    (laws.global_random_state_is_ignored, _broken(_ReadsGlobally)),
    (laws.global_state_is_left_alone, _broken(_SeedsGlobally)),
    (laws.inputs_are_left_alone, _broken(_Writes)),
    (laws.only_labels_that_are_handed_over_are_read, _broken(_Peeks)),
    (laws.what_is_offered_can_be_had, Promises()),
)
"""Each law with a learner that breaks it, and no other law."""
