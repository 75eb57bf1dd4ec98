"""The laws of algorithms and weightings: functions that take an instance and raise AssertionError."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bench.errors import RunError
from bench.records import Record
from bench.strategies.base import Algorithm, Stateful, Weighting
from bench.strategies.select import clean_weights
from bench.strategies.strategy import Choice, needs_of, select_checked
from bench.testing.toys import ToyPool, hard_pools, toy_pool

Part = Algorithm | Weighting
Law = Callable[[Part], None]
K = 5  # rows asked for, out of a toy pool's 24


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
    _check_answers("a toy pool", toy_pool(), part)


def hard_pools_are_survived(part: Part) -> None:
    """Valid answers with one row, equal rows, duplicates, p at bin edges, bfloat16, nothing labelled ..."""
    for name, pool in hard_pools().items():
        _check_answers(f"a pool with {name}", pool, part)


def needs_are_declared(part: Part) -> None:
    """Whatever is read of a view is declared in ``needs``."""
    try:
        _answer(part, toy_pool())
    except RunError as error:
        raise AssertionError(f"{part.name}: {error}") from error


def same_seed_same_answer(part: Part) -> None:
    """Two equal views, two equal answers."""
    first, second = _answer(part, toy_pool()), _answer(part, toy_pool())
    _check(np.array_equal(first, second), part, f"answered {first} and, asked again, {second}")


def global_random_state_is_ignored(part: Part) -> None:
    """Answers do not depend on the global generators of Python, NumPy and torch."""
    answers = []
    for seed in (1, 2):
        with _global_state_restored():
            _seed_global_state(seed)
            answers.append(_answer(part, toy_pool()))
    _check(
        np.array_equal(answers[0], answers[1]),
        part,
        "draws from global random state, not from view.generator",
    )


def global_state_is_left_alone(part: Part) -> None:
    """An answer changes no global generator, default type, thread count or gradient mode."""
    with _global_state_restored():
        # A state of our own: what a part seeds the same way each time would find its own traces, and change nothing.
        _seed_global_state(2_147_480_009)
        before = _global_state()
        _answer(part, toy_pool())
        _check(_global_state() == before, part, "changed global random state, threads or torch defaults")


def inputs_are_left_alone(part: Part) -> None:
    """An answer changes none of the arrays it was given."""
    pool, original = toy_pool(), toy_pool()
    _answer(part, pool)
    for name, value in vars(original).items():
        _check(np.array_equal(getattr(pool, name), value), part, f"changed its input {name!r} in place")


def row_order_is_irrelevant(part: Part) -> None:
    """Sorted differently, the same rows get the same answer: luck belongs to a row, not to its place."""
    pool = toy_pool()
    order = np.roll(np.arange(pool.size)[::-1], 7)
    answer, moved = _answer(part, pool), _answer(part, pool.rows(order))
    same = moved == answer[order] if isinstance(part, Weighting) else order[moved] == answer
    _check(bool(np.all(same)), part, "answers differently when the pool is sorted differently")


def scale_of_weights_is_irrelevant(part: Part) -> None:
    """Weights count by their proportions: w and w / 4 select the same rows, and so do 1 and 1 / 4."""
    for weights in (toy_pool().weights, np.ones(toy_pool().size)):
        whole, quarter = (replace(toy_pool(), weights=weights * factor) for factor in (1.0, 0.25))
        same = np.array_equal(_answer(part, whole), _answer(part, quarter))
        _check(same, part, "selects other rows when all weights are divided by 4")


def zero_weights_come_last(part: Part) -> None:
    """Rows of weight 0 are selected only once no other row is left."""
    zero = np.arange(toy_pool().size) % 3 > 0
    weighted = int(np.count_nonzero(~zero))
    for k, seed in product((K, weighted, weighted + 3), range(3)):
        pool = toy_pool(seed=seed)
        picks = _answer(part, replace(pool, weights=np.where(zero, 0.0, pool.weights)), k)
        too_early = zero[picks[:weighted]].any()
        _check(not too_early, part, f"asked for {k} rows, selects rows of weight 0 before rows with weight")


def hidden_labels_are_unreachable(part: Part) -> None:
    """An answer does not depend on labels that were not bought, by whatever way they might be reached."""
    answer, bought = _answer_and_bought(part, toy_pool())
    again, _ = _answer_and_bought(part, _with_other_labels_than(toy_pool(), bought))
    _check(np.array_equal(answer, again), part, "answers differently when labels that it did not buy are others")


def state_survives_storage(part: Part) -> None:
    """The state that was stored, read again, is the state that was left; holds for whatever keeps none."""
    state = _choice(part, toy_pool(), K).state if isinstance(part, Algorithm) else None
    if isinstance(part, Stateful):
        read = part.state_type.model_validate(_stored(state))
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


def _check(holds: bool, part: Part, fault: str) -> None:
    if not holds:
        raise AssertionError(f"{part.name} {fault}")


def _answer(part: Part, pool: ToyPool, k: int = K) -> npt.NDArray[Any]:
    """Return w, (n,), or the k rows that are selected, of a stateful algorithm those of its next round as well."""
    if isinstance(part, Weighting):
        return part.weights(pool.view(part.needs))
    choice = _choice(part, pool, k)
    left = np.delete(np.arange(pool.size), choice.picks)
    if choice.state is None or len(left) == 0:
        return choice.picks
    following = pool.after(choice.picks, _stored(choice.state))
    return np.concatenate([choice.picks, left[_choice(part, following, min(k, len(left))).picks]])


def _choice(part: Algorithm, pool: ToyPool, k: int) -> Choice:
    return select_checked(part, pool.view(needs_of(part), budget=k), pool.weights, k)


def _stored(state: Record | None) -> dict[str, Any] | None:
    """Return a state as it comes back from a run's file."""
    read: dict[str, Any] | None = None if state is None else json.loads(json.dumps(state.model_dump(mode="json")))
    return read


