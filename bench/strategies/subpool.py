"""Subpools: wrappers that let a base algorithm see only a part of the pool."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.strategies.base import Algorithm, base_algorithm, select_within
from bench.strategies.select import weighted_sample
from bench.strategies.view import Need, PoolView


@dataclass(frozen=True)
class Subpool(Algorithm):
    """Lets a base algorithm select among candidates only, rows that lie near labelled ones.

    Rows of weight 0 are no candidates. With nothing labelled, all rows are. Candidates fewer than k are filled up with
    rows drawn by w.

    Attributes:
        base: the algorithm that selects.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"pretrained"})

    base: str = "badge"

    def __post_init__(self) -> None:
        self.uses()  # a base that cannot be used is an error here

    def uses(self) -> tuple[Algorithm, ...]:
        """Return the base."""
        return (base_algorithm(self, "base"),)

    @abstractmethod
    def candidates(self, view: PoolView) -> IntArray:
        """Return the numbers of at least one and at most all rows of a view that shows labelled rows, each once."""

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the k rows that the base selects among the candidates, with the weights of the whole pool."""
        (base,) = self.uses()
        rows = np.flatnonzero(w)
        if len(rows) > k and len(view.labels) > 0:
            rows = rows[self.candidates(view.rows(rows))]
        if len(rows) < k:
            drawn = weighted_sample(w, view.size, view.priority)
            rows = np.concatenate([rows, drawn[~np.isin(drawn, rows)]])[:k]
        return select_within(base, view, w, rows, k)
