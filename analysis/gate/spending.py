"""How the error rate is spent over looks: Lan and DeMets (1983) with O'Brien and Fleming's shape.

Statistics at several looks are correlated, so their boundaries come from the distribution of a Brownian motion that is
absorbed at each look (Armitage, McPherson and Rowe 1969). It is written out here because no Python library at hand
has it; ``scipy.stats.multivariate_normal`` integrates by chance, and never to the relative precision of small levels.
"""

from __future__ import annotations

from functools import lru_cache
from math import pi, sqrt

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy import special

from bench.arrays import FloatArray

NODES, WEIGHTS = leggauss(200)
FAR = 8.0
"""Standard deviations below which nothing of a normal distribution is left."""
ALPHAS = np.concatenate([np.geomspace(1e-12, 0.04, 60), np.linspace(0.05, 0.95, 46)])
"""Levels at which boundaries are tabulated."""


def spent(fraction: FloatArray, alpha: float) -> FloatArray:
    """Return the error that may have been spent at a fraction of the information, one-sided."""
    return np.asarray(2 * special.ndtr(special.ndtri(alpha / 2) / np.sqrt(fraction)))


@lru_cache(maxsize=1024)
def nominal(looks: tuple[int, ...], alpha: float) -> tuple[float, ...]:
    """Return the p at or below which each look rejects, so that all looks together err with probability alpha.

    There is no lower boundary: a stop for futility is not binding and is not counted on.

    Args:
        looks: units of information at each look, increasing; the last is all there will be.
        alpha: one-sided level of the whole procedure.
    """
    from scipy import optimize  # takes a third of a second to load, which most commands do without

    times = np.array(looks) / looks[-1]
    steps = np.diff(spent(times, alpha), prepend=0.0)
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


def over_looks(p: FloatArray, look: int, looks: tuple[int, ...], alpha: float) -> FloatArray:
    """Return the p of one look adjusted for all: the smallest level at which the look would have rejected.

    The least of a hypothesis's adjusted p over the looks taken is its sequential p-value (Liu and Anderson 2008). It
    is at most alpha exactly where some look crossed its boundary, and such p may be handed to Holm's procedure for
    several hypotheses followed over the same looks (Maurer and Bretz 2013). Between tabulated levels it is
    interpolated on logarithms; at alpha it is exact.

    Args:
        p: one-sided, of any shape; NaN (no test) stays NaN.
        look: number of the look, from 0.
        looks: as in :func:`nominal`.
        alpha: the level of the plan.
    """
    levels, table = _table(looks, alpha)
    with np.errstate(divide="ignore"):
        found = np.exp(np.interp(np.log(p), np.log(table[look]), np.log(levels), left=-np.inf, right=0.0))
    return np.asarray(found)
