"""Laws about answers alone: what they are, what they may read, and that the order of rows does not matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from bench.strategies.base import Weighting
from bench.strategies.strategy import needs_of
from bench.testing.answers import Answer, K, Part, answer, changes, fault, later_pool, require
from bench.testing.toys import ToyPool, hard_pools, toy_pool

Law = Callable[[Part], None]


def pools_for(part: Part) -> Iterator[ToyPool]:
    """Yield a small pool in round 1, and a large one in round 2."""
    yield toy_pool()
    yield later_pool(part)


def answers_are_valid(part: Part) -> None:
    """Distinct rows of the pool, k of them, for k = 1, 5 and all, or one finite weight >= 0 a row; also of 400 rows."""
    for pool in pools_for(part):
        found = fault(part, pool)
        require(not found, part, f"fails on a toy pool of {pool.size} rows: {found}")


def hard_pools_are_survived(part: Part) -> None:
    """Valid answers with one row, equal rows, p of 0 and 1, weights next to 0, bfloat16, nothing labelled ..."""
    if fault(part, toy_pool()):
        return
    for name, pool in hard_pools().items():
        found = fault(part, pool, ks=(K,))
        require(not found, part, f"fails on a pool with {name}: {found}")


def needs_are_declared(part: Part) -> None:
    """Whatever is read of a view is declared in ``needs``, also with one row or nothing labelled, and in round 2."""
    declared = part.needs if isinstance(part, Weighting) else needs_of(part)
    for pool in (*_one_that_can_be(part), toy_pool(n=1), toy_pool(labelled=0)):
        found = fault(part, pool, declared)
        require(not found or bool(fault(part, pool)), part, f"cannot do with what it declares: {found}")


def _one_that_can_be(part: Part) -> Iterator[ToyPool]:
    """Yield the pools for a part, of one that fails on the first the first alone."""
    yield toy_pool()
    if not fault(part, toy_pool()):
        yield later_pool(part)


def same_seed_same_answer(part: Part) -> None:
    """Two equal views, two equal answers."""
    for pool in pools_for(part):
        first, second = answer(part, pool), answer(part, pool)
        require(np.array_equal(first, second), part, f"answered {first} and, asked again, {second}")


def row_order_is_irrelevant(part: Part) -> None:
    """Sorted differently, the same rows get the same answer: chance belongs to a row, not to its place."""
    for pool in pools_for(part):
        order = np.roll(np.arange(pool.size)[::-1], 7)

        def moved(pool: ToyPool = pool, order: Answer = order) -> Answer:
            there = answer(part, pool.rows(order))
            return there[np.argsort(order)] if isinstance(part, Weighting) else order[there]

        changed = changes(partial(answer, part, pool), moved)
        require(not changed, part, f"answers differently when the pool of {pool.size} is sorted differently")
