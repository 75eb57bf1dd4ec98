"""Asking an algorithm or a weighting, so that each law sees the fault it is about and no other.

A part is shown everything, asked about a copy of the pool, and finds a global random state made for it. What it reads
undeclared, writes into its inputs or leaves in global state is therefore seen by the laws about these things alone.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bench.strategies.base import Algorithm, Weighting
from bench.strategies.select import clean_weights
from bench.strategies.strategy import select_checked
from bench.strategies.view import Need
from bench.testing.toys import EVERYTHING, ToyPool

Part = Algorithm | Weighting
Answer = npt.NDArray[Any]
K = 5  # rows asked for, out of a toy pool's 24


def ask(part: Part, pool: ToyPool, k: int = K) -> Answer:
    """Return w, (n,), or the k rows that are selected, as they come."""
    if isinstance(part, Weighting):
        return part.weights(pool.view())
    return np.asarray(part.select(pool.view(budget=k), pool.weights, k))


def answer(part: Part, pool: ToyPool, k: int = K, *, seed: int = 0) -> Answer:
    """Return what :func:`ask` does, for a copy of the pool and with all global generators seeded."""
    with global_state_of(seed):
        return ask(part, copy.deepcopy(pool), k)


def changes(before: Callable[[], Answer], after: Callable[[], Answer]) -> bool:
    """Return whether other circumstances change an answer that does not change by itself."""
    first = before()
    return np.array_equal(first, before()) and not np.array_equal(first, after())


def fault(part: Part, pool: ToyPool, needs: frozenset[Need] = EVERYTHING) -> str:
    """Return what is wrong with the answers for k = 1, 5 and all rows, with these needs shown; empty if nothing is."""
    for k in sorted({1, min(K, pool.size), pool.size}):
        given = copy.deepcopy(pool)
        try:
            with global_state_of(seed=0):
                if isinstance(part, Weighting):
                    clean_weights(part.weights(given.view(needs)), pool.size, part.name)
                else:
                    select_checked(part, given.view(needs, budget=k), given.weights, k)
        except Exception as error:  # noqa: BLE001 - whatever a foreign part raises is its fault
            return f"{type(error).__name__}: {error}"
    return ""


@contextmanager
def global_state_of(seed: int) -> Iterator[None]:
    """Seed the global generators of Python, NumPy and torch, and put all global state back afterwards."""
    python, numpy, threads = random.getstate(), np.random.get_state(), torch.get_num_threads()  # noqa: NPY002
    dtype = torch.get_default_dtype()
    try:
        with torch.random.fork_rng(), torch.set_grad_enabled(torch.is_grad_enabled()):
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002 - the global state is what is tested
            torch.manual_seed(seed)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        torch.set_num_threads(threads)
        torch.set_default_dtype(dtype)


def global_state() -> tuple[object, ...]:
    """Return the state of the global generators, the thread count and torch's defaults, to be compared."""
    _, keys, *rest = np.random.get_state()  # noqa: NPY002
    return (
        random.getstate(),
        (np.asarray(keys).tobytes(), *rest),
        torch.get_rng_state().numpy().tobytes(),
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
    )
