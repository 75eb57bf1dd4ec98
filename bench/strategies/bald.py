"""BALD: Bayesian active learning by disagreement, with Monte-Carlo dropout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.arrays import FloatArray
from bench.strategies.base import ScoreBased
from bench.strategies.view import Need, PoolView


@dataclass(frozen=True)
class Bald(ScoreBased):
    """Takes the rows on which the model under different dropout masks is sure of different answers."""

    name: ClassVar[str] = "bald"
    title: ClassVar[str] = "BALD"
    paper: ClassVar[str] = (
        "Houlsby et al. 2011, equation 2; Gal, Islam & Ghahramani 2017, section 4 (Monte-Carlo dropout); weights: "
        "Fairstein et al. 2024, Algorithm 2"
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"dropout"})
    open_points: ClassVar[str] = (
        "In nats; each row is scored alone, the batch is the top k of w * s (BatchBALD is another algorithm). The "
        "number of masks is a setting of the model. Rows of which all masks say the same score exactly 0 and go by "
        "priority, whatever their weights."
    )

    def scores(self, view: PoolView) -> FloatArray:
        """Return H(mean p) - mean H(p), (n,): between 0 and log 2."""
        from scipy.special import entr

        p = np.asarray(view.dropout, dtype=np.float64)
        mean = p.mean(axis=0)
        information = entr(mean) + entr(1 - mean) - (entr(p) + entr(1 - p)).mean(axis=0)
        # The mean of equal numbers may be off by rounding, which must not rank rows of no disagreement.
        return np.where(np.ptp(p, axis=0) > 0, np.maximum(information, 0), 0.0)
