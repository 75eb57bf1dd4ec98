"""Values that the steps of a round hand on: costs per stage, which rows are labelled, the batch queried."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.arrays import FloatArray, IntArray, Labels
from bench.records import SCORE_BINS


@dataclass
class Stages:
    """Seconds and rows per stage of a round."""

    seconds: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def measure(self, stage: str, rows: int) -> Iterator[None]:
        """Add the time of the body and the rows it works on to a stage."""
        began = time.perf_counter()
        yield
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + time.perf_counter() - began, 6)
        self.rows[stage] = self.rows.get(stage, 0) + rows


@dataclass(frozen=True)
class Labelling:
    """Which rows of the pool are labelled, in order of labelling, and which are not, ascending."""

    labelled: IntArray
    labels: Labels
    unlabelled: IntArray

    def with_labels(self, picked: IntArray, labels: Labels) -> Labelling:
        """Return the state after ``picked`` positions were labelled."""
        return Labelling(
            np.concatenate([self.labelled, picked]),
            np.concatenate([self.labels, labels]),
            np.setdiff1d(self.unlabelled, picked, assume_unique=True),
        )


@dataclass(frozen=True)
class ScoreHistogram:
    """The pool by p in ``SCORE_BINS`` bins: rows per bin, and their share of the weight."""

    rows: tuple[int, ...]
    weight: tuple[float, ...]


def score_histogram(p: FloatArray, w: FloatArray) -> ScoreHistogram:
    """Return the histogram of p (n,), and of the weights w (n,) over the same bins."""
    edges = np.arange(SCORE_BINS + 1) / SCORE_BINS  # i / m exactly, as InvProp bins them
    rows, _ = np.histogram(p, edges)
    weight, _ = np.histogram(p, edges, weights=w)
    share = weight / w.sum() if len(w) else weight
    return ScoreHistogram(tuple(rows.tolist()), tuple(share.round(6).tolist()))


@dataclass(frozen=True)
class Query:
    """A batch: positions in the pool, their labels, w, p and the pool by p where a pass was made, a bandit's state."""

    picked: IntArray
    labels: Labels
    w: FloatArray
    p: FloatArray | None
    pool: ScoreHistogram | None
    state: dict[str, Any] | None
