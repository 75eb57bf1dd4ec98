"""Would the mark stand without one dataset, task or seed, and whatever the missing runs had yielded?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import pandas as pd
from scipy import stats

from analysis.inference.design import Design, Factor, FloatArray, design
from analysis.inference.effect import ALPHA, Estimand, t_test, units_of

MOST_CORNERS = 14
"""Incomplete units up to which every combination of their extremes is tried (16,384 of them)."""


@dataclass(frozen=True)
class LeaveOneOut:
    """A test repeated without each level of a factor.

    Attributes:
        factor: ``dataset``, ``task`` or ``seed``.
        marked: whether the test on everything is below alpha.
        p: level left out -> p; NaN where too little is left to test.
        alpha: the level of the mark.
    """

    factor: Factor
    marked: bool
    p: dict[str, float]
    alpha: float

    @property
    def flips(self) -> tuple[str, ...]:
        """The levels without which the mark changes."""
        return tuple(level for level, p in self.p.items() if (p < self.alpha) != self.marked)

    def __str__(self) -> str:
        stands = "the mark survives" if self.marked else "there is no mark either in"
        return f"{stands} {len(self.p) - len(self.flips)} of {len(self.p)} leave-one-{self.factor}-out tests"


@dataclass(frozen=True)
class Bounds:
    """What a test could say if the missing runs were there, each with any outcome in [0, 1].

    Attributes:
        missing: pairs. units: the units they are in.
        low, high: the estimate at worst and at best.
        p_low, p_high: the smallest and the largest p that some outcome reaches; where only a limit is
            approached (all units the same number), that limit.
    """

    missing: int
    units: int
    low: float
    high: float
    p_low: float
    p_high: float

    def verdict(self, alpha: float = ALPHA) -> str:
        """Return ``marked`` or ``not marked`` if no outcome could change that, else ``open``."""
        if self.p_high < alpha:
            return "marked"
        return "open" if self.p_low < alpha else "not marked"


def leave_one_out(
    frame: pd.DataFrame, estimand: Estimand = "fixed-suite", factor: Factor = "dataset", alpha: float = ALPHA
) -> LeaveOneOut:
    """Return the test of :func:`analysis.inference.effect` without each level of a factor in turn."""
    laid = design(frame)
    p = {level: _p(laid.without(factor, level), estimand) for level in laid.levels(factor)}
    return LeaveOneOut(factor, _p(laid, estimand) < alpha, p, alpha)


def _p(laid: Design, estimand: Estimand) -> float:
    values = units_of(laid.cells, estimand, laid.dataset)
    return float(t_test(values[~np.isnan(values)])[1])


def bounds(frame: pd.DataFrame, estimand: Estimand = "fixed-suite") -> Bounds:
    """Return the range of the estimate and of p over all outcomes of the missing runs.

    All units take part, each with the interval that its missing pairs leave open (Manski's worst-case bounds).
    t is not monotone in one unit, since a unit far off adds to the spread too, so both ends are found by
    shape. Outcomes with t >= c form a convex cone for every c >= 0, hence

    - the smallest t is at a corner of the box, all of which are tried; with more than ``MOST_CORNERS``
      incomplete units it is bounded from below by the lowest mean over the largest spread;
    - at the largest t every incomplete unit has the same value z, or its end nearest to z: one number to find.

    (Where every outcome has a negative mean the two ends of t may lie elsewhere; p is then above one half and no mark
    is near.)
    """
    laid = design(frame)
    low, high = (units_of(end.mean(axis=-1), estimand, laid.dataset) for end in (laid.low, laid.high))
    if len(low) < 2:
        return Bounds(laid.missing, int((high > low).sum()), float(low.mean()), float(high.mean()), np.nan, np.nan)
    return Bounds(
        missing=laid.missing,
        units=int((high > low).sum()),
        low=float(low.mean()),
        high=float(high.mean()),
        p_low=min(_p_or_limit(point) for point in _towards_one_value(low, high)),
        p_high=_largest_p(low, high),
    )


def _towards_one_value(low: FloatArray, high: FloatArray) -> Iterator[FloatArray]:
    """Yield outcomes in the box (units,), among which is the one with the largest t.

    There t does not rise with any unit that is free, which makes each of these |u|^2 / sum(u); between two
    neighbouring ends of intervals the same units are free, and that equation has the one solution below.
    """
    ends = np.unique([low, high])
    yield from np.clip(ends[:, None], low, high)
    for left, right in pairwise(ends):
        middle = np.clip((left + right) / 2, low, high)
        held = middle[(high <= left) | (low >= right)]
        yield middle
        if held.sum() > 0:
            yield np.clip(np.clip((held**2).sum() / held.sum(), left, right), low, high)


def _largest_p(low: FloatArray, high: FloatArray) -> float:
    open_ = np.flatnonzero(high > low)
    if len(open_) <= MOST_CORNERS:
        corners = product(*((low[unit], high[unit]) for unit in open_))
        points = np.tile(low, (2 ** len(open_), 1))
        points[:, open_] = np.array(list(corners)).reshape(len(points), len(open_))
        return max(map(_p_or_limit, points))
    centre = (low + high).mean() / 2
    widest = np.maximum((low - centre) ** 2, (high - centre) ** 2).sum() / (len(low) - 1)
    return float(stats.t.sf(low.mean() / np.sqrt(widest / len(low)), len(low) - 1))


def _p_or_limit(point: FloatArray) -> float:
    p = float(t_test(point)[1])
    if not np.isnan(p):
        return p
    return 0.0 if point.mean() > 0 else 1.0
