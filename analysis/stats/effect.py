"""A declared question, its unit of replication, and the evidence on it.

A pooled t over (task, seed) pairs takes pairs as independent, which they are for neither question one can ask: the
seeds of one task share the task's own effect. Averaging the pairs up to the unit that was sampled makes the t-test
valid for that question (Miller 2024, "Adding error bars to evals"; Dror et al. 2017 on replicability over datasets).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import nan
from typing import Literal, get_args

import numpy as np

from analysis.stats.design import Design
from analysis.stats.interval import LEVEL, SPREAD, half_width, mean_of_present, t_sf, t_test, why_no_test
from bench import seeds
from bench.arrays import FloatArray, IntArray
from bench.errors import SpecError

Estimand = Literal["fixed-suite", "new-tasks", "new-datasets"]
ESTIMANDS: tuple[Estimand, ...] = get_args(Estimand)
UNITS: dict[Estimand, str] = {"fixed-suite": "seed", "new-tasks": "task", "new-datasets": "dataset"}
MOST_ENUMERATED = 16
"""Units up to which all sign flips are enumerated (65,536 of them)."""
RESAMPLES = 9_999
"""Sign flips drawn beyond that."""


@dataclass(frozen=True)
class Effect:
    """Evidence that arm a is larger than arm b, in answer to one declared question.

    Attributes:
        estimand: ``fixed-suite`` (better on these tasks; a unit is a seed, its value the mean difference over
            the suite), ``new-tasks`` (better on new tasks; a unit is a task, its value the mean over
            seeds) or ``new-datasets`` (a unit is a dataset, its value the mean over its tasks).
        n: units. estimate: their mean difference a - b, in the metric's unit.
        low, high: its two-sided t-interval, at 95 % unless another level was asked for.
        t, p: t-statistic over the units, and its one-sided p (small = a is larger).
        d_z: estimate / standard deviation of the units.
        pairs, missing: pairs that there should be, and how many of them are missing.
        left_out: units that lack a pair they cannot do without.
        note: why there is no test; t, p, d_z, interval and cross-checks are then NaN.
        units: the differences tested, (n,); empty where there is no test.
    """

    estimand: Estimand
    n: int
    estimate: float
    low: float
    high: float
    t: float
    p: float
    d_z: float
    pairs: int
    missing: int
    left_out: tuple[str, ...] = ()
    note: str = ""
    units: tuple[float, ...] = ()

    @property
    def p_less(self) -> float:
        """The one-sided p of the other side (small = a is smaller)."""
        return float(t_sf(-self.t, self.n - 1))

    @cached_property
    def p_wilcoxon(self) -> float:
        """Cross-check, one-sided: the signed-rank test; at least 2^-n."""
        return signed_rank(np.array(self.units)) if self.units else nan

    @cached_property
    def p_sign_flip(self) -> float:
        """Cross-check, one-sided: the permutation test that flips the signs of the units; at least 2^-n."""
        return sign_flip(np.array(self.units)) if self.units else nan

    @property
    def unit(self) -> str:
        """What is counted by n."""
        return UNITS[self.estimand]

    @property
    def hole(self) -> str:
        """What is missing, in words; empty if nothing is."""
        if not self.missing:
            return ""
        left_out = f"; left out: {self.unit} {', '.join(self.left_out)}" if self.left_out else ""
        return f"{self.missing} of {self.pairs} pairs missing{left_out}"


def effect(design: Design, estimand: Estimand = "fixed-suite", level: float = LEVEL) -> Effect:
    """Return the evidence of matched differences on a question.

    What is missing is counted in the result and never guessed. A seed that lacks any pair is left out of
    ``fixed-suite``: the mean over fewer tasks is another quantity. In ``new-tasks`` a task's value is the mean
    over the seeds that it has (seeds of a task are exchangeable), and in ``new-datasets`` a dataset that lacks a
    whole task is left out. :func:`analysis.stats.bounds` says what the missing pairs could change.

    Args:
        design: the differences.
        estimand: the question.
        level: of the two-sided interval.

    Raises:
        SpecError: if there is no such estimand.
    """
    every = units_of(design.cells, estimand, design.dataset)
    whole = ~np.isnan(every)
    values, n = every[whole], int(whole.sum())
    names = design.levels("seed" if estimand == "fixed-suite" else "task" if estimand == "new-tasks" else "dataset")
    left_out = tuple(name for name, kept in zip(names, whole, strict=True) if not kept)
    estimate = float(values.mean()) if n else nan
    why = why_no_test(values, UNITS[estimand])
    if why:
        return Effect(estimand, n, estimate, *(nan,) * 5, design.difference.size, design.missing, left_out, why)
    (t, p), half = t_test(values), float(half_width(values, level))
    return Effect(
        estimand=estimand,
        n=n,
        estimate=estimate,
        low=estimate - half,
        high=estimate + half,
        t=float(t),
        p=float(p),
        d_z=estimate / float(values.std(ddof=1)),
        pairs=design.difference.size,
        missing=design.missing,
        left_out=left_out,
        units=tuple(values.tolist()),
    )


def units_of(cells: FloatArray, estimand: Estimand, dataset: IntArray) -> FloatArray:
    """Return the value of each unit; the only place that says what a unit is.

    Args:
        cells: differences (..., tasks, seeds), NaN where missing.
        estimand: the question.
        dataset: the number of each task's dataset (tasks,).

    Returns:
        (..., units) in the order of seeds, tasks or datasets; NaN for a unit that must be left out.

    Raises:
        SpecError: if there is no such estimand.
    """
    if estimand not in ESTIMANDS:
        raise SpecError(f"unknown estimand {estimand!r}; choose one of: {', '.join(ESTIMANDS)}")
    if estimand == "fixed-suite":
        return np.asarray(cells.mean(axis=-2))
    tasks = mean_of_present(cells)
    if estimand == "new-tasks":
        return tasks
    count = int(dataset.max(initial=-1)) + 1
    return np.stack([tasks[..., dataset == number].mean(axis=-1) for number in range(count)], axis=-1)


def signed_rank(values: FloatArray) -> float:
    """Return the one-sided p of Wilcoxon's signed-rank test that values (n,) are centred at 0; zeros take no part.

    It is the sign-flip test of the signed ranks. ``scipy.stats.wilcoxon(..., alternative="greater")`` gives the same p
    for up to 13 units, but takes 270 ms where ranks are tied, as those of counts often are; beyond
    ``MOST_ENUMERATED`` units it is the one that is asked.
    """
    from scipy import stats  # takes a second to load, which most commands do without

    values = values[values != 0]
    if len(values) > MOST_ENUMERATED:
        return float(stats.wilcoxon(values, alternative="greater").pvalue)
    return sign_flip(np.sign(values) * stats.rankdata(np.abs(values)))


def sign_flip(values: FloatArray) -> float:
    """Return the one-sided p of the sign-flip permutation test that values (n,) are centred at 0.

    The share of sign patterns whose sum is at least the observed one: of all 2^n patterns where they can be
    enumerated, else of ``RESAMPLES`` drawn ones and the observed one (Phipson and Smyth 2010).
    ``scipy.stats.permutation_test(..., permutation_type="samples")`` gives the same; at 14 units it takes 35 ms
    to this one's 0.2, and a report makes hundreds of them.
    """
    n = len(values)
    # Sums that differ by rounding are equal: the observed one must count itself.
    return float(np.mean(_signs(n) @ values >= values.sum() - SPREAD * n))


@lru_cache(maxsize=4)
def _signs(n: int) -> FloatArray:
    """Return sign patterns of n units as rows: all, or the observed one and ``RESAMPLES`` drawn ones; read only."""
    if n <= MOST_ENUMERATED:
        return np.asarray(1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1), dtype=np.float64)
    drawn = seeds.generator("sign_flip", units=n).integers(0, 2, (RESAMPLES, n))
    return np.vstack([np.ones(n), 1.0 - 2.0 * drawn])
