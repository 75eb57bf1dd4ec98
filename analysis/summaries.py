"""How a cell summarises its runs, and how two cells are compared: at the level of runs, and of seeds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import nan
from typing import ClassVar

import numpy as np

from analysis.cube import Selection
from analysis.names import bounds_of, lower_is_better
from analysis.stats import BestOf, Effect, Estimand, best_of, effect, half_width, run_level_test
from analysis.stats.design import Design
from analysis.stats.interval import levels_in, mean_of_present
from analysis.stats.run_level import RunLevelTest
from bench.arrays import FloatArray, IntArray

ESTIMAND: Estimand = "fixed-suite"
"""The question that tables answer: better on these tasks, as the paper's conclusions are on its 14."""
Place = tuple[int, int]
"""Row and column."""


@dataclass(frozen=True)
class Summary(ABC):
    """One number from the runs of a cell.

    Attributes:
        tested: whether cells are compared.
        of_pairs: what captions add to what a pair is. of_seeds: what they add to the seed-level test.
    """

    tested: ClassVar[bool] = True
    of_pairs: ClassVar[str] = ""
    of_seeds: ClassVar[str] = ""

    @abstractmethod
    def value(self, of: Selection, place: Place, metric: str) -> float:
        """Return what the cell shows; NaN where there is nothing, or a value that it needs is NaN."""

    def runs(self, of: Selection, place: Place, metric: str) -> IntArray:  # noqa: ARG002 - some need the metric
        """Return (tasks, seeds, pooled) numbers of the runs that the cell shows."""
        return np.asarray(of.runs[place])

    def run_level(self, of: Selection, a: Place, b: Place, metric: str) -> RunLevelTest:
        """Test whether a has the better mean than b, pair by pair.

        The difference is positive where a is better: of a metric whose smaller values are, it is b - a. Runs that must
        not be paired leave the test out and say why.
        """
        one, other = (self.runs(of, place, metric) for place in (a, b))
        both, unpaired = (one >= 0) & (other >= 0), int(((one >= 0) ^ (other >= 0)).sum())
        one, other = one[both], other[both]
        note = of.cube.why_unpaired(one, other)
        if note:
            return RunLevelTest(0, 2 * len(one) + unpaired, nan, nan, nan, note)
        left, right = (other, one) if lower_is_better(metric) else (one, other)
        return run_level_test(of.cube.values(metric, left) - of.cube.values(metric, right), unpaired)

    @abstractmethod
    def seed_level(self, of: Selection, a: Place, b: Place, metric: str) -> Effect | BestOf | None:
        """Return the evidence that a is better than b over the units sampled; None for runs that are no pairs."""

    @abstractmethod
    def interval(self, of: Selection, place: Place, metric: str) -> tuple[float, float]:
        """Return the 95 % t-interval, over seeds, of what the cell shows; NaN where there is none."""


def design_of(of: Selection, a: Place, b: Place | None, metric: str) -> Design:
    """Return the differences a - b by task, seed and what is pooled, of all pairs that there should be.

    Without b they are differences from 0. A pair is missing where a run is, or where its metric is NaN. Of a metric
    whose smaller values are better, they are b - a.
    """
    expected = of.expected[[a[0], (b or a)[0]]].any(axis=(0, 1))
    task, seed, pooled = levels_in(np.asarray(expected))
    whole = np.ix_(task, seed, pooled)
    one, other = (of.cube.values(metric, of.runs[place][whole]) if place else np.zeros(()) for place in (a, b))
    left, right = (other, one) if lower_is_better(metric) else (one, other)
    return Design.of(
        left,
        right,
        tasks=[of.tasks[number] for number in task],
        seeds=[of.seeds[number] for number in seed],
        algorithms=[", ".join(map(str, of.pooled[number].values())) for number in pooled],
        bounds=bounds_of(metric),
    )


