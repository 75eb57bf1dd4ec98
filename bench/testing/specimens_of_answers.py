"""Broken parts that no law but one of the answers themselves rejects."""

from __future__ import annotations

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.strategies.select import top_k, weighted_sample
from bench.strategies.view import PoolView
from bench.testing import laws_of_answers
from bench.testing.answers import Part
from bench.testing.broken import BrokenAlgorithm, BrokenWeighting
from bench.testing.laws_of_answers import Law


class Repeats(BrokenAlgorithm):
    """Selects a row twice."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities, at the end the first again."""
        picks = top_k(view.probabilities, w, k, view.priority)
        return np.append(picks[:-1], picks[0])


class Divides(BrokenAlgorithm):
    """Scales by a range that may be 0."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of scaled probabilities."""
        p = view.probabilities
        with np.errstate(invalid="ignore"):
            return top_k((p - p.min()) / (p.max() - p.min()), w, k, view.priority)


class Undeclared(BrokenAlgorithm):
    """Reads what it does not declare."""

    needs = frozenset()

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities."""
        return top_k(view.probabilities, w, k, view.priority)


class Unseeded(BrokenAlgorithm):
    """Draws from a generator of its own."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return rows that no seed decides."""
        return weighted_sample(w, k, np.random.default_rng().random(view.size))


class TakesTheFirst(BrokenAlgorithm):
    """Breaks ties by position."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the rows of the largest w (1 + p), distinguished by factors of 2 only, and of several the first."""
        with np.errstate(divide="ignore"):
            octaves = np.ceil(np.log2(w * (1 + view.probabilities)))
        return np.lexsort((-octaves, w == 0))[:k]


class ManyByPlace(BrokenAlgorithm):
    """Looks at the first hundred rows of a large pool."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of these rows' probabilities."""
        some = np.argsort(w == 0, kind="stable")[: max(k, 100)]
        return some[top_k(view.probabilities[some], w[some], k, view.priority[some])]


class RepeatsLater(BrokenAlgorithm):
    """Selects a row twice in the second round."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities, at the end the first again."""
        picks = top_k(view.probabilities, w, k, view.priority)
        return picks if view.round == 1 else np.append(picks[:-1], picks[0])


class LogOdds(BrokenWeighting):
    """Negative for most rows."""

    def weights(self, view: PoolView) -> FloatArray:
        """Return log(p / (1 - p))."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(view.probabilities) - np.log1p(-view.probabilities))


class Inverse(BrokenWeighting):
    """Infinite where p is 0."""

    def weights(self, view: PoolView) -> FloatArray:
        """Return 1 / p."""
        with np.errstate(divide="ignore"):
            return np.asarray(1 / view.probabilities)


class ByPosition(BrokenWeighting):
    """Weights that belong to places, not to rows."""

    def weights(self, view: PoolView) -> FloatArray:
        """Return 1, 2, 3 ..."""
        return np.arange(1.0, view.size + 1)


SPECIMENS: tuple[tuple[Law, Part], ...] = (
    (laws_of_answers.answers_are_valid, Repeats()),
    (laws_of_answers.answers_are_valid, RepeatsLater()),
    (laws_of_answers.hard_pools_are_survived, Divides()),
    (laws_of_answers.needs_are_declared, Undeclared()),
    (laws_of_answers.same_seed_same_answer, Unseeded()),
    (laws_of_answers.row_order_is_irrelevant, TakesTheFirst()),
    (laws_of_answers.row_order_is_irrelevant, ManyByPlace()),
    (laws_of_answers.answers_are_valid, LogOdds()),
    (laws_of_answers.hard_pools_are_survived, Inverse()),
    (laws_of_answers.row_order_is_irrelevant, ByPosition()),
)
