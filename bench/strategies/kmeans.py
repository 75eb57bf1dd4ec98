"""k-means with row weights, on the device where the rows lie; the same bits on any number of threads.

Written by hand because scikit-learn's runs on CPUs alone, and sums on several threads in whatever order they finish:
it repeats to the last bit on one thread only. The objective, the greedy k-means++ seeding and what becomes of an empty
cluster are scikit-learn's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from bench.arrays import FloatArray
from bench.strategies.draws import draw_rows
from bench.strategies.threads import Map, one_thread_a_chunk

if TYPE_CHECKING:
    import torch

CHUNK, GPU_CHUNK = 4096, 65_536
"""Rows computed on at a time. Sums go chunk by chunk in the order of the rows: that order is what fixes their bits."""
TOLERANCE, MOST_ITERATIONS = 1e-4, 300
"""Iterations end where one lowers the inertia by less than this share of it, or after so many."""
T = TypeVar("T")


@dataclass(frozen=True)
class Clustering:
    """Centres (k, d) of rows about their mean, and the inertia of the seeding and after each iteration."""

    centres: torch.Tensor
    inertias: tuple[float, ...]


class WeightedRows:
    """Rows about their weighted mean, in chunks, each of which is computed on by one thread.

    Attributes:
        X: (n, d), float32 or float64, on the device that computes; less their mean, so that squares are no larger than
            they need be.
        w: (n,) of that type, scaled so that the largest is 1.
    """

    def __init__(self, X: torch.Tensor, w: FloatArray, mapped: Map) -> None:
        import torch

        self._mapped = mapped
        self.X = X if X.dtype == torch.float64 else X.float()
        self.w = torch.from_numpy(np.asarray(w, dtype=np.float64) / w.max()).to(self.X)
        mean = self.sum(torch.matmul, self.w, self.X) / self.sum(torch.sum, self.w)
        self.X.sub_(mean.to(self.X.dtype))
        self._squares = torch.cat(self.each(lambda X: X.square().sum(1), self.X))

    def each(self, work: Callable[..., T], *columns: torch.Tensor) -> list[T]:
        """Return ``work`` of each chunk of some columns (n, ...), in the order of the rows."""
        size = CHUNK if self.X.device.type == "cpu" else GPU_CHUNK
        return list(self._mapped(work, *(column.split(size) for column in columns)))

    def sum(self, work: Callable[..., torch.Tensor], *columns: torch.Tensor) -> torch.Tensor:
        """Return the sum of ``work`` over the chunks, in float64."""
        return sum(part.double() for part in self.each(work, *columns))  # type: ignore[return-value]

    def squared_distances(self, centres: torch.Tensor) -> torch.Tensor:
        """Return the squared distances of all rows to centres (m, d), (n, m)."""
        import torch

        return torch.cat(self.each(partial(_squared_distances, centres), self.X, self._squares))

    def nearest(self, centres: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the centre nearest to each row, of those equally near the first, and its squared distance."""
        import torch

        def of_chunk(X: torch.Tensor, squares: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            distances = _squared_distances(centres, X, squares)
            labels = distances.argmin(1)
            return labels, distances.gather(1, labels[:, None])[:, 0]

        labels, distances = zip(*self.each(of_chunk, self.X, self._squares), strict=True)
        return torch.cat(labels), torch.cat(distances)

    def weighted_sums(self, labels: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the sum of w * x, (k, d), and of w, (k,), over the rows of each label."""

        def of_chunk(X: torch.Tensor, w: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            # A product, since on a GPU adding up by index would either not repeat or sort first.
            member = X.new_zeros(k, len(X)).scatter_(0, labels[None], w[None])
            return torch.column_stack([member @ X, member.sum(1)])

        import torch

        sums = self.sum(of_chunk, self.X, self.w, labels)
        return sums[:, :-1], sums[:, -1]


def _squared_distances(centres: torch.Tensor, X: torch.Tensor, squares: torch.Tensor) -> torch.Tensor:
    """Return the squared distances (n, m) of rows X, whose squared norms are known, to centres."""
    import torch

    return torch.addmm(centres.square().sum(1), X, centres.T, alpha=-2).add_(squares[:, None]).clamp_min_(0)


@contextmanager
def weighted_rows(X: torch.Tensor, w: FloatArray) -> Iterator[WeightedRows]:
    """Yield rows with weights, to be clustered while this lasts.

    Args:
        X: (n, d), on the device that computes; the caller's to give, since rows are centred in place.
        w: (n,) weights > 0; their scale does not matter.
    """
    with one_thread_a_chunk(X.device) as mapped:
        yield WeightedRows(X, w, mapped)


def weighted_kmeans(rows: WeightedRows, k: int, generator: np.random.Generator, restarts: int = 1) -> Clustering:
    """Cluster rows by weighted k-means.

    Args:
        rows: n of them.
        k: clusters, 1 <= k <= n.
        generator: of the seeding.
        restarts: seedings, of which the clustering with the lowest inertia counts.
    """
    every = (lloyd(rows, plus_plus_centres(rows, k, generator)) for _ in range(restarts))
    return min(every, key=lambda found: found.inertias[-1])


def plus_plus_centres(rows: WeightedRows, k: int, generator: np.random.Generator) -> torch.Tensor:
    """Return k rows as centres by greedy weighted k-means++ (Arthur and Vassilvitskii 2007).

    A row is drawn with P proportional to w * D^2; of 2 + log k rows drawn, that one counts which lowers inertia most.
    """
    import torch

    trials, w = 2 + int(math.log(k)), rows.w.double()
    centres = rows.X[draw_rows(w, generator.random(1))]
    nearest = rows.squared_distances(centres)
    for _ in range(1, k):
        mass = w * nearest[:, 0]
        drawn = rows.X[draw_rows(mass if mass.any() else w, generator.random(trials))]
        distances = torch.minimum(rows.squared_distances(drawn), nearest)
        best = rows.sum(torch.matmul, rows.w, distances).argmin()
        centres, nearest = torch.cat([centres, drawn[best][None]]), distances[:, best][:, None]
    return centres


def lloyd(rows: WeightedRows, centres: torch.Tensor) -> Clustering:
    """Move centres (k, d) to the means of the rows nearest to them until that lowers the inertia by next to nothing."""
    import torch

    inertias: list[float] = []
    while True:
        labels, distances = rows.nearest(centres)
        inertias.append(float(rows.sum(torch.dot, rows.w, distances)))
        if len(inertias) > MOST_ITERATIONS or _settled(inertias):
            return Clustering(centres, tuple(inertias))
        centres = _means(rows, labels, distances, centres)


def _settled(inertias: list[float]) -> bool:
    return len(inertias) > 1 and inertias[-2] - inertias[-1] <= TOLERANCE * inertias[-2]


def _means(rows: WeightedRows, labels: torch.Tensor, distances: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """Return the weighted mean of each cluster; one that is empty gets the row that lies farthest from its centre."""
    import torch

    sums, mass = rows.weighted_sums(labels, len(centres))
    empty = (mass == 0).nonzero()[:, 0]
    if len(empty):
        labels = labels.index_copy(0, distances.argsort(descending=True, stable=True)[: len(empty)], empty)
        sums, mass = rows.weighted_sums(labels, len(centres))
    return torch.where(mass[:, None] > 0, sums / mass[:, None], centres.double()).to(rows.X.dtype)
