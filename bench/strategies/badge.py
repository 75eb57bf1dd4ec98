"""BADGE: batch active learning by diverse gradient embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bench.strategies.base import Algorithm
from bench.strategies.clustering import plus_plus_draws
from bench.strategies.neighbours import dot_products
from bench.strategies.select import top_k
from bench.strategies.view import FloatArray, IntArray, Need, PoolView

if TYPE_CHECKING:
    import torch

_ROUNDING = 2.0**-19  # of |g|^2 + |g'|^2: what is left of a distance 0 after float32 dot products


class GradientEmbeddings:
    """g(x) = (p - onehot(argmax p)) outer h(x), never materialised.

    With two classes p - onehot is (1 - p_max) times (1, -1) or (-1, 1), so g(x) has the geometry of
    a(x) * h(x), a = +- sqrt(2) * (1 - p_max): norms and distances follow from dot products of h. Vectors are
    (n,) float64; h, (n, d), stays where and in the precision it is.
    """

    def __init__(self, h: torch.Tensor, p: FloatArray) -> None:
        p = np.asarray(p, dtype=np.float64)
        self._h = h
        self._a = np.sqrt(2.0) * np.where(p > 0.5, 1 - p, -p)
        self.squared_norms = np.square(self._a) * dot_products(h)

    def squared_distances(self, row: int) -> FloatArray:
        """Return |g(x) - g(row)|^2 of all rows, (n,)."""
        sums = self.squared_norms + self.squared_norms[row]
        squares = sums - 2 * self._a[row] * self._a * dot_products(self._h, self._h[row])
        return np.where(squares > _ROUNDING * sums, squares, 0.0)


@dataclass(frozen=True)
class Badge(Algorithm):
    """Draws rows by k-means++ on gradient embeddings: large gradients (uncertain), far apart (diverse)."""

    name: ClassVar[str] = "badge"
    title: ClassVar[str] = "BADGE"
    paper: ClassVar[str] = "Ash et al. 2020, Algorithm 1; weights: Fairstein et al. 2024, Algorithm 3"
    needs: ClassVar[frozenset[Need]] = frozenset({"probabilities", "embeddings"})
    open_points: ClassVar[str] = (
        "The first centre is argmax w |g|^2, as in the authors' code (the paper draws it); "
        "draws go by w alone where all w D^2 are 0; p = 0.5 counts as negative."
    )

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return k rows in the order of drawing; k passes over h, linear in n."""
        gradients = GradientEmbeddings(view.embeddings, view.probabilities)
        first = int(top_k(gradients.squared_norms, w, 1, view.priority)[0])
        return plus_plus_draws(first, gradients.squared_distances, w, k, view)
