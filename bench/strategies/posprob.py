"""Weights proportional to the probability of the rare class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.arrays import FloatArray
from bench.strategies.base import Weighting
from bench.strategies.view import PoolView


@dataclass(frozen=True)
class PosProb(Weighting):
    """w(x) = p(x), the probability of the positive (minority) class."""

    name: ClassVar[str] = "posprob"
    title: ClassVar[str] = "PosProb"
    paper: ClassVar[str] = "Fairstein et al. 2024 (the greedy alternative to InvProp)"

    def weights(self, view: PoolView) -> FloatArray:
        """Return p(x), (n,)."""
        return view.probabilities
