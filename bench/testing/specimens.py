"""One deliberately broken algorithm and weighting for each law, to show that the law can fail."""

from __future__ import annotations

import inspect
import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from bench.records import Record
from bench.strategies.base import Algorithm, Stateful, Weighting
from bench.strategies.select import top_k, weighted_sample
from bench.strategies.view import NEEDS, FloatArray, IntArray, Need, PoolView
from bench.testing import laws
from bench.testing.answers import Part
from bench.testing.laws import Law
from bench.testing.toys import ToyPool

_PROBABILITIES: frozenset[Need] = frozenset({"probabilities"})


@dataclass(frozen=True)
class _BrokenAlgorithm(Algorithm):
    name: ClassVar[str] = "broken"
    title: ClassVar[str] = "Broken"
    paper: ClassVar[str] = ""
    needs: ClassVar[frozenset[Need]] = _PROBABILITIES


@dataclass(frozen=True)
class _BrokenWeighting(Weighting):
    name: ClassVar[str] = "broken"
    title: ClassVar[str] = "Broken"
    paper: ClassVar[str] = ""


class Repeats(_BrokenAlgorithm):
    """Selects a row twice."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities, at the end the first again."""
        picks = top_k(view.probabilities, w, k, view.priority)
        return np.append(picks[:-1], picks[0])


class Divides(_BrokenAlgorithm):
    """Scales by a range that may be 0."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of scaled probabilities."""
        p = view.probabilities
        with np.errstate(invalid="ignore"):
            return top_k((p - p.min()) / (p.max() - p.min()), w, k, view.priority)


class Undeclared(_BrokenAlgorithm):
    """Reads what it does not declare."""

    needs = frozenset()

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities."""
        return top_k(view.probabilities, w, k, view.priority)


class Unseeded(_BrokenAlgorithm):
    """Draws from a generator of its own."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return rows that no seed decides."""
        return weighted_sample(w, k, np.random.default_rng().random(view.size))


class ReadsGlobally(_BrokenAlgorithm):
    """Takes its seed from a global generator."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return rows that the global state decides."""
        import torch

        luck = view.priority * (2 + torch.initial_seed() % 97) % 1
        return weighted_sample(w, k, luck)


class SeedsGlobally(_BrokenAlgorithm):
    """Seeds a global generator."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return reproducible rows, at the expense of everyone else."""
        import torch

        torch.manual_seed(0)
        return weighted_sample(w, k, view.priority)


class WritesWeights(_BrokenAlgorithm):
    """Marks in the weights what is taken."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities."""
        picks = top_k(view.probabilities, w, k, view.priority)
        w[picks] = 0
        return picks


@dataclass(frozen=True)
class WritesOutput(_BrokenAlgorithm):
    """Wipes out what it was shown.

    Attributes:
        output: a property of the view.
        inside: of a view of some of its rows instead, as wrappers hand on.
    """

    needs: ClassVar[frozenset[Need]] = frozenset(NEEDS)
    output: str = "probabilities"
    inside: bool = False

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities."""
        picks = top_k(view.probabilities, w, k, view.priority)
        seen = view.rows(np.arange(view.size)) if self.inside else view
        getattr(seen, self.output)[:] = 0
        return picks


class WritesThroughTorch(_BrokenAlgorithm):
    """Wipes out an array by way of a tensor, which knows no read-only memory."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities."""
        import torch

        picks = top_k(view.probabilities, w, k, view.priority)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, that it ought not to be written into
            torch.from_numpy(view.probabilities).zero_()
        return picks


class TakesTheFirst(_BrokenAlgorithm):
    """Breaks ties by position."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the rows whose probability is highest, and of several the first."""
        return np.lexsort((-np.round(view.probabilities), w == 0))[:k]


class AddsWeights(_BrokenAlgorithm):
    """Adds weights to scores instead of multiplying."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of s + w."""
        return top_k(view.probabilities**2 + w, np.asarray(w > 0, dtype=float), k, view.priority)


class IgnoresWeights(_BrokenAlgorithm):
    """Does not look at the weights."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities."""
        return top_k(view.probabilities, np.ones_like(w), k, view.priority)


class Peeks(_BrokenAlgorithm):
    """Looks for the labels in its callers' variables."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the positives first."""
        frame = inspect.currentframe()
        while frame and not isinstance(frame.f_locals.get("pool"), ToyPool):
            frame = frame.f_back
        hidden = frame.f_locals["pool"].hidden if frame else np.zeros(view.size)
        return top_k(view.probabilities + hidden, w, k, view.priority)


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
    needs: ClassVar[frozenset[Need]] = _PROBABILITIES
    state_type: ClassVar[type[Record]] = Rounds

    def step(self, view: PoolView, state: Rounds | None, w: FloatArray, k: int) -> tuple[IntArray, Rounds]:
        """Return likely and unlikely positives in turn, round by round."""
        rounds = state.rounds if state else 0
        p = view.probabilities if rounds % 2 else 1 - view.probabilities
        return top_k(p, w, k, view.priority), Rounds(rounds=rounds + 1)


@dataclass(frozen=True)
class WritesState(Forgets):
    """Counts in the state it was given."""

    state_type: ClassVar[type[Record]] = Counted

    def step(self, view: PoolView, state: Rounds | None, w: FloatArray, k: int) -> tuple[IntArray, Rounds]:
        """Return the top of the probabilities."""
        if view.state is not None:
            view.state["rounds"] += 1
        rounds = state.rounds if state else 0
        return top_k(view.probabilities, w, k, view.priority), Counted(rounds=rounds + 1)


class LogOdds(_BrokenWeighting):
    """Negative for most rows."""

    def weights(self, view: PoolView) -> FloatArray:
        """Return log(p / (1 - p))."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(view.probabilities) - np.log1p(-view.probabilities))


class Inverse(_BrokenWeighting):
    """Infinite where p is 0."""

    def weights(self, view: PoolView) -> FloatArray:
        """Return 1 / p."""
        with np.errstate(divide="ignore"):
            return np.asarray(1 / view.probabilities)


class ByPosition(_BrokenWeighting):
    """Weights that belong to places, not to rows."""

    def weights(self, view: PoolView) -> FloatArray:
        """Return 1, 2, 3 ..."""
        return np.arange(1.0, view.size + 1)


SPECIMENS: tuple[tuple[Law, Part], ...] = (
    (laws.answers_are_valid, Repeats()),
    (laws.hard_pools_are_survived, Divides()),
    (laws.needs_are_declared, Undeclared()),
    (laws.same_seed_same_answer, Unseeded()),
    (laws.global_random_state_is_ignored, ReadsGlobally()),
    (laws.global_state_is_left_alone, SeedsGlobally()),
    (laws.inputs_are_left_alone, WritesWeights()),
    (laws.inputs_are_left_alone, WritesOutput()),
    (laws.inputs_are_left_alone, WritesOutput("embeddings")),
    (laws.inputs_are_left_alone, WritesOutput("pretrained", inside=True)),
    (laws.inputs_are_left_alone, WritesThroughTorch()),
    (laws.inputs_are_left_alone, WritesState()),
    (laws.row_order_is_irrelevant, TakesTheFirst()),
    (laws.scale_of_weights_is_irrelevant, AddsWeights()),
    (laws.zero_weights_come_last, IgnoresWeights()),
    (laws.hidden_labels_are_unreachable, Peeks()),
    (laws.state_survives_storage, Forgets()),
    (laws.answers_are_valid, LogOdds()),
    (laws.hard_pools_are_survived, Inverse()),
    (laws.row_order_is_irrelevant, ByPosition()),
)
"""Each law with a part that breaks it, and no other law."""
