"""Broken parts that read or change what is around them."""

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

from bench.arrays import FloatArray, IntArray
from bench.records import Record
from bench.strategies.select import top_k, weighted_sample
from bench.strategies.view import NEEDS, Need, PoolView
from bench.testing import laws_of_surroundings
from bench.testing.answers import Part
from bench.testing.broken import PROBABILITIES, BrokenAlgorithm
from bench.testing.laws_of_answers import Law
from bench.testing.specimens_of_processes import Counted, Forgets, Rounds


class ReadsGlobally(BrokenAlgorithm):
    """Takes its seed from a global generator."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return rows that the global state decides."""
        import torch

        draws = view.priority * (2 + torch.initial_seed() % 97) % 1
        return weighted_sample(w, k, draws)


class SeedsGlobally(BrokenAlgorithm):
    """Seeds a global generator."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return reproducible rows, at the expense of everyone else."""
        import torch

        torch.manual_seed(0)
        return weighted_sample(w, k, view.priority)


class WritesWeights(BrokenAlgorithm):
    """Marks in the weights what is taken."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities."""
        picks = top_k(view.probabilities, w, k, view.priority)
        w[picks] = 0
        return picks


@dataclass(frozen=True)
class WritesOutput(BrokenAlgorithm):
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


class WritesThroughTorch(BrokenAlgorithm):
    """Wipes out an array by way of a tensor, which knows no read-only memory."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities."""
        import torch

        picks = top_k(view.probabilities, w, k, view.priority)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, that it ought not to be written into
            torch.from_numpy(view.probabilities).zero_()
        return picks


class Peeks(BrokenAlgorithm):
    """Looks up the labels where the oracle has them, by a way that nobody watches."""

    needs = PROBABILITIES | {"oracle"}

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the positives first."""
        reveal = object.__getattribute__(view.oracle, "_reveal")
        hidden = np.array([reveal(row) for row in range(view.size)])
        return top_k(view.probabilities + hidden, w, k, view.priority)


class TouchesOracle(BrokenAlgorithm):
    """Reads in the oracle how many labels it may buy."""

    needs = PROBABILITIES | {"oracle"}

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities."""
        budget = view.oracle._budget if view.oracle else k  # noqa: SLF001 - this is the fault
        return top_k(view.probabilities, w, min(k, budget), view.priority)


class LooksAround(BrokenAlgorithm):
    """Looks who calls."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities."""
        frame = inspect.currentframe()
        called_by = frame.f_back if frame else None
        return top_k(view.probabilities, w, k if called_by else 0, view.priority)


class OpensFile(BrokenAlgorithm):
    """Reads a file, if there is one."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities."""
        with suppress(OSError):
            Path("there-is-no-such-file").read_bytes()
        return top_k(view.probabilities, w, k, view.priority)


class ReadsClock(BrokenAlgorithm):
    """Selects otherwise in another year."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the top of the probabilities."""
        return top_k(view.probabilities + time.gmtime().tm_year, w, k, view.priority)


@dataclass(frozen=True)
class SetsGlobally(BrokenAlgorithm):
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


_GLOBAL = ("environment", "folder", "warnings", "numpy", "precision", "threads")


SPECIMENS: tuple[tuple[Law, Part], ...] = (
    (laws_of_surroundings.global_random_state_is_ignored, ReadsGlobally()),
    (laws_of_surroundings.global_state_is_left_alone, SeedsGlobally()),
    *((laws_of_surroundings.global_state_is_left_alone, SetsGlobally(what)) for what in _GLOBAL),
    (laws_of_surroundings.inputs_are_left_alone, WritesWeights()),
    (laws_of_surroundings.inputs_are_left_alone, WritesOutput()),
    (laws_of_surroundings.inputs_are_left_alone, WritesOutput("embeddings")),
    (laws_of_surroundings.inputs_are_left_alone, WritesOutput("pretrained", inside=True)),
    (laws_of_surroundings.inputs_are_left_alone, WritesThroughTorch()),
    (laws_of_surroundings.inputs_are_left_alone, WritesState()),
    (laws_of_surroundings.nothing_else_is_reached, OpensFile()),
    (laws_of_surroundings.nothing_else_is_reached, ReadsClock()),
    (laws_of_surroundings.nothing_else_is_reached, LooksAround()),
    (laws_of_surroundings.nothing_else_is_reached, TouchesOracle()),
    (laws_of_surroundings.hidden_labels_are_unreachable, Peeks()),
)
