"""Uniform weights: the algorithm as published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.arrays import FloatArray
from bench.strategies.base import Weighting
from bench.strategies.view import Need, PoolView


@dataclass(frozen=True)
class Uniform(Weighting):
    """w(x) = 1; reads nothing, so it costs no pass over the pool."""

    name: ClassVar[str] = "uniform"
    title: ClassVar[str] = "Uniform"
    paper: ClassVar[str] = "Fairstein et al. 2024 (the baseline)"
    needs: ClassVar[frozenset[Need]] = frozenset()

    def weights(self, view: PoolView) -> FloatArray:
        """Return ones, (n,)."""
        return np.ones(view.size)
