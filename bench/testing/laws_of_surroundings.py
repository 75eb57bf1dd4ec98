"""Laws about what lies around a part: global state, its inputs, hidden labels, and everything else."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial

import numpy as np

from bench.strategies.base import Algorithm
from bench.strategies.strategy import needs_of
from bench.testing.answers import Part, answer, ask, changes, fault, require
from bench.testing.laws_of_answers import pools_for
from bench.testing.reach import WatchedOracle, watched
from bench.testing.surroundings import CHANGED_BY_IMPORTS, global_state, global_state_of
from bench.testing.toys import toy_pool


def global_random_state_is_ignored(part: Part) -> None:
    """Answers do not depend on the global generators of Python, NumPy and torch."""
    for pool in pools_for(part):
        before, after = (partial(answer, part, pool, seed=seed) for seed in (1, 2))
        require(not changes(before, after), part, "draws from global random state, not from view.generator")


def global_state_is_left_alone(part: Part) -> None:
    """An answer changes no global generator, library setting, environment, folder or filter of warnings."""
    for pool in pools_for(part):
        for allowed in (CHANGED_BY_IMPORTS, frozenset[str]()):  # the second time all libraries are imported
            # A state of our own: what a part seeds the same way each time would find its own traces, and change
            # nothing.
            with global_state_of(seed=2_147_480_009):
                before = global_state()
                ask(part, copy.deepcopy(pool), rounds=1)
                after = global_state()
            changed = [name for name, value in before.items() if after[name] != value and name not in allowed]
            require(not changed, part, f"changed {', '.join(changed)}")


def inputs_are_left_alone(part: Part) -> None:
    """An answer changes nothing that it was given, nor does it need to: in a run all arrays are read-only."""
    for original in pools_for(part):
        pool = copy.deepcopy(original)
        with global_state_of(seed=0):
            ask(part, pool, rounds=1)
        for name, value in vars(original).items():
            require(_equal(getattr(pool, name), value), part, f"changed its input {name!r} in place")
    found = fault(part, toy_pool(), as_in_a_run=True)
    require(not found or bool(fault(part, toy_pool())), part, f"fails when its inputs can only be read: {found}")


def _equal(a: object, b: object) -> bool:
    import torch

    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return torch.equal(a, b)
    return np.array_equal(a, b) if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) else a == b


def nothing_else_is_reached(part: Part) -> None:
    """An answer opens no file, process or connection, and reads no clock, caller's frame or oracle's private part."""
    for pool in pools_for(part):
        answer(part, pool)  # whatever is imported at first use is imported now
        given = replace(copy.deepcopy(pool), oracle=WatchedOracle)
        with global_state_of(seed=0), watched(type(part).__module__.split(".")[0]) as found:
            ask(part, given, rounds=1)
        require(not found, part, f"reaches for more than its view: {'; '.join(dict.fromkeys(found))}")


def hidden_labels_are_unreachable(part: Part) -> None:
    """An answer does not depend on labels that were not bought, whether the oracle or a caller holds them."""
    for pool in pools_for(part):
        hidden = 1 - pool.hidden
        if isinstance(part, Algorithm) and "oracle" in needs_of(part):
            batch = answer(part, pool, rounds=1)  # the labels bought are among those of the batch
            hidden[batch] = pool.hidden[batch]
        asked = (partial(answer, part, given, rounds=1) for given in (pool, replace(pool, hidden=hidden)))
        require(not changes(*asked), part, "answers differently when labels that it did not buy are others")
