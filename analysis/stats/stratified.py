"""The test of a mean over a fixed set of tasks, with each task's own variance over seeds."""

from __future__ import annotations

import numpy as np
from scipy import special

from analysis.stats.interval import SPREAD, limit_p
from bench.arrays import FloatArray


def stratified(values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the mean over tasks and seeds, its standard error, and the degrees of freedom of that.

    Each task is a stratum: the variance of its mean is estimated from its own seeds, and the degrees of freedom are
    those of a sum of such variances (Satterthwaite 1946). Tasks must vary independently of each other within a seed,
    which they do where a run's random draws are keyed by its task; then few seeds of many tasks say about as much as
    many seeds of few. The t-test over seeds needs no such assumption.

    Args:
        values: (..., tasks, seeds), no NaN.

    Returns:
        Three arrays (...); error and degrees are NaN for fewer than two seeds.
    """
    tasks, n = values.shape[-2:]
    mean = np.asarray(values.mean(axis=(-2, -1)))
    if n < 2:
        return mean, np.full(mean.shape, np.nan), np.full(mean.shape, np.nan)
    own = values.var(axis=-1, ddof=1)
    total = own.sum(axis=-1)
    squares = np.square(own).sum(axis=-1)
    degrees = np.where(squares > 0, (n - 1) * np.square(total) / np.where(squares > 0, squares, 1.0), n - 1)
    return mean, np.asarray(np.sqrt(total / n) / tasks), np.asarray(degrees)


def stratified_p(values: FloatArray, bound: FloatArray | float) -> FloatArray:
    """Return the one-sided p that the mean over tasks and seeds is above a bound; (...) as ``values`` (..., t, s)."""
    mean, error, degrees = stratified(values)
    away = mean - np.asarray(bound)
    spread = error > SPREAD
    p = special.stdtr(degrees, -away / np.where(spread, error, 1.0))
    return np.asarray(np.where(spread, p, np.where(np.isnan(error), np.nan, limit_p(away))))


def stratified_half_width(values: FloatArray, alpha: float) -> FloatArray:
    """Return how far the one-sided bound at level alpha lies from the mean; (...) as ``values`` (..., t, s)."""
    _, error, degrees = stratified(values)
    return np.asarray(-special.stdtrit(degrees, alpha) * error)
