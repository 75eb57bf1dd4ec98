"""InvProp: every bin of predicted probability gets the same total weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.arrays import FloatArray
from bench.strategies.base import Weighting, check_option
from bench.strategies.view import PoolView


@dataclass(frozen=True)
class InvProp(Weighting):
    """w(x) = 1 / b_i for the b_i rows of the current pool whose p(x) falls in x's bin i.

    Attributes:
        bins: m equal bins over [0, 1]; bin i is [i/m, (i+1)/m), the last one closed on the right.
    """

    name: ClassVar[str] = "invprop"
    title: ClassVar[str] = "InvProp"
    paper: ClassVar[str] = "Fairstein et al. 2024 (inverse proportional weighting, Lemma 1)"
    open_points: ClassVar[str] = (
        "Bins are half-open but for the last, and counted anew in every round over the pool that is left."
    )

    bins: int = 10

    def __post_init__(self) -> None:
        check_option(self, "bins", self.bins >= 1, ">= 1")

    def weights(self, view: PoolView) -> FloatArray:
        """Return 1 / b_i, (n,)."""
        # Comparison with i / m is exact at the edges, where floor(p * m) is not: 0.29 * 100 is 28.999...
        inner_edges = np.arange(1, self.bins) / self.bins
        bin_of = np.searchsorted(inner_edges, view.probabilities, side="right")
        counts = np.bincount(bin_of, minlength=self.bins)
        return np.asarray(1.0 / counts[bin_of])
