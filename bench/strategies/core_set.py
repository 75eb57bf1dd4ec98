"""Core-set: batch active learning by covering the pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.strategies.base import Algorithm
from bench.strategies.neighbours import distances_in_chunks
from bench.strategies.select import fill_up, top_k
from bench.strategies.view import Need, PoolView

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class CoreSet(Algorithm):
    """Takes, one after the other, the row farthest from all labelled and taken rows (k-centre greedy)."""

    name: ClassVar[str] = "core_set"
    title: ClassVar[str] = "Core-set"
    paper: ClassVar[str] = "Sener & Savarese 2018, Algorithm 1 (k-centre greedy)"
    version: ClassVar[str] = "2"
    needs: ClassVar[frozenset[Need]] = frozenset({"embeddings"})
    open_points: ClassVar[str] = (
        "Distances are Euclidean on h. The paper has no weights: the next row is argmax w * (distance to the nearest "
        "centre), the distance unsquared. With nothing labelled the first row is argmax w. The robust variant "
        "(Algorithm 2, a mixed-integer programme) is left out: the greedy one is its start and its 2-approximation."
    )

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return k rows in the order they were taken; ties by priority. k + m distances a row, O(n) memory."""
        import torch

        h, centres = view.embeddings, view.labelled_embeddings
        left = np.array(w, dtype=np.float64)
        nearest: torch.Tensor | None = None
        picks: list[int] = []
        for _ in range(min(k, int(np.count_nonzero(w)))):
            if len(centres):
                covered = torch.cat([part.amin(dim=1) for part in distances_in_chunks(h, centres)])
                nearest = covered if nearest is None else torch.minimum(nearest, covered)
            scores = np.ones(view.size) if nearest is None else nearest.cpu().numpy()
            picks.append(int(top_k(scores, left, 1, view.priority)[0]))
            left[picks[-1]] = 0
            centres = h[picks[-1:]]
        return fill_up(picks, k, view.priority)