class Mean(Summary):
    """The unweighted mean over all runs of a cell."""

    def value(self, of: Selection, place: Place, metric: str) -> float:
        """Return the mean."""
        runs = of.runs[place]
        values = of.cube.values(metric, runs[runs >= 0])
        return float(values.mean()) if len(values) else nan

    def seed_level(self, of: Selection, a: Place, b: Place, metric: str) -> Effect:
        """Return the evidence over seeds, whose values are means over tasks and what is pooled."""
        return effect(design_of(of, a, b, metric), ESTIMAND)

    def interval(self, of: Selection, place: Place, metric: str) -> tuple[float, float]:
        """Return the interval over seeds."""
        found = effect(design_of(of, place, None, metric), ESTIMAND)
        return (-found.high, -found.low) if lower_is_better(metric) else (found.low, found.high)


class BestAlgorithm(Summary):
    """For each task the pooled algorithm with the best mean over seeds, then the mean over tasks."""

    of_pairs = ", of the algorithms chosen"
    of_seeds = ", algorithms chosen on one half of the seeds and tested on the other, both ways, Bonferroni"

    def runs(self, of: Selection, place: Place, metric: str) -> IntArray:
        """Return (tasks, seeds, 1) runs of the best algorithm of each task; of equals the first by name.

        An algorithm that has NaN among its values is taken only where none is without.
        """
        runs = of.runs[place]
        held = (runs >= 0).sum(axis=1)
        values = self._larger_is_better(of, runs, metric)
        means = np.where(held == (~np.isnan(values)).sum(axis=1), mean_of_present(values, axis=1), np.nan)
        rank = np.where(held == 0, -np.inf, np.where(np.isnan(means), -np.finfo(float).max, means))
        choice = rank.argmax(axis=-1)
        return np.take_along_axis(runs, choice[:, None, None], axis=-1)

    def value(self, of: Selection, place: Place, metric: str) -> float:
        """Return the mean over tasks of the mean over each one's runs."""
        chosen = self.runs(of, place, metric).reshape(len(of.tasks), -1)
        means = [of.cube.values(metric, own[own >= 0]).mean() for own in chosen if (own >= 0).any()]
        return float(np.mean(means)) if means else nan

    def seed_level(self, of: Selection, a: Place, b: Place, metric: str) -> BestOf | None:
        """Return the evidence of choices made on other seeds than those tested."""
        runs = np.stack([of.runs[a], of.runs[b]])
        if self._unpaired(of, runs):  # also among runs of algorithms that are passed over
            return None
        held = np.asarray((runs >= 0).any(axis=0))
        task, seed, pooled = levels_in(held)
        one, other = (self._larger_is_better(of, arm[np.ix_(task, seed, pooled)], metric) for arm in runs)
        seeds = [of.seeds[number] for number in seed]
        return best_of(one, other, [of.tasks[number] for number in task], seeds, ESTIMAND, bounds_of(metric))

    def interval(self, of: Selection, place: Place, metric: str) -> tuple[float, float]:  # noqa: ARG002
        """Return none: the runs that chose the algorithms cannot say how good they are."""
        return nan, nan

    def _unpaired(self, of: Selection, runs: IntArray) -> bool:
        """Return whether the runs (arms, tasks, seeds, pooled) of any block do not share one pair key."""
        held = runs >= 0
        codes = np.where(held, of.cube.pair_codes[runs], -2)
        most = codes.max(axis=(0, -1), keepdims=True)
        return bool((held & ((codes != most) | (codes < 0))).any())

    @staticmethod
    def _larger_is_better(of: Selection, runs: IntArray, metric: str) -> FloatArray:
        """Return values of runs; of a metric whose smaller values are better, mirrored within its range."""
        values = of.cube.values(metric, runs)
        return sum(bounds_of(metric)) - values if lower_is_better(metric) else values


class HalfWidth(Summary):
    """The half-width of the 95 % t-interval of a task's mean over seeds, averaged over tasks."""

    tested = False

    def value(self, of: Selection, place: Place, metric: str) -> float:
        """Return the mean of the half-widths; NaN where a task has one run only."""
        runs = of.runs[place].reshape(len(of.tasks), -1)
        widths = [float(half_width(of.cube.values(metric, own[own >= 0]))) for own in runs if (own >= 0).any()]
        return float(np.mean(widths)) if widths else nan

    def seed_level(self, of: Selection, a: Place, b: Place, metric: str) -> None:
        """Return none: intervals are not compared."""

    def interval(self, of: Selection, place: Place, metric: str) -> tuple[float, float]:  # noqa: ARG002
        """Return none."""
        return nan, nan
