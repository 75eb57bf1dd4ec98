"""Broken parts that use weights wrongly, or make wrong ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.strategies.base import ScoreBased
from bench.strategies.select import top_k
from bench.strategies.view import Need, PoolView
from bench.testing import laws_of_weights
from bench.testing.answers import Part
from bench.testing.broken import PROBABILITIES, BrokenAlgorithm, BrokenWeighting
from bench.testing.laws_of_answers import Law


class AddsWeights(BrokenAlgorithm):
    """Adds weights to scores instead of multiplying."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of s + w."""
        return top_k(view.probabilities**2 + w, np.asarray(w > 0, dtype=float), k, view.priority)


class RaisesWeights(BrokenAlgorithm):
    """Gives every row half of the mean weight at least."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities times those weights."""
        return top_k(view.probabilities, np.maximum(w, w.mean() / 2), k, view.priority)


class AllOrNothing(BrokenAlgorithm):
    """Takes weights for permissions: a row has some or none."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities of rows with weight."""
        return top_k(view.probabilities, np.asarray(w > 0, dtype=float), k, view.priority)


@dataclass(frozen=True)
class SquaresWeights(ScoreBased):
    """Multiplies scores by the squares of the weights."""

    name: ClassVar[str] = "broken"
    title: ClassVar[str] = "Broken"
    paper: ClassVar[str] = ""
    needs: ClassVar[frozenset[Need]] = PROBABILITIES

    def scores(self, view: PoolView) -> FloatArray:
        """Return the probabilities."""
        return view.probabilities

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of w^2 s."""
        return top_k(self.scores(view), w**2, k, view.priority)


@dataclass(frozen=True)
class _Bins(BrokenWeighting):
    bins: int = 10

    def _bin_of(self, p: FloatArray) -> IntArray:
        return np.searchsorted(np.arange(1, self.bins) / self.bins, p, side="right")


class CountsLabelled(_Bins):
    """Counts the labelled rows in the bins."""

    def weights(self, view: PoolView) -> FloatArray:
        """Return 1 / (rows of the bin, labelled and not)."""
        bin_of = self._bin_of(view.probabilities)
        labelled = self._bin_of(view.labelled_probabilities)
        counts = np.bincount(np.concatenate([bin_of, labelled]), minlength=self.bins)
        return np.asarray(1 / counts[bin_of])


class LeavesOutTheLast(_Bins):
    """Gives no weight to the bin of the likeliest positives."""

    def weights(self, view: PoolView) -> FloatArray:
        """Return 1 / (rows of the bin), but 0 in the last one."""
        bin_of = self._bin_of(view.probabilities)
        return np.where(bin_of == self.bins - 1, 0.0, 1 / np.bincount(bin_of, minlength=self.bins)[bin_of])


class RootOfCount(_Bins):
    """Divides by the root of a bin's rows."""

    def weights(self, view: PoolView) -> FloatArray:
        """Return 1 / sqrt(rows of the bin)."""
        bin_of = self._bin_of(view.probabilities)
        return np.asarray(1 / np.sqrt(np.bincount(bin_of, minlength=self.bins)[bin_of]))


SPECIMENS: tuple[tuple[Law, Part], ...] = (
    (laws_of_weights.scale_of_weights_is_irrelevant, AddsWeights()),
    (laws_of_weights.zero_weights_come_last, RaisesWeights()),
    (laws_of_weights.weights_matter, AllOrNothing()),
    (laws_of_weights.scores_are_multiplied_by_weights, SquaresWeights()),
    (laws_of_weights.labelled_rows_do_not_count, CountsLabelled()),
    (laws_of_weights.bins_weigh_the_same, LeavesOutTheLast()),
    (laws_of_weights.bins_weigh_the_same, RootOfCount()),
)
