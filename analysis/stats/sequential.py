"""Error rates over several interim analyses of growing evidence: by a spending function, or at any time.

``obf``: Lan and DeMets (1983) with O'Brien and Fleming's shape, for analyses that are all declared beforehand.
``evalue``: an e-process, whose evidence may be looked at as often as one likes and added to without end.

Statistics at several looks are correlated, so their boundaries come from the distribution of a Brownian motion that is
absorbed at each look (Armitage, McPherson and Rowe 1969). It is written out here because no Python library in use
has it; ``scipy.stats.multivariate_normal`` integrates by chance, and never to the relative precision of small levels.
"""

from __future__ import annotations

from functools import lru_cache
from math import pi, sqrt
from typing import Literal

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy import special

from bench.arrays import FloatArray

NODES, WEIGHTS = leggauss(200)
FAR = 8.0
"""Standard deviations below which nothing of a normal distribution is left."""
ALPHAS = np.concatenate([np.geomspace(1e-12, 0.04, 60), np.linspace(0.05, 0.95, 46)])
"""Levels at which boundaries are tabulated."""
LEAST_STEP = 1e-300
"""What an early analysis is given to spend where its share is too small for a floating-point number."""
FARTHEST_T = 1e100
"""A t-statistic whose square is still a floating-point number."""
PRIOR_VARIANCE = 1.0
"""Of the mixture over standardised effects (mean / standard deviation of a unit): a unit-information prior."""
SequentialKind = Literal["obf", "evalue"]


def spent(fraction: FloatArray, alpha: float) -> FloatArray:
    """Return the error that may have been spent at a fraction of the information, one-sided."""
    return np.asarray(2 * special.ndtr(special.ndtri(alpha / 2) / np.sqrt(fraction)))


@lru_cache(maxsize=1024)
def nominal(looks: tuple[int, ...], alpha: float, kind: SequentialKind = "obf") -> tuple[float, ...]:
    """Return the p of a t-test at or below which each look rejects, so that all together err with probability alpha.

    There is no lower boundary: the thresholds do not count on a stop for futility.

    Args:
        looks: units of information at each look, increasing; the last is all there will be (but for ``evalue``).
        alpha: one-sided level of the whole procedure.
        kind: of the procedure.
    """
    if kind == "evalue":
        return tuple(float(special.stdtr(n - 1, -_crossing(n, alpha))) for n in looks)
    return _boundaries(looks, alpha)


def _boundaries(looks: tuple[int, ...], alpha: float) -> tuple[float, ...]:
    from scipy import optimize  # takes a third of a second to load, which most commands do without

    times = np.array(looks) / looks[-1]
    steps = np.maximum(np.diff(spent(times, alpha), prepend=0.0), LEAST_STEP)
    bounds = [-float(special.ndtri(steps[0])) * sqrt(times[0])]
    x, density = _nodes(bounds[0], times[0])
    density *= _normal(x, sqrt(times[0]))
    for before, now, step in zip(times, times[1:], steps[1:], strict=False):
        sd = sqrt(now - before)
        highest = FAR * sqrt(now) + x[-1]
        excess = lambda b, x=x, density=density, sd=sd, step=step: density @ special.ndtr((x - b) / sd) - step  # noqa: E731
        bounds.append(float(optimize.brentq(excess, -highest, 5 * highest)))
        ahead, weights = _nodes(bounds[-1], now)
        density = weights * (_normal(ahead[:, None] - x, sd) @ density)
        x = ahead
    return tuple(float(p) for p in special.ndtr(-np.array(bounds) / np.sqrt(times)))


def median_unbiased_share(looks: tuple[int, ...], alpha: float, look: int, score: float) -> float:
    """Return which share of an estimate's distance from the bound is left when it is corrected for having stopped.

    That of the drift under which a path at least as extreme, stopped earlier or as high at the same look, has
    probability one half: the median-unbiased estimate in the stagewise order (Jennison and Turnbull 2000, section 8.3).

    Args:
        looks: as in :func:`nominal`; alpha too.
        alpha: one-sided level of the whole procedure.
        look: number of the look at which it stopped, from 0; at the first nothing is corrected.
        score: normal score of the test there, above 0.
    """
    from scipy import optimize  # as above

    times = np.array(looks[: look + 1]) / looks[-1]
    bounds = -special.ndtri(np.array(_boundaries(looks, alpha)[: look + 1])) * np.sqrt(times)
    bounds[-1] = score * sqrt(times[-1])
    naive = bounds[-1] / times[-1]
    excess = lambda drift: _crossed(times, bounds, drift) - 0.5  # noqa: E731
    drift = optimize.brentq(excess, -naive - 10, naive + 10, xtol=1e-6)
    return float(drift / naive)


