"""The t-test and the t-interval of a mean over the last axis of an array: the one home of both."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy import special

from bench.arrays import FloatArray, IntArray

BoolArray = npt.NDArray[np.bool_]

ALPHA = 0.05
LEVEL = 0.95
"""Level of two-sided confidence intervals."""
SPREAD = 1e-12
"""Differences of metrics in [0, 1] closer together than this are the same number but for rounding."""


def t_test(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return t and the one-sided p (greater) of the one-sample t-test over the last axis.

    That of ``scipy.stats.ttest_1samp``, written out because where all values are the same number scipy warns and
    answers by rounding errors, and here there is no test: NaN, as for fewer than two values.

    Args:
        values: (..., n).

    Returns:
        t and p, each (...).
    """
    n = values.shape[-1]
    if n < 2:
        return np.full(values.shape[:-1], np.nan), np.full(values.shape[:-1], np.nan)
    sd = np.where(np.ptp(values, axis=-1) > SPREAD, values.std(axis=-1, ddof=1), np.nan)
    t = np.asarray(values.mean(axis=-1) / (sd / sqrt(n)))
    return t, np.asarray(t_sf(t, n - 1))


def t_sf(t: FloatArray | float, degrees: IntArray | int) -> FloatArray:
    """Return the upper tail of Student's t: what ``scipy.stats.t.sf`` calls, without its checks of 60 microseconds."""
    return np.asarray(special.stdtr(degrees, np.negative(t)))


def limit_p(away: FloatArray) -> FloatArray:
    """Return what the p of a t-test tends to as the spread vanishes: 0 where the mean lies above the bound, else 1."""
    return np.where(away > SPREAD, 0.0, 1.0)


def why_no_test(differences: FloatArray, unit: str = "pair") -> str:
    """Return why there is no t-test of these differences, one a unit (n,); empty if there is one."""
    if len(differences) < 2:
        return f"one {unit}, no test" if len(differences) else f"no {unit}s"
    if np.isnan(differences).any():
        return f"{int(np.isnan(differences).sum())} of {len(differences)} {unit}s hold NaN, no test"
    if np.ptp(differences) <= SPREAD:
        same = np.abs(differences).max() <= SPREAD
        return f"identical in all {unit}s, no test" if same else f"the same difference in all {unit}s, no test"
    return ""


def half_width(values: FloatArray, level: float = LEVEL) -> FloatArray:
    """Return (...): half of the two-sided t-interval of the mean over the last axis; NaN for fewer than two values.

    Args:
        values: (..., n); NaN among them makes the result NaN.
        level: of the interval.
    """
    n = values.shape[-1]
    if n < 2:
        return np.full(values.shape[:-1], np.nan)
    return np.asarray(special.stdtrit(n - 1, (1 + level) / 2) * values.std(axis=-1, ddof=1) / sqrt(n))


def t_interval(values: FloatArray, level: float = LEVEL) -> tuple[IntArray, FloatArray, FloatArray, FloatArray]:
    """Return n, mean, and both ends of the two-sided t-interval over the last axis, each (...).

    Args:
        values: (..., n); what is NaN is left out. The ends are NaN where fewer than two values are left, or all are
            the same number.
        level: of the interval.
    """
    held = ~np.isnan(values)
    n, mean = held.sum(axis=-1), mean_of_present(values)
    away = np.where(held, values - mean[..., None], 0.0)
    spread = np.where(held, values, -np.inf).max(axis=-1, initial=-np.inf)
    spread = spread - np.where(held, values, np.inf).min(axis=-1, initial=np.inf)
    usable = (n > 1) & (spread > SPREAD)
    degrees = np.where(usable, n - 1, 1)
    half = special.stdtrit(degrees, (1 + level) / 2) * np.sqrt((away**2).sum(axis=-1) / degrees / np.maximum(n, 1))
    half = np.where(usable, half, np.nan)
    return n, mean, np.asarray(mean - half), np.asarray(mean + half)


def mean_of_present(values: FloatArray, axis: int = -1) -> FloatArray:
    """Return the mean over an axis of what is not NaN; NaN where all of it is."""
    held = ~np.isnan(values)
    count = held.sum(axis=axis)
    total = np.where(held, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def levels_in(where: BoolArray) -> list[IntArray]:
    """Return for each axis of an array the levels at which any of it is true."""
    axes = range(where.ndim)
    return [np.flatnonzero(where.any(axis=tuple(other for other in axes if other != axis))) for axis in axes]
