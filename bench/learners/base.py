"""A learner: what is trained on the labels, asked about the pool, and evaluated on the test set.

A :class:`Learner` is a description: facts on the class, options as fields of a frozen dataclass. On the texts of a
block it becomes a :class:`Model`, which is fitted anew in every round. It never draws from global state: what is random
in a fit comes from the streams it is handed. Oversampling, bootstrap samples, rounds and metrics are the loop's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from bench.arrays import FloatArray, IntArray
from bench.environment import process_peak_mb
from bench.errors import RunError
from bench.records import Reads, Settings
from bench.registry import Registry
from bench.seeds import Streams
from bench.strategies.view import Need

if TYPE_CHECKING:
    import torch

    from bench.data.corpus import Split
    from bench.model.surprisal import Surprisal

Which = Literal["train", "test"]
"""Of which split row numbers are."""


@dataclass(frozen=True)
class Material:
    """What a learner may work with: texts, and which rows of them matter; no label.

    Attributes:
        train, test: the splits, of which only the texts are to be read.
        pool_rows: (n,) row numbers of the train split, ascending: the pool, start set included.
        test_rows: (m,) row numbers of the test split, ascending.
        settings: those that the block's runs read, all together.
        cache_dir: for what can be computed again; name what is kept there by content.
        device: ``auto``, ``cpu`` or ``cuda``.
    """

    train: Split
    test: Split
    pool_rows: IntArray
    test_rows: IntArray
    settings: Settings
    cache_dir: Path
    device: str = "auto"


@dataclass(frozen=True)
class Scores:
    """What a pass over rows yields.

    Attributes:
        probabilities: (n,) float64, p(x), probability of the positive class.
        embeddings: (n, d) float32, h(x), the input of the last layer, for the caller to keep; None if not asked for.
    """

    probabilities: npt.NDArray[np.float64]
    embeddings: torch.Tensor | None = None

    def checked(self, n: int) -> Scores:
        """Return the scores if they are of n rows.

        Raises:
            RunError: if they are not, or a probability is not in [0, 1].
        """
        p, h = self.probabilities, self.embeddings
        if p.shape != (n,) or (h is not None and len(h) != n):
            there = "no embeddings" if h is None else f"embeddings {tuple(h.shape)}"
            raise RunError(f"a pass over {n} rows yields probabilities {p.shape} and {there}")
        if not ((p >= 0) & (p <= 1)).all():  # NaN fails both
            raise RunError(f"the model's probabilities must lie in [0, 1]; they go from {p.min()} to {p.max()}")
        return self


@dataclass(frozen=True)
class MadeWith:
    """What a model computes with, for a run's provenance; see :class:`bench.records.Provenance`."""

    device: str
    precision: str
    model_source: str = "none"
    attention: str = "none"
    token_budget: int | None = None


class Model(ABC):
    """A learner at work on a block's texts.

    Attributes:
        epochs: times that a fit steps over its rows; for the record.
        made_with: what it computes with.
    """

    epochs: int = 1
    made_with: MadeWith

    @abstractmethod
    def fit(self, rows: IntArray, labels: IntArray, streams: Streams) -> None:
        """Train from scratch; nothing of an earlier fit is left.

        Args:
            rows: (n,) row numbers of the train split; repeats count as often as they occur. None at all (a cold start):
                the model becomes an untrained one, with a head drawn from the stream ``head``.
            labels: (n,) 1 = positive.
            streams: of this fit.
        """

    @abstractmethod
    def score(self, which: Which, rows: IntArray, *, embeddings: bool = False) -> Scores:
        """Apply the model of the last fit to rows of the pool or of the test set.

        Args:
            which: of which split ``rows`` are numbers.
            rows: (n,) in any order.
            embeddings: return h(x) too; asked of learners that offer it.
        """

    def dropout(self, rows: IntArray, seed: int) -> FloatArray:  # noqa: ARG002 - of those that offer it
        """Return p(x) of rows of the train split under a dropout mask drawn from a seed of torch, (n,)."""
        raise _lacking("dropout")

    def pretrained(self, rows: IntArray) -> FloatArray:  # noqa: ARG002
        """Return text embeddings of rows of the train split that no label has bent, (n, e); what was fitted may go."""
        raise _lacking("pretrained")

    def surprisal(self, rows: IntArray) -> Surprisal:  # noqa: ARG002
        """Return the surprisal of rows of the train split by the pre-trained masked language model."""
        raise _lacking("surprisal")

    def peak_memory_mb(self) -> float:
        """Return the peak since :meth:`reset_peak`; here the process's, which only grows."""
        return process_peak_mb()

    def reset_peak(self) -> None:  # noqa: B027 - most cannot
        """Start a new peak, where that is possible."""


def _lacking(need: Need) -> RunError:
    return RunError(f"this learner says that it offers {need!r}, but its model has no method for it")


@dataclass(frozen=True)
class Learner(ABC):
    """Describes what is trained. Subclasses are frozen dataclasses whose fields are their options.

    Class attributes:
        name: what users type. title: what tables print. summary: a line for lists.
        paper: where it is defined or argued for.
        version: raise it when a change of the code changes results.
        offers: what a strategy may read of it with default options; see :meth:`offered`.
        reads: which settings it reads; others are no part of its runs' keys.
        bootstraps: whether the further members of an ensemble are fitted on bootstrap samples of the labelled rows,
            since on the same rows they would be the same model.
        seconds_a_fit, rows_a_second: rough speed on one core, for plans; None where it is calibrated.
        open_points: what is open in the paper, and the choice made here.
        waived: law of ``bench.testing.learners`` -> the reason why it does not hold.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    paper: ClassVar[str]
    version: ClassVar[str] = "1"
    offers: ClassVar[frozenset[Need]] = frozenset({"probabilities"})
    reads: ClassVar[frozenset[Reads]] = frozenset()
    bootstraps: ClassVar[bool] = False
    seconds_a_fit: ClassVar[float | None] = 0.05
    rows_a_second: ClassVar[float | None] = 1e6
    open_points: ClassVar[str] = ""
    waived: ClassVar[dict[str, str]] = {}

    @abstractmethod
    def begin(self, material: Material) -> Model:
        """Return a model on these texts, before its first fit."""

    def offered(self) -> frozenset[Need]:
        """Return what a strategy may read of it with the options it has."""
        return self.offers

    def rehearse(self, settings: Settings, cache_dir: Path, *, surprisal: bool) -> None:  # noqa: B027 - most need none
        """Find out before the first run whether it can work here.

        Args:
            settings: of the grid.
            cache_dir: as for :class:`Material`.
            surprisal: whether a strategy reads it.

        Raises:
            BenchError: if it cannot.
        """


LEARNERS: Registry[Learner] = Registry(
    "learner",
    Learner,  # type: ignore[type-abstract]
    "bench.learners",
    "imbal_bench.learners",
)
