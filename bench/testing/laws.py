"""The laws of algorithms and weightings: functions that take an instance and raise AssertionError.

A law that compares answers says nothing of a part whose answers differ by themselves, and the one about hard pools
nothing of a part that fails on any: other laws reject those.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np

from bench.strategies.base import Algorithm, Stateful, Weighting
from bench.strategies.strategy import needs_of
from bench.testing.answers import Answer, K, Part, answer, ask, changes, fault, global_state, global_state_of, stored
from bench.testing.toys import ToyPool, hard_pools, toy_pool

Law = Callable[[Part], None]


def laws_of(part: Part) -> tuple[Law, ...]:
    """Return all laws of the part's kind, those it waives too."""
    return ALGORITHM_LAWS if isinstance(part, Algorithm) else WEIGHTING_LAWS


def waiver(law: Law, part: Part) -> str:
    """Return the reason why a part waives a law; empty if it must meet it."""
    return part.waived.get(law.__name__, "")


def laws_for(part: Part) -> list[Law]:
    """Return the laws that an algorithm or a weighting must meet, less those it waives with a reason."""
    return [law for law in laws_of(part) if not waiver(law, part)]


def answers_are_valid(part: Part) -> None:
    """Distinct rows of the pool, k of them, for k = 1, 5 and all; or one finite weight >= 0 a row."""
    found = fault(part, toy_pool())
    _check(not found, part, f"fails on a toy pool: {found}")


def hard_pools_are_survived(part: Part) -> None:
    """Valid answers with one row, equal rows, duplicates, p at bin edges, bfloat16, nothing labelled ..."""
    if fault(part, toy_pool()):
        return
    for name, pool in hard_pools().items():
        found = fault(part, pool)
        _check(not found, part, f"fails on a pool with {name}: {found}")


def needs_are_declared(part: Part) -> None:
    """Whatever is read of a view is declared in ``needs``, also with one row or nothing labelled."""
    declared = part.needs if isinstance(part, Weighting) else needs_of(part)
    for pool in (toy_pool(), toy_pool(n=1), toy_pool(labelled=0)):
        found = fault(part, pool, declared)
        _check(not found or bool(fault(part, pool)), part, f"cannot do with what it declares: {found}")


def same_seed_same_answer(part: Part) -> None:
    """Two equal views, two equal answers."""
    first, second = answer(part, toy_pool()), answer(part, toy_pool())
    _check(np.array_equal(first, second), part, f"answered {first} and, asked again, {second}")


def global_random_state_is_ignored(part: Part) -> None:
    """Answers do not depend on the global generators of Python, NumPy and torch."""
    before, after = (partial(answer, part, toy_pool(), seed=seed) for seed in (1, 2))
    _check(not changes(before, after), part, "draws from global random state, not from view.generator")


def global_state_is_left_alone(part: Part) -> None:
    """An answer changes no global generator, default type, thread count or gradient mode."""
    # A state of our own: what a part seeds the same way each time would find its own traces, and change nothing.
    with global_state_of(seed=2_147_480_009):
        before = global_state()
        ask(part, toy_pool())
        _check(global_state() == before, part, "changed global random state, threads or torch defaults")


def inputs_are_left_alone(part: Part) -> None:
    """An answer changes nothing that it was given, nor does it need to: in a run all arrays are read-only."""
    for pool in _pools_of_two_rounds(part):
        original = copy.deepcopy(pool)
        with global_state_of(seed=0):
            ask(part, pool, rounds=1)
        for name, value in vars(original).items():
            _check(_equal(getattr(pool, name), value), part, f"changed its input {name!r} in place")
    found = fault(part, toy_pool(), as_in_a_run=True)
    _check(not found or bool(fault(part, toy_pool())), part, f"fails when its inputs can only be read: {found}")


def _pools_of_two_rounds(part: Part) -> Iterator[ToyPool]:
    """Yield a pool and, for an algorithm that keeps a state, the pool of the next round."""
    yield toy_pool()
    if isinstance(part, Stateful):
        pool = toy_pool()
        with global_state_of(seed=0):
            picks, state = part.advance(pool.view(budget=K), pool.weights, K)
        yield toy_pool().after(picks, stored(state))


def _equal(a: object, b: object) -> bool:
    import torch

    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return torch.equal(a, b)
    return np.array_equal(a, b) if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) else a == b


def row_order_is_irrelevant(part: Part) -> None:
    """Sorted differently, the same rows get the same answer: luck belongs to a row, not to its place."""
    pool = toy_pool()
    order = np.roll(np.arange(pool.size)[::-1], 7)

    def moved() -> Answer:
        there = answer(part, pool.rows(order))
        return there[np.argsort(order)] if isinstance(part, Weighting) else order[there]

    changed = changes(partial(answer, part, pool), moved)
    _check(not changed, part, "answers differently when the pool is sorted differently")


def scale_of_weights_is_irrelevant(part: Part) -> None:
    """Weights count by their proportions: w and w / 4 select the same rows, and so do 1 and 1 / 4."""
    for weights in (toy_pool().weights, np.ones(toy_pool().size)):
        whole, quarter = (replace(toy_pool(), weights=weights * factor) for factor in (1.0, 0.25))
        changed = changes(partial(answer, part, whole), partial(answer, part, quarter))
        _check(not changed, part, "selects other rows when all weights are divided by 4")


def zero_weights_come_last(part: Part) -> None:
    """Rows of weight 0 are selected only once no other row is left."""
    zero = np.arange(toy_pool().size) % 3 > 0
    weighted = int(np.count_nonzero(~zero))
    for k, seed in product((K, weighted, weighted + 3), range(3)):
        pool = toy_pool(seed=seed)
        picks = answer(part, replace(pool, weights=np.where(zero, 0.0, pool.weights)), k)
        too_early = zero[picks[:weighted]].any()
        _check(not too_early, part, f"asked for {k} rows, selects rows of weight 0 before rows with weight")


def hidden_labels_are_unreachable(part: Part) -> None:
    """An answer does not depend on labels that were not bought, by whatever way they might be reached."""
    pool = toy_pool()
    hidden = 1 - pool.hidden
    if isinstance(part, Algorithm) and "oracle" in needs_of(part):
        batch = answer(part, pool, rounds=1)  # the labels bought are among those of the batch
        hidden[batch] = pool.hidden[batch]
    asked = (partial(answer, part, given, rounds=1) for given in (pool, replace(pool, hidden=hidden)))
    _check(not changes(*asked), part, "answers differently when labels that it did not buy are others")


def state_survives_storage(part: Part) -> None:
    """The state that was stored, read again, is the state that was left; holds for whatever keeps none."""
    if isinstance(part, Stateful):
        pool = toy_pool()
        with global_state_of(seed=0):
            _, state = part.advance(pool.view(budget=K), pool.weights, K)
        read = part.state_type.model_validate(stored(state))
        _check(read == state, part, f"left the state {state!r}, of which storage keeps {read!r}")


WEIGHTING_LAWS: tuple[Law, ...] = (
    answers_are_valid,
    hard_pools_are_survived,
    needs_are_declared,
    same_seed_same_answer,
    global_random_state_is_ignored,
    global_state_is_left_alone,
    inputs_are_left_alone,
    row_order_is_irrelevant,
    hidden_labels_are_unreachable,
)
ALGORITHM_LAWS: tuple[Law, ...] = (
    *WEIGHTING_LAWS,
    scale_of_weights_is_irrelevant,
    zero_weights_come_last,
    state_survives_storage,
)


def _check(holds: bool, part: Part, finding: str) -> None:
    if not holds:
        raise AssertionError(f"{part.name} {finding}")
