"""Would the mark stand without one dataset, task or seed, and whatever the missing runs had yielded?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import nan

import numpy as np

from analysis.stats.design import Design, Factor
from analysis.stats.effect import Estimand, units_of
from analysis.stats.interval import ALPHA, SPREAD, t_sf, t_test
from bench.arrays import FloatArray

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
    design: Design, estimand: Estimand = "fixed-suite", factor: Factor = "dataset", alpha: float = ALPHA
) -> LeaveOneOut:
    """Return the test of :func:`analysis.stats.effect` without each level of a factor in turn."""
    levels = design.levels(factor)
    units = units_of(design.cells, estimand, design.dataset)
    whole, *without = _p_of([one[~np.isnan(one)] for one in (units, *_without_each(design, estimand, factor, units))])
    return LeaveOneOut(factor, whole < alpha, dict(zip(levels, without, strict=True)), alpha)


def _without_each(design: Design, estimand: Estimand, factor: Factor, units: FloatArray) -> Iterable[FloatArray]:
    """Return the units that are left without each level of a factor; those of all levels are given."""
    cells = design.cells
    if estimand == "fixed-suite" and factor == "seed":
        return np.asarray(np.where(np.eye(len(units), dtype=bool), np.nan, units))
    number = {
        "seed": np.arange(cells.shape[1]),
        "task": np.arange(cells.shape[0]),
        "dataset": design.dataset,
    }[factor]
    others = number != np.arange(len(design.levels(factor)))[:, None]
    if estimand == "fixed-suite":  # all levels at once: a report asks for thousands
        return np.asarray(np.where(others[..., None], cells, 0.0).sum(axis=1) / others.sum(axis=1)[:, None])
    if factor == "seed":
        return [units_of(cells[:, kept], estimand, design.dataset) for kept in others]
    return [units_of(cells[kept], estimand, np.unique(design.dataset[kept], return_inverse=True)[1]) for kept in others]


def _p_of(every: list[FloatArray]) -> list[float]:
    """Return p of each array of units; those of as many are tested together, for speed."""
    sizes, p = np.array([len(units) for units in every]), np.empty(len(every))
    for size in np.unique(sizes):
        alike = np.flatnonzero(sizes == size)
        p[alike] = t_test(np.stack([every[number] for number in alike]))[1]
    return [float(value) for value in p]


def bounds(design: Design, estimand: Estimand = "fixed-suite") -> Bounds:
    """Return the range of the estimate and of p over all outcomes of the missing runs (worst-case bounds).

    All units take part, each with the interval that its missing pairs leave open. t is not monotone in a unit,
    since a unit far off adds to the spread as well, so its ends over that box are found by shape. Outcomes with
    t >= c form a convex cone for every c >= 0, and those with t <= -c its mirror image. Hence where t > 0 its
    smallest value is at a corner of the box, and at its largest every open unit has one and the same value, or
    its own end nearest to that; where t < 0 the other way round. All of these outcomes are tried, so the ends
    are exact; with more than ``MOST_CORNERS`` open units, the corners give way to the extreme means over the
    largest spread, which can only widen the range.
    """
    low, high = (units_of(end.mean(axis=-1), estimand, design.dataset) for end in (design.low, design.high))
    open_ = int((high > low).sum())
    few = open_ <= MOST_CORNERS
    points = [_towards_one_value(low, high), -_towards_one_value(-high, -low)]
    p = _p_values(np.concatenate([*points, _corners(low, high)] if few else points), open_ > 0)
    p = p if few else np.append(p, _p_at_widest(low, high))
    known = p[~np.isnan(p)]
    return Bounds(
        missing=design.missing,
        units=open_,
        low=float(low.mean()),
        high=float(high.mean()),
        p_low=float(known.min()) if len(known) else nan,
        p_high=float(known.max()) if len(known) else nan,
    )


def _corners(low: FloatArray, high: FloatArray) -> FloatArray:
    """Return all outcomes (corners, units) in which every open unit is at an end."""
    open_ = np.flatnonzero(high > low)
    points = np.tile(low, (2 ** len(open_), 1))
    for place, unit in enumerate(open_):
        points[(np.arange(len(points)) >> place) & 1 == 1, unit] = high[unit]
    return points


def _towards_one_value(low: FloatArray, high: FloatArray) -> FloatArray:
    """Return outcomes (points, units), among which is the one with the largest t if that is positive.

    There the slope of t is zero in every unit that is free, which makes each of these |u|^2 / sum(u). Between two
    neighbouring ends of intervals the same units are free, and that equation has one solution.
    """
    ends = np.unique([low, high])
    values = list(ends)
    for left, right in pairwise(ends):
        held = np.clip((left + right) / 2, low, high)[(high <= left) | (low >= right)]
        inside = (held**2).sum() / held.sum() if held.sum() > 0 else (left + right) / 2
        values.append(np.clip(inside, left, right))
    return np.asarray(np.clip(np.array(values)[:, None], low, high))


def _p_values(points: FloatArray, approached: bool) -> FloatArray:
    """Return p of each outcome; of one without spread its limit, if outcomes nearby have any."""
    p, mean = t_test(points)[1], points.mean(axis=1)
    limit = np.where(np.abs(mean) > SPREAD, np.where(mean > 0, 0.0, 1.0), np.nan)
    return np.asarray(np.where(np.isnan(p) & approached & (points.shape[1] > 1), limit, p))


def _p_at_widest(low: FloatArray, high: FloatArray) -> FloatArray:
    """Return p of the lowest and of the highest mean at a spread that no outcome exceeds."""
    n, centre = len(low), (low + high).mean() / 2
    variance = np.maximum((low - centre) ** 2, (high - centre) ** 2).sum() / (n - 1)
    means = np.array([low.mean(), high.mean()])
    return np.asarray(t_sf(means / np.sqrt(variance / n), n - 1))
