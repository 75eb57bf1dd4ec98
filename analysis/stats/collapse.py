"""Runs that collapse to chance: how often, whether more often than others, and what that leaves of a mean.

A run that learns nothing falls by many times what runs otherwise vary. Where one in a hundred does, most samples hold
none or one, and a t-interval of the mean, which takes the sample's spread for the truth, covers too seldom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.stats.interval import ALPHA, BoolArray
from bench.arrays import FloatArray, IntArray

HALVINGS = 40
"""Of an interval of length 1, until its ends are the same number but for rounding."""
STAKES = ((0.95, 0.75), (0.5, 0.25))
"""What is staked of the largest stake possible, and the share of the capital that is bet so. Chosen by simulation."""


@dataclass(frozen=True)
class Collapses:
    """How often the runs of matched pairs collapse.

    Attributes:
        pairs: of runs. candidate, baseline: in how many the one has collapsed and the other has not. both: in how many
            both have.
        p_more: one-sided exact p that the candidate collapses more often (McNemar 1947).
        limit: the rate of pairs in which the candidate alone collapses that is just not excluded (Clopper and Pearson
            1934). alpha: one-sided level of that limit.
    """

    pairs: int
    candidate: int
    baseline: int
    both: int
    p_more: float
    limit: float
    alpha: float

    @classmethod
    def of(cls, candidate: BoolArray, baseline: BoolArray, alpha: float = ALPHA) -> Collapses:
        """Return the collapses of matched runs, of any one shape."""
        one, other = int((candidate & ~baseline).sum()), int((baseline & ~candidate).sum())
        return cls(
            pairs=candidate.size,
            candidate=one,
            baseline=other,
            both=int((candidate & baseline).sum()),
            p_more=float(mcnemar(np.array(one), np.array(other))),
            limit=float(upper_limit(np.array(one), candidate.size, alpha)),
            alpha=alpha,
        )


def mcnemar(only_one: IntArray, only_other: IntArray) -> FloatArray:
    """Return the exact one-sided p that the first of two matched outcomes is the more frequent (McNemar 1947).

    Args:
        only_one: pairs in which only the first occurs, (...).
        only_other: in which only the second does. Where there are neither, p is 1.
    """
    return np.asarray(np.where(only_one > 0, special.betainc(np.maximum(only_one, 1), only_other + 1, 0.5), 1.0))


def upper_limit(count: IntArray, of: int, alpha: float = ALPHA) -> FloatArray:
    """Return the exact one-sided upper limit of a rate, (...) as ``count`` (Clopper and Pearson 1934).

    It holds for a mean of rates that differ between tasks, too (Hoeffding 1956). With no count it is about 3 / ``of``.
    """
    return np.asarray(np.where(count < of, special.betaincinv(count + 1, np.maximum(of - count, 1), 1 - alpha), 1.0))


def capital(values: FloatArray, bound: FloatArray | float, fall: FloatArray | float) -> FloatArray:
    """Return the e-value against a mean at or below a bound, of values that never lie below -fall.

    The capital of a gambler who stakes a fixed part on every value being above the bound (Waudby-Smith and Ramdas
    2024); at a mean at or below it the expected capital is 1 or less, for any distribution. Since the stake is the same
    for all, this holds of the mean over tasks whose own means differ, too (of factors with a given sum, equal ones have
    the largest product).
    It needs independent values and nothing else: no number of values without a collapse counts for more than it
    can. Over growing numbers of seeds it is an e-process.

    Args:
        values: (..., n).
        bound: (...), above -fall.
        fall: (...) the most that a value can lie below 0.
    """
    floor, bound = np.asarray(fall)[..., None], np.asarray(bound)[..., None]
    gain = np.maximum((values + floor) / (bound + floor), 0.0)
    return np.asarray(sum(share * np.exp(np.log1p(stake * (gain - 1.0)).sum(axis=-1)) for stake, share in STAKES))


def betting_bound(values: FloatArray, fall: FloatArray | float, alpha: float = ALPHA) -> FloatArray:
    """Return the lower bound of the mean at level alpha by :func:`capital`, (...): at it the e-value is 1 / alpha."""
    fall = np.broadcast_to(np.asarray(fall, dtype=np.float64), values.shape[:-1])
    low, high = -fall, np.maximum(values.mean(axis=-1), -fall)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        rich = capital(values, np.maximum(middle, -fall + 1e-12), fall) >= 1 / alpha
        low, high = np.where(rich, middle, low), np.where(rich, high, middle)
    return np.asarray(low)