def _crossed(times: FloatArray, bounds: FloatArray, drift: float) -> float:
    """Return the chance that a Brownian motion with a drift is at or above a bound at any of these times."""
    x, weights = _nodes(bounds[0], times[0])
    density = weights * _normal(x - drift * times[0], sqrt(times[0]))
    total = float(special.ndtr((drift * times[0] - bounds[0]) / sqrt(times[0])))
    for before, now, bound in zip(times, times[1:], bounds[1:], strict=False):
        sd, on = sqrt(now - before), drift * (now - before)
        total += float(density @ special.ndtr((x + on - bound) / sd))
        ahead, weights = _nodes(bound, now)
        density = weights * (_normal(ahead[:, None] - x - on, sd) @ density)
        x = ahead
    return total


def _normal(x: FloatArray, sd: float) -> FloatArray:
    """Return the density of a normal distribution about 0."""
    return np.asarray(np.exp(-((x / sd) ** 2) / 2) / (sd * sqrt(2 * pi)))


def _nodes(bound: float, time: float) -> tuple[FloatArray, FloatArray]:
    """Return points and weights of Gauss and Legendre's quadrature from as good as minus infinity to a bound."""
    low = min(-FAR * sqrt(time), bound - FAR * sqrt(time))
    half = (bound - low) / 2
    return low + half * (NODES + 1), half * WEIGHTS


@lru_cache(maxsize=64)
def _table(looks: tuple[int, ...], alpha: float) -> tuple[FloatArray, FloatArray]:
    """Return levels (levels,) and the nominal p of each look at them (looks, levels); alpha is among the levels."""
    levels = np.unique(np.append(ALPHAS, alpha))
    return levels, np.array([nominal(looks, float(level)) for level in levels]).T


def over_looks(
    p: FloatArray, look: int, looks: tuple[int, ...], alpha: float, kind: SequentialKind = "obf"
) -> FloatArray:
    """Return the p of one look adjusted for all: the smallest level at which the look would have rejected.

    The least of a hypothesis's adjusted p over the looks taken is its sequential p-value (Liu and Anderson 2008). It
    is at most alpha exactly where some look crossed its boundary, and such p may be corrected for several hypotheses
    that are followed over the same looks (Maurer and Bretz 2013). Between tabulated levels it is interpolated on
    logarithms; at alpha it is exact. Of an e-process it is 1 / e.

    Args:
        p: one-sided, of any shape; NaN (no test) stays NaN.
        look: number of the look, from 0.
        looks: as in :func:`nominal`.
        alpha: the level of the plan.
        kind: of the procedure.
    """
    if kind == "evalue":
        t = -np.clip(special.stdtrit(looks[look] - 1, np.clip(p, LEAST_STEP, 1.0 - 1e-16)), -FARTHEST_T, FARTHEST_T)
        return np.asarray(np.minimum(1.0, np.exp(-log_e(t, looks[look]))))
    levels, table = _table(looks, alpha)
    with np.errstate(divide="ignore"):
        found = np.exp(np.interp(np.log(p), np.log(table[look]), np.log(levels), left=-np.inf, right=0.0))
    return np.asarray(found)


def log_e(t: FloatArray, n: int) -> FloatArray:
    """Return the logarithm of the e-process of a one-sample t-statistic against a mean at or below the bound.

    The likelihood ratio of the t-statistics so far, mixed over standardised effects above 0 with a half-normal of
    variance ``PRIOR_VARIANCE`` (Robbins 1970 for a known variance; Lai 1976, and Wang and Ramdas 2024, for an unknown
    one; Rouder et al. 2009 and Gronau et al. 2020 for its closed form). Under normal units whose mean is the bound it
    is a non-negative martingale with mean 1 whatever their variance, so that by Ville's inequality it ever reaches
    1 / alpha with probability alpha at most; a lower mean lowers every t and with it every e. Inverted over bounds it
    is a confidence sequence (Howard et al. 2021).

    Args:
        t: of the test against the bound, (...); NaN stays NaN.
        n: units that it is over, at least 2.
    """
    share = n * PRIOR_VARIANCE
    u = np.square(t) / (n - 1)
    ratio = -0.5 * np.log1p(share) + n / 2 * (np.log1p(u) - np.log1p(u / (1 + share)))
    above = t * sqrt(share / (1 + share) * n / (n - 1)) / np.sqrt(1 + u / (1 + share))
    return np.asarray(np.log(2.0) + ratio + np.log(np.maximum(special.stdtr(n, above), LEAST_STEP)))


def _crossing(n: int, alpha: float) -> float:
    """Return the t at which the e-process reaches 1 / alpha; infinite where no t of n units does."""
    from scipy import optimize  # as above

    high = 1e12
    if float(log_e(np.array(high), n)) < -np.log(alpha):
        return float("inf")
    return float(optimize.brentq(lambda t: float(log_e(np.array(t), n)) + np.log(alpha), 0.0, high, xtol=1e-10))
