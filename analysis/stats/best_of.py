"""Best-of tables: the data choose the algorithm that a column shows, so choice and test need different seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.stats.design import Design, Task
from analysis.stats.effect import Effect, Estimand, effect
from analysis.stats.interval import mean_of_present
from bench.arrays import FloatArray, IntArray

EVEN, ODD = slice(0, None, 2), slice(1, None, 2)
"""The halves of the seeds, by position among the sorted ones; seeds are exchangeable, so no draw is needed."""
HALF_LEVEL = 0.975
"""Level of each half's interval, so that both cover together at 95 %."""


@dataclass(frozen=True)
class BestOf:
    """Evidence that the best algorithm of arm a is larger than the best algorithm of arm b.

    Chosen and tested on the same runs, as in the paper's Table 2, the noisier of two equal arms tends to win, because
    the best of its means lies higher by chance.

    Attributes:
        halves: chosen on the even seeds and tested on the odd ones, and the other way round; their intervals
            are at 97.5 %.
    """

    halves: tuple[Effect, Effect]

    @property
    def p(self) -> float:
        """Twice the smaller p of the halves, at most 1 (Bonferroni); NaN where a half has no test."""
        one, other = self.halves
        return float(np.minimum(1.0, 2.0 * np.minimum(one.p, other.p)))

    @property
    def p_less(self) -> float:
        """The same of the other side (small = a is smaller)."""
        one, other = self.halves
        return float(np.minimum(1.0, 2.0 * np.minimum(one.p_less, other.p_less)))

    @property
    def n(self) -> int:
        """Units of both halves."""
        return sum(half.n for half in self.halves)

    @property
    def unit(self) -> str:
        """What is counted by n."""
        return self.halves[0].unit

    @property
    def left_out(self) -> tuple[str, ...]:
        """The units of both halves that lack a pair they cannot do without."""
        return tuple(name for half in self.halves for name in half.left_out)

    @property
    def note(self) -> str:
        """Why there is no test; empty if there is one."""
        return "; ".join(dict.fromkeys(half.note for half in self.halves if half.note))

    @property
    def estimate(self) -> float:
        """Mean of the halves' estimates: the difference between what the two choices have chosen."""
        return sum(half.estimate for half in self.halves) / 2

    @property
    def low(self) -> float:
        """Mean of the halves' lower ends; from it to ``high`` covers ``estimate``'s target at 95 % or better."""
        return sum(half.low for half in self.halves) / 2

    @property
    def high(self) -> float:
        """Mean of the halves' upper ends."""
        return sum(half.high for half in self.halves) / 2


def best_of(
    a: FloatArray,
    b: FloatArray,
    tasks: Sequence[Task],
    seeds: Sequence[int],
    estimand: Estimand = "fixed-suite",
    bounds: tuple[float, float] = (0.0, 1.0),
) -> BestOf:
    """Return whether the best of arm a beats the best of arm b, chosen for each task by the mean over seeds.

    Choice and test on the same seeds reward noise. On separate halves each test is valid given the choice, since
    the seeds it uses had no part in it. The two tests are not independent, for each half chooses for the other:
    one t-test over all seeds, every seed under the other half's choice, errs 7 to 9 % of the time at a level
    of 5 %. Hence Bonferroni, which holds under any dependence.

    Args:
        a: (tasks, seeds, algorithms) values of the first arm, of which larger is better; NaN where a run is missing.
        b: of the second.
        tasks: names of the first axis.
        seeds: of the second, sorted.
        estimand: the question that the halves answer.
        bounds: range of the values.
    """

    def tested(choose: slice, test: slice) -> Effect:
        one, other = (of_choice(arm, best(arm[:, choose]))[:, test, None] for arm in (a, b))
        return effect(Design.of(one, other, tasks, seeds[test], bounds=bounds), estimand, HALF_LEVEL)

    return BestOf((tested(EVEN, ODD), tested(ODD, EVEN)))


def best(values: FloatArray) -> IntArray:
    """Return the algorithm with the largest mean over the seeds there are.

    Args:
        values: (..., tasks, seeds, algorithms), NaN where missing.

    Returns:
        (..., tasks); the first of equals, and never one without any run unless all are.
    """
    means = mean_of_present(values, axis=-2)
    return np.asarray(np.where(np.isnan(means), -np.inf, means).argmax(axis=-1))


def of_choice(values: FloatArray, choice: IntArray) -> FloatArray:
    """Return (..., tasks, seeds): the values of each task's chosen algorithm."""
    return np.take_along_axis(values, choice[..., None, None], axis=-1)[..., 0]
