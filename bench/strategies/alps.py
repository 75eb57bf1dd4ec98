"""ALPS: active learning by processing surprisal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.strategies.base import Algorithm, check_option
from bench.strategies.clustering import nearest_to_centres
from bench.strategies.select import fill_up, in_float32
from bench.strategies.view import Need, PoolView


@dataclass(frozen=True)
class Alps(Algorithm):
    """Clusters surprisal embeddings with weights and takes the row nearest to each centre (Algorithm 3).

    Attributes:
        restarts: seedings of k-means, of which the best clustering counts.
    """

    name: ClassVar[str] = "alps"
    version: ClassVar[str] = "2"
    title: ClassVar[str] = "ALPS"
    paper: ClassVar[str] = "Yuan et al. 2020, Algorithm 1; weights: Fairstein et al. 2024, Algorithm 3"
    needs: ClassVar[frozenset[Need]] = frozenset({"surprisal"})
    open_points: ClassVar[str] = (
        "One seeding of k-means by default (the authors' code ran ten); a centre whose nearest row is taken "
        "gets the next nearest (their code: a random row); if no more than k rows have weight, all of them "
        "are taken, by priority. Tokens are masked anew for each seed of a run, as the authors' code reseeds; "
        "model.mask_shared=true makes one embedding serve all seeds, at the price of one pass and not one a seed. "
        "Weights below 1e-18 of the largest count as that, since surprisal is float32."
    )

    restarts: int = 1

    def __post_init__(self) -> None:
        check_option(self, "restarts", self.restarts >= 1, ">= 1")

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return one row for each of k clusters; rows of weight 0 only once the others are used up."""
        import torch

        order = np.argsort(view.priority, kind="stable")
        rows = order[w[order] > 0]
        if len(rows) <= k:
            return fill_up(rows.tolist(), k, view.priority)
        surprisal = torch.from_numpy(view.surprisal[rows]).to(view.device)
        return rows[nearest_to_centres(surprisal, in_float32(w[rows]), k, view.generator, self.restarts)]
