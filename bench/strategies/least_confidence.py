"""Least confidence: uncertainty by the probability of the predicted class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.arrays import FloatArray
from bench.strategies.base import ScoreBased
from bench.strategies.view import Need, PoolView


@dataclass(frozen=True)
class LeastConfidence(ScoreBased):
    """Takes the rows whose predicted class is least probable."""

    name: ClassVar[str] = "least_confidence"
    title: ClassVar[str] = "Least confidence"
    paper: ClassVar[str] = "Lewis & Gale 1994 (uncertainty sampling); Settles 2009, section 3.1"
    needs: ClassVar[frozenset[Need]] = frozenset({"probabilities"})
    open_points: ClassVar[str] = (
        "With two classes and uniform weights, least confidence, margin and entropy rank rows equally: by how near p "
        "is to 0.5. s = 1 - p_max, between 0 and 1/2."
    )

    def scores(self, view: PoolView) -> FloatArray:
        """Return 1 - p_max, (n,)."""
        p = view.probabilities
        return np.minimum(p, 1 - p)
