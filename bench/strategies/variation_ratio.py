"""Variation ratio of an ensemble: how many members vote against the majority."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.arrays import FloatArray
from bench.strategies.base import ScoreBased
from bench.strategies.view import Need, PoolView


@dataclass(frozen=True)
class VariationRatio(ScoreBased):
    """Takes the rows on which most members of the ensemble disagree with the others."""

    name: ClassVar[str] = "variation_ratio"
    title: ClassVar[str] = "VE"
    paper: ClassVar[str] = (
        "Freeman 1965; Beluch et al. 2018 (variation ratio of an ensemble); weights: Fairstein et al. 2024, Algorithm 2"
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"ensemble"})
    open_points: ClassVar[str] = (
        "A member votes positive from p = 0.5 on, as the metrics do. c members give floor(c / 2) + 1 different scores, "
        "so ties are many: they go by w, then by priority; rows without a dissenting vote score 0 and go by priority, "
        "whatever their weights. The number of members is a setting of the model."
    )

    def scores(self, view: PoolView) -> FloatArray:
        """Return 1 - f / c for the f of c members that vote with the majority, (n,): between 0 and 1/2."""
        members = len(view.ensemble)
        positive = np.count_nonzero(view.ensemble >= 0.5, axis=0)
        return np.asarray(np.minimum(positive, members - positive) / members)
