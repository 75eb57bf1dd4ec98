"""Choosing rows by score, by weight and by chance; shared by all algorithms.

``w`` are weights (n,), finite and >= 0; rows of weight 0 come last. ``priority`` (n,) is one uniform draw in
[0, 1) for each row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.arrays import FloatArray, IntArray
from bench.errors import RunError

_LEAST = 2.0**-60
_TIE_BITS = 40  # products w * s that agree in 40 of 53 bits (12 digits) differ by rounding only


def clean_weights(w: FloatArray, n: int, weighting: str) -> npt.NDArray[np.float64]:
    """Return weights scaled so that the largest is 1; all zeros mean "no preference" and become all ones.

    Args:
        w: what the weighting returned, to be checked.
        n: rows in the pool.
        weighting: its name, for the error.

    Raises:
        RunError: if ``w`` is not (n,) or holds a negative value, a NaN or an infinity.
    """
    weights = np.asarray(w, dtype=np.float64)
    if weights.shape != (n,):
        raise RunError(f"weighting {weighting!r} returned weights of shape {weights.shape}; return ({n},)")
    bad = ~(np.isfinite(weights) & (weights >= 0))
    if bad.any():
        raise RunError(
            f"weighting {weighting!r} returned {weights[bad][0]} for {bad.sum()} of {n} rows; "
            f"weights must be finite and >= 0"
        )
    largest = weights.max(initial=0.0)
    return weights / largest if largest > 0 else np.ones(n)


def top_k(scores: FloatArray, w: FloatArray, k: int, priority: FloatArray) -> IntArray:
    """Return the k rows with the largest ``w * scores``, best first (Algorithm 2).

    Args:
        scores: (n,) informativeness, finite and >= 0, higher = chosen first.
        w: (n,) weights.
        k: 1 <= k <= n.
        priority: (n,); of rows that tie, the smaller one is chosen first.

    Raises:
        RunError: if the scores are not (n,), not finite or negative.
    """
    s = np.asarray(scores, dtype=np.float64)
    if s.shape != w.shape or not np.isfinite(s).all() or (s < 0).any():
        raise RunError(f"scores must be finite, >= 0 and of shape {w.shape}; got shape {s.shape} and {s}")
    mantissa, exponent = np.frexp(w * s)
    products = np.ldexp(np.rint(np.ldexp(mantissa, _TIE_BITS)), exponent - _TIE_BITS)
    return _first_k((priority, -products, w == 0), k)


def _first_k(keys: tuple[npt.NDArray[Any], ...], k: int) -> IntArray:
    """Return the first k rows of ``np.lexsort(keys)``; only rows that can be among them are sorted."""
    *_, products, last = keys
    some = np.flatnonzero(~last)
    if k >= len(some):
        return np.lexsort(keys)[:k]
    some = some[products[some] <= np.partition(products[some], k - 1)[k - 1]]
    return np.asarray(some[np.lexsort(tuple(key[some] for key in keys))[:k]])


def in_float32(w: FloatArray) -> FloatArray:
    """Return weights that float32 arithmetic can work with: those > 0 stay so, and sums of them can be divided by.

    Rows of less than 2^-60 of the largest weight count as that: they no longer differ among themselves, but still come
    after all others. Cast as they are, weights below 1e-45 would be 0, and a cluster of such rows have no centre.
    """
    return np.where(w > 0, np.maximum(w / w.max(initial=0.0), _LEAST), 0.0) if np.any(w) else w


def weighted_sample(w: FloatArray, k: int, priority: FloatArray) -> IntArray:
    """Draw k rows without replacement, each next one with probability proportional to ``w`` among those left.

    Exponential clocks (Efraimidis & Spirakis 2006, the same law as Gumbel top-k): row i rings at E_i / w_i,
    the first k to ring are drawn. E_i = -log(1 - priority_i), so equal weights give the priorities' order.
    """
    clocks = np.full(len(w), np.inf)
    with np.errstate(over="ignore"):  # a weight next to 0 never rings
        np.divide(-np.log1p(-priority), w, out=clocks, where=w > 0)
    return np.lexsort((priority, clocks, w == 0))[:k]


def fill_up(picks: Sequence[int], k: int, priority: FloatArray) -> IntArray:
    """Return ``picks`` followed by further rows in the order of their priority until there are k."""
    order = np.argsort(priority, kind="stable")
    rest = order[~np.isin(order, picks)]
    return np.concatenate([np.asarray(picks, dtype=np.int64), rest])[:k]
