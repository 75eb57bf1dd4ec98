"""Laws about what outlives an answer: memory within a process, a new process, and a state that is stored."""

from __future__ import annotations

import numpy as np

from bench.strategies.base import Stateful
from bench.testing.answers import Answer, K, Part, answers, later_pool, require, stored
from bench.testing.elsewhere import ElsewhereError, elsewhere
from bench.testing.laws_of_answers import pools_for
from bench.testing.surroundings import global_state_of
from bench.testing.toys import ToyPool, toy_pool

_ROUNDS = 3


def nothing_is_remembered(part: Part) -> None:
    """In a new process, an answer is the same whether or not another pool of the same size was asked about before."""
    require(not _remembers(part), part, "answers differently once it was asked about another pool of the same size")


def _remembers(part: Part) -> bool:
    for first, second in ([toy_pool(), toy_pool(seed=1)], [later_pool(part), later_pool(part, seed=1)]):
        alone, after_another = _there(part, [second]), _there(part, [first, second])
        if not _alike(alone, after_another[1:]) and _alike(alone, _there(part, [second])):
            return True
    return False


def a_new_process_answers_alike(part: Part) -> None:
    """Another process, with another hash seed, environment and working directory, gives the same answers."""
    pools = [toy_pool()] if isinstance(part, Stateful) else list(pools_for(part))
    here, there = answers(part, pools), _there(part, pools)
    if not _alike(here, there) and _alike(here, answers(part, pools)):
        require(_remembers(part), part, f"answered {here[0]} here and {there[0]} in a new process")


def state_survives_storage(part: Part) -> None:
    """The state that was stored, read again, is the state that was left; holds for whatever keeps none."""
    if isinstance(part, Stateful):
        pool = toy_pool()
        with global_state_of(seed=0):
            _, state = part.advance(pool.view(budget=K), pool.weights, K)
        read = part.state_type.model_validate(stored(state))
        require(read == state, part, f"left the state {state!r}, of which storage keeps {read!r}")


def a_resumed_run_goes_on_alike(part: Part) -> None:
    """A new process that has but the stored state selects what the old one would have; holds where no state is kept."""
    if not isinstance(part, Stateful):
        return
    pool = toy_pool()
    with global_state_of(seed=0):
        picks, state = part.advance(pool.view(budget=K), pool.weights, K)
    left = np.delete(np.arange(pool.size), picks)
    (whole,) = _there(part, [pool], _ROUNDS)
    (rest,) = _there(part, [pool.after(picks, stored(state))], _ROUNDS - 1)
    continued, resumed = whole[K:], left[rest]
    good = np.array_equal(continued, resumed) or not np.array_equal(whole[:K], picks)
    require(good, part, f"selects {continued} in the rounds after the first, but {resumed} if they are resumed")


def _there(part: Part, pools: list[ToyPool], rounds: int = 2) -> list[Answer]:
    """Return the answers of a new process, asked one question after the other."""
    try:
        return elsewhere(answers, part, pools, rounds)
    except ElsewhereError as error:
        raise AssertionError(f"{part.name} fails in a new process: {error}") from error


def _alike(a: list[Answer], b: list[Answer]) -> bool:
    return all(map(np.array_equal, a, b))