def _answer_and_bought(part: Part, pool: ToyPool) -> tuple[npt.NDArray[Any], list[int]]:
    """Return the answer in a pool's first round, and the rows whose labels were bought for it."""
    if isinstance(part, Weighting):
        return part.weights(pool.view(part.needs)), []
    view = pool.view(needs_of(part), budget=K)
    picks = select_checked(part, view, pool.weights, K).picks
    return picks, list(view.oracle.asked) if view.oracle else []


def _with_other_labels_than(pool: ToyPool, kept: list[int]) -> ToyPool:
    """Return the pool with all hidden labels flipped but those of some rows."""
    hidden = 1 - pool.hidden
    hidden[kept] = pool.hidden[kept]
    return replace(pool, hidden=hidden)


def _check_answers(where: str, pool: ToyPool, part: Part) -> None:
    for k in sorted({1, min(K, pool.size), pool.size}):
        try:
            answer = _answer(part, pool, k)
            if isinstance(part, Weighting):
                clean_weights(answer, pool.size, part.name)
        except Exception as error:
            raise AssertionError(f"{part.name} fails on {where}: {type(error).__name__}: {error}") from error


def _seed_global_state(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the global state is what is tested
    torch.manual_seed(seed)


def _global_state() -> tuple[object, ...]:
    _, keys, *rest = np.random.get_state()  # noqa: NPY002
    return (
        random.getstate(),
        (np.asarray(keys).tobytes(), *rest),
        torch.get_rng_state().numpy().tobytes(),
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
    )


@contextmanager
def _global_state_restored() -> Iterator[None]:
    python, numpy, threads = random.getstate(), np.random.get_state(), torch.get_num_threads()  # noqa: NPY002
    dtype = torch.get_default_dtype()
    try:
        with torch.random.fork_rng(), torch.set_grad_enabled(torch.is_grad_enabled()):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        torch.set_num_threads(threads)
        torch.set_default_dtype(dtype)
