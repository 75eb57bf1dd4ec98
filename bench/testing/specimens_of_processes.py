"""Broken parts that show in another query, another process or a resumed run alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from bench.arrays import FloatArray, IntArray
from bench.records import Record
from bench.strategies.base import Stateful
from bench.strategies.select import top_k
from bench.strategies.view import Need, PoolView
from bench.testing import laws_of_processes
from bench.testing.answers import Part
from bench.testing.broken import PROBABILITIES, BrokenAlgorithm
from bench.testing.laws_of_answers import Law


class SortsByHash(BrokenAlgorithm):
    """Adds some noise, the hash of a text, of which every process has its own."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of w (1 + noise)."""
        noise = np.array([hash(repr(number)) % 2**20 for number in view.priority.tolist()]) / 2**20
        return top_k(1 + noise, w, k, view.priority)


class Remembers(BrokenAlgorithm):
    """Keeps a mean for all pools of one size."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the rows next to the mean."""
        mean = _MEANS.setdefault(view.size, float(np.mean(view.probabilities)))
        return top_k(1 / (1 + np.abs(view.probabilities - mean)), w, k, view.priority)


_MEANS: dict[int, float] = {}


class Rounds(Record):
    """How many rounds there were, and that is not stored."""

    rounds: int = Field(0, exclude=True)


class Counted(Rounds):
    """How many rounds there were."""

    rounds: int = 0


@dataclass(frozen=True)
class Forgets(Stateful[Rounds]):
    """Leaves a part of its state out of what is stored."""

    name: ClassVar[str] = "broken"
    title: ClassVar[str] = "Broken"
    paper: ClassVar[str] = ""
    needs: ClassVar[frozenset[Need]] = PROBABILITIES
    state_type: ClassVar[type[Record]] = Rounds

    def step(self, view: PoolView, state: Rounds | None, w: FloatArray, k: int) -> tuple[IntArray, Rounds]:
        """Return likely and unlikely positives in turn, round by round."""
        rounds = state.rounds if state else 0
        p = view.probabilities if rounds % 2 else 1 - view.probabilities
        return top_k(p, w, k, view.priority), Rounds(rounds=rounds + 1)


class Nothing(Record):
    """A state that says nothing."""


@dataclass(frozen=True)
class KeepsAside(Stateful[Nothing]):
    """Keeps what it learnt in the first round where no stored run has it."""

    name: ClassVar[str] = "broken"
    title: ClassVar[str] = "Broken"
    paper: ClassVar[str] = ""
    needs: ClassVar[frozenset[Need]] = PROBABILITIES
    state_type: ClassVar[type[Record]] = Nothing

    def step(self, view: PoolView, state: Nothing | None, w: FloatArray, k: int) -> tuple[IntArray, Nothing]:
        """Return the rows next to the median of the first round."""
        if state is None:
            _MEDIAN["p"] = float(np.median(view.probabilities))
        return top_k(1 / (1 + np.abs(view.probabilities - _MEDIAN.get("p", 0.0))), w, k, view.priority), Nothing()


_MEDIAN: dict[str, float] = {}


SPECIMENS: tuple[tuple[Law, Part], ...] = (
    (laws_of_processes.nothing_is_remembered, Remembers()),
    (laws_of_processes.a_new_process_answers_alike, SortsByHash()),
    (laws_of_processes.state_survives_storage, Forgets()),
    (laws_of_processes.a_resumed_run_goes_on_alike, KeepsAside()),
)
