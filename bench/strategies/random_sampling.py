"""Random sampling: the algorithm that looks at nothing but the weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.arrays import FloatArray, IntArray
from bench.strategies.base import Algorithm
from bench.strategies.select import weighted_sample
from bench.strategies.view import PoolView


@dataclass(frozen=True)
class RandomSampling(Algorithm):
    """Draws k rows without replacement, with probability proportional to w."""

    name: ClassVar[str] = "random"
    title: ClassVar[str] = "Random"
    paper: ClassVar[str] = "Efraimidis & Spirakis 2006 (weighted sampling without replacement)"
    open_points: ClassVar[str] = (
        "Rows are drawn one after the other, each in proportion to w among those left; "
        "the draw reads only `priority`, so strategies of one block share it."
    )

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return the k rows drawn, in the order of drawing."""
        return weighted_sample(w, k, view.priority)
