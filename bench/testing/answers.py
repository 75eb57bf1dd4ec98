"""Asking an algorithm or a weighting, so that each law sees the fault it is about and no other.

A part is shown everything, asked about a copy of the pool, and finds a global random state made for it. What it reads
undeclared, writes into its inputs or leaves in global state is therefore seen by the laws about these things alone.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.arrays import FloatArray
from bench.foreign import foreign_code
from bench.records import Record
from bench.strategies.base import Algorithm, Stateful, Weighting
from bench.strategies.lent import lent
from bench.strategies.select import clean_weights
from bench.strategies.strategy import Choice, select_checked
from bench.strategies.view import Need, PoolView, read_only
from bench.testing.surroundings import global_state_of
from bench.testing.toys import EVERYTHING, ToyPool, toy_pool

Part = Algorithm | Weighting
Answer = npt.NDArray[Any]
K = 5  # rows asked for, out of a toy pool's 24
LARGE, BATCH = 400, 20  # rows of a large pool, and how many are asked for to see whether an answer is valid


def _unchecked(algorithm: Algorithm, view: PoolView, w: FloatArray, k: int) -> Choice:
    """Select as :func:`bench.strategies.strategy.select_checked` does, whatever the answer."""
    if isinstance(algorithm, Stateful):
        picks, state = algorithm.advance(view, w, k)
        return Choice(picks, w, state)
    return Choice(np.asarray(algorithm.select(view, w, k)), w)


def ask(
    part: Part,
    pool: ToyPool,
    k: int = K,
    *,
    needs: frozenset[Need] = EVERYTHING,
    rounds: int = 2,
    select: Callable[[Algorithm, PoolView, FloatArray, int], Choice] = _unchecked,
    as_in_a_run: bool = False,
) -> Answer:
    """Return w, (n,), or the k rows that are selected, of a stateful algorithm those of a further round as well.

    Args:
        part: who is asked.
        pool: about what.
        k: rows that are to be selected.
        needs: what is shown.
        rounds: of a stateful algorithm.
        select: how an algorithm's answer is had.
        as_in_a_run: show what can only be read, as the loop does; otherwise the pool's own arrays.
    """
    view, w = pool.view(needs, budget=k), pool.weights
    if as_in_a_run:
        view, w = lent(view), read_only(w.copy())
    with foreign_code(f"{part.name!r}"):
        if isinstance(part, Weighting):
            return part.weights(view)
        choice = select(part, view, w, k)
    if choice.state is None or rounds == 1 or k == pool.size:
        return choice.picks
    left, following = np.delete(np.arange(pool.size), choice.picks), pool.after(choice.picks, stored(choice.state))
    again = partial(ask, needs=needs, rounds=rounds - 1, select=select, as_in_a_run=as_in_a_run)
    return np.concatenate([choice.picks, left[again(part, following, min(k, len(left)))]])


def stored(state: Record | None) -> dict[str, Any] | None:
    """Return a state as it comes back from a run's file."""
    read: dict[str, Any] | None = None if state is None else json.loads(json.dumps(state.model_dump(mode="json")))
    return read


def answer(part: Part, pool: ToyPool, k: int = K, *, rounds: int = 2, seed: int = 0) -> Answer:
    """Return what :func:`ask` does, for a copy of the pool and with all global generators seeded."""
    with global_state_of(seed):
        return ask(part, copy.deepcopy(pool), k, rounds=rounds)


def changes(before: Callable[[], Answer], after: Callable[[], Answer]) -> bool:
    """Return whether other circumstances change an answer that does not change by itself."""
    first = before()
    return not np.array_equal(first, after()) and np.array_equal(first, before())


def fault(
    part: Part,
    pool: ToyPool,
    needs: frozenset[Need] = EVERYTHING,
    *,
    ks: tuple[int, ...] = (1, K, LARGE),
    as_in_a_run: bool = False,
) -> str:
    """Return what is wrong with the answers for these k, at most all rows, with these needs shown; empty if nothing is.

    Of a large pool they are for one batch.
    """
    for k in (BATCH,) if pool.size > BATCH * K else sorted({min(k, pool.size) for k in ks}):
        try:
            with global_state_of(seed=0):
                found = ask(part, copy.deepcopy(pool), k, needs=needs, select=select_checked, as_in_a_run=as_in_a_run)
            if isinstance(part, Weighting):
                clean_weights(found, pool.size, part.name)
        except Exception as error:  # noqa: BLE001 - whatever a foreign part raises is its fault
            return f"{type(error).__name__}: {error}"
    return ""


def answers(part: Part, pools: Sequence[ToyPool], rounds: int = 2) -> list[Answer]:
    """Return the answers to several questions, asked one after the other."""
    return [answer(part, pool, rounds=rounds) for pool in pools]


def later_pool(part: Part, seed: int = 0) -> ToyPool:
    """Return a large pool in round 2, where many rows have the same weight, 1/2 or 1, so that ties must be broken.

    For an algorithm that keeps a state it follows a round of its own.
    """
    pool = toy_pool(n=LARGE, seed=seed)
    pool = replace(pool, weights=np.ceil(2 * pool.weights) / 2)
    if not isinstance(part, Stateful):
        return pool.after(np.argsort(pool.priority)[:K])
    with global_state_of(seed=0):
        picks, state = part.advance(pool.view(budget=K), pool.weights, K)
    return pool.after(picks, stored(state))


def require(holds: bool, part: Part, finding: str) -> None:
    """Raise an AssertionError that names the part and says what was found, unless a law holds."""
    if not holds:
        raise AssertionError(f"{part.name} {finding}")
