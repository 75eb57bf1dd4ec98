"""CAL: contrastive active learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.strategies.base import ScoreBased, check_option
from bench.strategies.neighbours import distances_in_chunks
from bench.strategies.view import Need, PoolView

if TYPE_CHECKING:
    import torch

_LEAST = float(np.finfo(np.float64).eps)  # keeps the divergence from a prediction of 0 or 1 finite, at most 36


@dataclass(frozen=True)
class Cal(ScoreBased):
    """Takes the rows whose prediction differs most from those of their nearest labelled rows.

    Attributes:
        neighbours: labelled rows that a row is compared with, k of the paper.
    """

    name: ClassVar[str] = "cal"
    title: ClassVar[str] = "CAL"
    paper: ClassVar[str] = "Margatina et al. 2021, Algorithm 1; weights: Fairstein et al. 2024, Algorithm 2"
    version: ClassVar[str] = "2"
    needs: ClassVar[frozenset[Need]] = frozenset({"probabilities", "embeddings"})
    open_points: ClassVar[str] = (
        "s = mean of KL(neighbour || row), Euclidean neighbours on h scaled to unit length, as in the authors' code. "
        "Theirs is the [CLS] output of the encoder, here h is the input of the last layer, as for all algorithms. "
        "Equally near labelled rows count in the order of labelling; all labelled rows count while they are no "
        "more than `neighbours`, as in round 1 after a warm start of 10. With nothing labelled s is constant: "
        "rows go by w and priority."
    )

    neighbours: int = 10

    def __post_init__(self) -> None:
        check_option(self, "neighbours", self.neighbours >= 1, ">= 1")

    def scores(self, view: PoolView) -> FloatArray:
        """Return the mean divergence of the neighbours' predictions from the row's own, (n,)."""
        from scipy.special import rel_entr

        if len(view.labels) == 0:
            return np.ones(view.size)
        near = _nearest(view.embeddings, view.labelled_embeddings, self.neighbours)
        p = np.clip(view.probabilities, _LEAST, 1 - _LEAST)[:, None]
        q = np.clip(view.labelled_probabilities, _LEAST, 1 - _LEAST)[near]
        divergences = np.maximum(rel_entr(q, p) + rel_entr(1 - q, 1 - p), 0)  # next to q = p, rounding may go below
        return np.asarray(divergences.mean(axis=1))


def _nearest(h: torch.Tensor, labelled: torch.Tensor, k: int) -> IntArray:
    """Return the numbers of the k labelled rows nearest to each row, (n, min(k, m)), nearest first."""
    import torch

    parts = distances_in_chunks(h, labelled, unit=True)
    # A stable sort, because topk does not say which of equally near rows it takes.
    return torch.cat([part.sort(dim=1, stable=True).indices[:, :k] for part in parts]).cpu().numpy()
