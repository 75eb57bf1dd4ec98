"""Margin: uncertainty by the distance between the two most probable classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.arrays import FloatArray
from bench.strategies.base import ScoreBased
from bench.strategies.view import Need, PoolView


@dataclass(frozen=True)
class Margin(ScoreBased):
    """Takes the rows whose two most probable classes are nearest to each other."""

    name: ClassVar[str] = "margin"
    title: ClassVar[str] = "Margin"
    paper: ClassVar[str] = "Scheffer et al. 2001; Settles 2009, section 3.1"
    needs: ClassVar[frozenset[Need]] = frozenset({"probabilities"})
    open_points: ClassVar[str] = (
        "s = 1 - margin, since the smallest margin comes first and scores are >= 0. With two classes this is twice "
        "the score of least_confidence: both pick the same rows under any weights."
    )

    def scores(self, view: PoolView) -> FloatArray:
        """Return 1 - |p - (1 - p)|, (n,), in the form that is exact next to 0 and 1."""
        p = view.probabilities
        return 2 * np.minimum(p, 1 - p)
