"""The Bayesian signed-rank test: how probable each of two strategies is the better one, or neither in practice.

Benavoli, Corani, Demsar and Zaffalon 2017, "Time for a change: a tutorial for comparing multiple classifiers through
Bayesian analysis". Their own package ``baycomp`` draws the same posterior sample by sample, a second a pair; a report
has hundreds of pairs, so the products are taken for all samples at once here, and a test holds both together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bench import seeds
from bench.arrays import FloatArray

SAMPLES = 20_000
PRIOR = 0.5
"""Weight of the pseudo-observation at 0, as in the tutorial."""


@dataclass(frozen=True)
class Posterior:
    """Probabilities that a new task's difference lies below, within and above the region of practical equivalence."""

    below: float
    within: float
    above: float


def bayesian_signed_rank(differences: FloatArray, rope: float, weights: FloatArray | None = None) -> Posterior:
    """Return the posterior of the signed-rank test of differences, one a task.

    Args:
        differences: (n,) in the metric's unit, without NaN.
        rope: half of the width of the region of practical equivalence around 0, in the same unit; at least 0.
        weights: (samples, n + 1) draws of the Dirichlet distribution; by default ``SAMPLES``, always the same.

    Returns:
        For each of the three regions the share of samples in which most of the mass lies there.
    """
    values = np.concatenate([[0.0], differences])
    drawn = dirichlet(len(values)) if weights is None else weights
    sums = np.add.outer(values, values)
    above, below = (_over(sign * sums, 2 * rope) for sign in (1.0, -1.0))
    mass = np.stack([((drawn @ region) * drawn).sum(axis=1) for region in (below, above)])
    parts = np.stack([mass[0], 1.0 - mass.sum(axis=0), mass[1]], axis=1)
    if rope == 0:  # nothing lies within: a sum that is 0 counts half to either side
        parts[:, 1] = 0.0
    share = np.bincount(parts.argmax(axis=1), minlength=3) / len(parts)
    return Posterior(*map(float, share))


@lru_cache(maxsize=8)
def dirichlet(count: int) -> FloatArray:
    """Return (``SAMPLES``, count) weights of the pseudo-observation and the observed ones, always the same."""
    alpha = np.ones(count)
    alpha[0] = PRIOR
    weights = np.asarray(seeds.generator("simulation", observations=count).dirichlet(alpha, SAMPLES))
    weights.setflags(write=False)  # it is handed out again
    return weights


def _over(sums: FloatArray, threshold: float) -> FloatArray:
    """Return 1 where sums exceed a threshold, and a half where they equal it."""
    return np.asarray((sums > threshold) + 0.5 * (sums == threshold))
