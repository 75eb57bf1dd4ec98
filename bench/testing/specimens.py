"""One deliberately broken algorithm and weighting for each law, to show that the law can fail."""

from __future__ import annotations

import inspect
import os
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from bench.arrays import FloatArray, IntArray
from bench.records import Record
from bench.strategies.base import Algorithm, ScoreBased, Stateful, Weighting
from bench.strategies.select import top_k, weighted_sample
from bench.strategies.view import NEEDS, Need, PoolView
from bench.testing import laws
from bench.testing.answers import Part
from bench.testing.laws_of_answers import Law

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
        """Return the rows of the largest w (1 + p), told apart by factors of 2 only, and of several the first."""
        with np.errstate(divide="ignore"):
            octaves = np.ceil(np.log2(w * (1 + view.probabilities)))
        return np.lexsort((-octaves, w == 0))[:k]


class AddsWeights(_BrokenAlgorithm):
    """Adds weights to scores instead of multiplying."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of s + w."""
        return top_k(view.probabilities**2 + w, np.asarray(w > 0, dtype=float), k, view.priority)


class RaisesWeights(_BrokenAlgorithm):
    """Gives every row half of the mean weight at least."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities times those weights."""
        return top_k(view.probabilities, np.maximum(w, w.mean() / 2), k, view.priority)


class Peeks(_BrokenAlgorithm):
    """Looks up the labels where the oracle has them, by a way that nobody watches."""

    needs = _PROBABILITIES | {"oracle"}

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the positives first."""
        reveal = object.__getattribute__(view.oracle, "_reveal")
        hidden = np.array([reveal(row) for row in range(view.size)])
        return top_k(view.probabilities + hidden, w, k, view.priority)


class TouchesOracle(_BrokenAlgorithm):
    """Reads in the oracle how many labels it may buy."""

    needs = _PROBABILITIES | {"oracle"}

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities."""
        budget = view.oracle._budget if view.oracle else k  # noqa: SLF001 - this is the fault
        return top_k(view.probabilities, w, min(k, budget), view.priority)


class LooksAround(_BrokenAlgorithm):
    """Looks who calls."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities."""
        frame = inspect.currentframe()
        called_by = frame.f_back if frame else None
        return top_k(view.probabilities, w, k if called_by else 0, view.priority)


class OpensFile(_BrokenAlgorithm):
    """Reads a file, if there is one."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities."""
        with suppress(OSError):
            Path("there-is-no-such-file").read_bytes()
        return top_k(view.probabilities, w, k, view.priority)


class ReadsClock(_BrokenAlgorithm):
    """Selects otherwise in another year."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities."""
        return top_k(view.probabilities + time.gmtime().tm_year, w, k, view.priority)


@dataclass(frozen=True)
class SetsGlobally(_BrokenAlgorithm):
    """Sets something for everyone.

    Attributes:
        what: environment, folder, warnings, numpy, precision or threads.
    """

    what: str = "environment"

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities."""
        import torch

        picks = top_k(view.probabilities, w, k, view.priority)
        match self.what:
            case "environment":
                os.environ["OMP_DYNAMIC"] = "true"
            case "folder":
                os.chdir("/")
            case "warnings":
                warnings.simplefilter("ignore")
            case "numpy":
                np.seterr(all="ignore")
            case "precision":
                torch.set_float32_matmul_precision("medium")
            case "threads":
                torch.set_num_threads(torch.get_num_threads() + 1)
        return picks


class SortsByHash(_BrokenAlgorithm):
    """Adds some noise, the hash of a text, of which every process has its own."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of w (1 + noise)."""
        noise = np.array([hash(repr(number)) % 2**20 for number in view.priority.tolist()]) / 2**20
        return top_k(1 + noise, w, k, view.priority)


class Remembers(_BrokenAlgorithm):
    """Keeps a mean for all pools of one size."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the rows next to the mean."""
        mean = _MEANS.setdefault(view.size, float(np.mean(view.probabilities)))
        return top_k(1 / (1 + np.abs(view.probabilities - mean)), w, k, view.priority)


_MEANS: dict[int, float] = {}


class ManyByPlace(_BrokenAlgorithm):
    """Looks at the first hundred rows of a large pool."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of these rows' probabilities."""
        some = np.argsort(w == 0, kind="stable")[: max(k, 100)]
        return some[top_k(view.probabilities[some], w[some], k, view.priority[some])]


class RepeatsLater(_BrokenAlgorithm):
    """Selects a row twice in the second round."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities, at the end the first again."""
        picks = top_k(view.probabilities, w, k, view.priority)
        return picks if view.round == 1 else np.append(picks[:-1], picks[0])


class AllOrNothing(_BrokenAlgorithm):
    """Takes weights for permissions: a row has some or none."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities of rows with weight."""
        return top_k(view.probabilities, np.asarray(w > 0, dtype=float), k, view.priority)


