"""BADGE: batch active learning by diverse gradient embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.strategies.base import Algorithm
from bench.strategies.clustering import plus_plus_draws
from bench.strategies.neighbours import dot_products, pairwise_products
from bench.strategies.select import top_k
from bench.strategies.threads import Map, one_thread_a_chunk
from bench.strategies.view import Need, PoolView

if TYPE_CHECKING:
    import torch

_SLAB = 16_384  # rows that a thread of a CPU works on at a time
_ROUNDING = 2.0**-19  # of |g|^2 + |g'|^2: what is left of a distance 0 after float32 dot products


class GradientEmbeddings:
    """g(x) = (p - onehot(argmax p)) outer h(x), never materialised.

    With two classes p - onehot is (1 - p_max) times (1, -1) or (-1, 1), so g(x) has the geometry of
    a(x) * h(x), a = +- sqrt(2) * (1 - p_max): norms and distances follow from dot products of h. Vectors are
    (n,) float64, where h lies; h, (n, d), stays in the precision it is.
    """

    def __init__(self, h: torch.Tensor, p: FloatArray, mapped: Map = map) -> None:
        """Take h, p (n,), and a ``map`` for work on parts of the rows."""
        import torch

        p = np.asarray(p, dtype=np.float64)
        self._h, self._mapped = h, mapped
        self._a = torch.from_numpy(np.sqrt(2.0) * np.where(p > 0.5, 1 - p, -p)).to(h.device)
        size = _SLAB if h.device.type == "cpu" else max(len(h), 1)
        slabs = h.split(size), self._a.split(size)
        self.squared_norms = torch.cat(list(mapped(lambda h, a: a.square() * dot_products(h), *slabs)))
        self._slabs = *slabs, self.squared_norms.split(size)
        self._norms = self.squared_norms.sqrt()

    def squared_distances(self, row: int) -> torch.Tensor:
        """Return |g(x) - g(row)|^2 of all rows, (n,)."""
        import torch

        def of_slab(h: torch.Tensor, a: torch.Tensor, squared_norms: torch.Tensor) -> torch.Tensor:
            products = self._a[row] * a * dot_products(h, self._h[row])
            return _squares(squared_norms + self.squared_norms[row], products)

        return torch.cat(list(self._mapped(of_slab, *self._slabs)))

    def between(self, rows: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        """Return |g(x) - g(x')|^2 of rows (r,) and others (o,), (r, o): the same bits as for all rows."""
        products = self._a[rows, None] * self._a[others] * pairwise_products(self._h[rows], self._h[others])
        return _squares(self.squared_norms[rows, None] + self.squared_norms[others], products)

    def at_most(self, row: int) -> torch.Tensor:
        """Return what |g(x) - g(row)|^2 of all rows cannot exceed, (n,), by the norms alone: h is not read."""
        return (self._norms + self._norms[row]).square_().mul_(1 + _ROUNDING)


def _squares(sums: torch.Tensor, products: torch.Tensor) -> torch.Tensor:
    """Return squared distances from sums of two squared norms, and products."""
    squares = sums - 2 * products
    return squares.where(squares > _ROUNDING * sums, 0.0)


@dataclass(frozen=True)
class Badge(Algorithm):
    """Draws rows by k-means++ on gradient embeddings: large gradients (uncertain), far apart (diverse)."""

    name: ClassVar[str] = "badge"
    title: ClassVar[str] = "BADGE"
    paper: ClassVar[str] = "Ash et al. 2020, Algorithm 1; weights: Fairstein et al. 2024, Algorithm 3"
    version: ClassVar[str] = "2"
    needs: ClassVar[frozenset[Need]] = frozenset({"probabilities", "embeddings"})
    open_points: ClassVar[str] = (
        "The first centre is argmax w |g|^2, as in the authors' code (the paper draws it); "
        "draws go by w alone where all w D^2 are 0; p = 0.5 counts as negative."
    )

    def select(self, view: PoolView, w: FloatArray, k: int) -> IntArray:
        """Return k rows in the order of drawing; few passes over h, at most k, linear in n."""
        import torch

        h = view.embeddings
        with one_thread_a_chunk(h.device) as mapped:
            gradients = GradientEmbeddings(h, view.probabilities, mapped)
            first = int(top_k(gradients.squared_norms.cpu().numpy(), w, 1, view.priority)[0])
            weights = torch.tensor(w, dtype=torch.float64, device=h.device)
            return plus_plus_draws(first, gradients, weights, k, view)
