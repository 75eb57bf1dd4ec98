"""The one door through which the loop selects: an algorithm under a weighting, with the answer checked."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.errors import RunError
from bench.foreign import foreign_code
from bench.records import Record
from bench.strategies.base import Algorithm, Stateful, Weighting
from bench.strategies.select import clean_weights
from bench.strategies.view import Need, PoolView, read_only


@dataclass(frozen=True)
class Choice:
    """A strategy's answer.

    Attributes:
        picks: (min(k, n),) row numbers in the order of selection.
        w: (n,) weights of the whole pool, largest 1.
        state: of a stateful algorithm after this round; None for all others.
    """

    picks: IntArray
    w: FloatArray
    state: Record | None = None


def needs_of(algorithm: Algorithm, weighting: Weighting | None = None) -> frozenset[Need]:
    """Return the model outputs that a strategy reads; a view for it must declare them."""
    with foreign_code(f"algorithm {algorithm.name!r}"):
        own = algorithm.needs | (weighting.needs if weighting else frozenset())
        return own.union(*(needs_of(used) for used in algorithm.uses()))


def choose(algorithm: Algorithm, weighting: Weighting | None, view: PoolView, k: int) -> Choice:
    """Select k rows of a view; the whole pool, by priority, if it holds no more than k.

    Args:
        algorithm: which rows.
        weighting: their weights; None for uniform weights whatever the strategy (round 1 of a cold start).
        view: what may be seen.
        k: >= 1.

    Raises:
        RunError: if the weighting or the algorithm breaks its contract; the message names it.
        PluginError: if one of them would end the program.
    """
    w = _weights(weighting, view) if weighting else np.ones(view.size)
    if view.size <= k:
        return Choice(np.argsort(view.priority, kind="stable"), w)
    # What is recorded is what the weighting returned, whatever becomes of what the algorithm is given.
    return replace(select_checked(algorithm, view, read_only(w.copy()), k), w=read_only(w))


def _weights(weighting: Weighting, view: PoolView) -> FloatArray:
    with foreign_code(f"weighting {weighting.name!r}"):
        w = weighting.weights(view)
    return clean_weights(w, view.size, weighting.name)


def select_checked(algorithm: Algorithm, view: PoolView, w: FloatArray, k: int) -> Choice:
    """Let an algorithm select k rows under given weights, and check its answer.

    Raises:
        RunError: unless it is k distinct rows of the view, among them all whose labels were bought within the batch.
        PluginError: if the algorithm would end the program.
    """
    state = None
    with foreign_code(f"algorithm {algorithm.name!r}"):
        if isinstance(algorithm, Stateful):
            answer, state = algorithm.advance(view, w, k)
        else:
            answer = algorithm.select(view, w, k)
    picks = checked_picks(answer, view.size, k, algorithm.name)
    if view.oracle is not None and not set(view.oracle.asked) <= set(picks.tolist()):
        bought = sorted(set(view.oracle.asked) - set(picks.tolist()))
        raise RunError(f"algorithm {algorithm.name!r} bought the labels of rows {bought} but did not return them")
    return Choice(picks, w, state)


def checked_picks(picks: object, n: int, k: int, algorithm: str) -> IntArray:
    """Return an algorithm's answer as int64 row numbers, or say how it breaks the contract.

    Raises:
        RunError: unless it is k distinct integers in [0, n).
    """
    rows = np.asarray(picks)
    fault = ""
    if rows.shape != (k,):
        fault = f"shape {rows.shape} instead of ({k},)"
    elif not np.issubdtype(rows.dtype, np.integer):
        fault = f"{rows.dtype} values instead of integers"
    elif rows.min() < 0 or rows.max() >= n:
        fault = f"row {rows.max() if rows.max() >= n else rows.min()} of a pool of {n}"
    elif len(np.unique(rows)) < k:
        fault = f"only {len(np.unique(rows))} distinct rows"
    if fault:
        raise RunError(f"algorithm {algorithm!r} was asked for {k} distinct rows and returned {fault}")
    return rows.astype(np.int64)