@dataclass(frozen=True)
class SquaresWeights(ScoreBased):
    """Multiplies scores by the squares of the weights."""

    name: ClassVar[str] = "broken"
    title: ClassVar[str] = "Broken"
    paper: ClassVar[str] = ""
    needs: ClassVar[frozenset[Need]] = _PROBABILITIES

    def scores(self, view: PoolView) -> FloatArray:
        """Return the probabilities."""
        return view.probabilities

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of w^2 s."""
        return top_k(self.scores(view), w**2, k, view.priority)


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


class Nothing(Record):
    """A state that says nothing."""


@dataclass(frozen=True)
class KeepsAside(Stateful[Nothing]):
    """Keeps what it learnt in the first round where no stored run has it."""

    name: ClassVar[str] = "broken"
    title: ClassVar[str] = "Broken"
    paper: ClassVar[str] = ""
    needs: ClassVar[frozenset[Need]] = _PROBABILITIES
    state_type: ClassVar[type[Record]] = Nothing

    def step(self, view: PoolView, state: Nothing | None, w: FloatArray, k: int) -> tuple[IntArray, Nothing]:
        """Return the rows next to the median of the first round."""
        if state is None:
            _MEDIAN["p"] = float(np.median(view.probabilities))
        return top_k(1 / (1 + np.abs(view.probabilities - _MEDIAN.get("p", 0.0))), w, k, view.priority), Nothing()


_MEDIAN: dict[str, float] = {}


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


@dataclass(frozen=True)
class _Bins(_BrokenWeighting):
    bins: int = 10

    def _bin_of(self, p: FloatArray) -> IntArray:
        return np.searchsorted(np.arange(1, self.bins) / self.bins, p, side="right")


class CountsLabelled(_Bins):
    """Counts the labelled rows in the bins."""

    def weights(self, view: PoolView) -> FloatArray:
        """Return 1 / (rows of the bin, labelled and not)."""
        bin_of = self._bin_of(view.probabilities)
        labelled = self._bin_of(view.labelled_probabilities)
        counts = np.bincount(np.concatenate([bin_of, labelled]), minlength=self.bins)
        return np.asarray(1 / counts[bin_of])


class LeavesOutTheLast(_Bins):
    """Gives no weight to the bin of the likeliest positives."""

    def weights(self, view: PoolView) -> FloatArray:
        """Return 1 / (rows of the bin), but 0 in the last one."""
        bin_of = self._bin_of(view.probabilities)
        return np.where(bin_of == self.bins - 1, 0.0, 1 / np.bincount(bin_of, minlength=self.bins)[bin_of])


class RootOfCount(_Bins):
    """Divides by the root of a bin's rows."""

    def weights(self, view: PoolView) -> FloatArray:
        """Return 1 / sqrt(rows of the bin)."""
        bin_of = self._bin_of(view.probabilities)
        return np.asarray(1 / np.sqrt(np.bincount(bin_of, minlength=self.bins)[bin_of]))


_GLOBAL = ("environment", "folder", "warnings", "numpy", "precision", "threads")
SPECIMENS: tuple[tuple[Law, Part], ...] = (
    (laws.answers_are_valid, Repeats()),
    (laws.answers_are_valid, RepeatsLater()),
    (laws.hard_pools_are_survived, Divides()),
    (laws.needs_are_declared, Undeclared()),
    (laws.same_seed_same_answer, Unseeded()),
    (laws.global_random_state_is_ignored, ReadsGlobally()),
    (laws.global_state_is_left_alone, SeedsGlobally()),
    *((laws.global_state_is_left_alone, SetsGlobally(what)) for what in _GLOBAL),
    (laws.inputs_are_left_alone, WritesWeights()),
    (laws.inputs_are_left_alone, WritesOutput()),
    (laws.inputs_are_left_alone, WritesOutput("embeddings")),
    (laws.inputs_are_left_alone, WritesOutput("pretrained", inside=True)),
    (laws.inputs_are_left_alone, WritesThroughTorch()),
    (laws.inputs_are_left_alone, WritesState()),
    (laws.nothing_else_is_reached, OpensFile()),
    (laws.nothing_else_is_reached, ReadsClock()),
    (laws.nothing_else_is_reached, LooksAround()),
    (laws.nothing_else_is_reached, TouchesOracle()),
    (laws.nothing_is_remembered, Remembers()),
    (laws.a_new_process_answers_alike, SortsByHash()),
    (laws.row_order_is_irrelevant, TakesTheFirst()),
    (laws.row_order_is_irrelevant, ManyByPlace()),
    (laws.scale_of_weights_is_irrelevant, AddsWeights()),
    (laws.zero_weights_come_last, RaisesWeights()),
    (laws.weights_matter, AllOrNothing()),
    (laws.scores_are_multiplied_by_weights, SquaresWeights()),
    (laws.hidden_labels_are_unreachable, Peeks()),
    (laws.state_survives_storage, Forgets()),
    (laws.a_resumed_run_goes_on_alike, KeepsAside()),
    (laws.answers_are_valid, LogOdds()),
    (laws.hard_pools_are_survived, Inverse()),
    (laws.row_order_is_irrelevant, ByPosition()),
    (laws.labelled_rows_do_not_count, CountsLabelled()),
    (laws.bins_weigh_the_same, LeavesOutTheLast()),
    (laws.bins_weigh_the_same, RootOfCount()),
)
"""Each law with a part that breaks it, and no other law."""
