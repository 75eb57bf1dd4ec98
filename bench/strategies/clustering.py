"""k-means, as a draw of rows far apart (k-means++) and as a partition, both under row weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.strategies.draws import draw_rows
from bench.strategies.kmeans import weighted_kmeans, weighted_rows
from bench.strategies.select import fill_up
from bench.strategies.view import PoolView

if TYPE_CHECKING:
    import torch

_PROPOSED = 32
"""Rows proposed at a time: their distances to all centres cost far less than a pass over all rows."""


class Distances(Protocol):
    """Squared distances of n rows, of which it takes time to know all."""

    def squared_distances(self, row: int) -> torch.Tensor:
        """Return those of all rows to one, (n,)."""

    def between(self, rows: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        """Return those of some rows (r,) to others (o,), (r, o), to the same bits."""

    def at_most(self, row: int) -> torch.Tensor:
        """Return upper bounds of those of all rows to one, (n,), which cost next to nothing."""


def plus_plus_draws(first: int, distances: Distances, w: torch.Tensor, k: int, view: PoolView) -> IntArray:
    """Draw k rows by k-means++: after the first, P proportional to w * D^2, rows already drawn excluded.

    D is the distance to the nearest row drawn so far. Where every w * D^2 left is 0, draws go by w alone;
    rows of weight 0 follow at the end, by priority. Written by hand because scikit-learn's seeding wants the
    points themselves, where gradient embeddings are known by their distances only, and may draw a row twice.

    Args:
        first: the first centre, a row with w > 0.
        distances: of the rows.
        w: (n,) weights, float64, on the device of the distances, which masses and their sums do not leave.
        k: 1 <= k <= n.
        view: its priority is the order in which mass is accumulated, its generator yields the draws.
    """
    import torch

    order = torch.from_numpy(np.argsort(view.priority, kind="stable")).to(w.device)
    draws = _Draws(first, distances, w, order, view.generator)
    for _ in range(1, min(k, int(w.count_nonzero()))):
        draws.draw()
    return fill_up(draws.picks, k, view.priority)


class _Draws:
    """Rows drawn by D^2, though D^2 is known of few rows: by rejection, whose distribution is exact.

    Rows are proposed by w * U, U an upper bound of D^2, and accepted with P = D^2 / U, for which D^2 is computed of the
    proposed rows alone. U is D^2 to the centres that all rows were compared with (at first to one), lowered by what
    needs no comparison. Where a whole handful is rejected, a further centre is compared with all rows, that which is
    nearest to most of the handful: as many as there are at the very most, as if nothing was spared.
    """

    def __init__(
        self, first: int, distances: Distances, w: torch.Tensor, order: torch.Tensor, generator: np.random.Generator
    ) -> None:
        self.picks = [first]
        self._distances, self._order, self._generator = distances, order, generator
        self._left = w.clone()
        self._left[first] = 0
        self._compared = distances.squared_distances(first)
        self._upper = self._compared.clone()
        self._pending: list[int] = []

    def draw(self) -> None:
        """Draw one more row."""
        import torch

        while (row := self._proposed()) is None:
            pass
        self.picks.append(row)
        self._left[row] = 0
        self._pending.append(row)
        torch.minimum(self._upper, self._distances.at_most(row), out=self._upper)

    def _proposed(self) -> int | None:
        """Return the first of a handful of proposed rows that is accepted; None: another centre has been compared."""
        mass = self._left * self._upper
        if not mass.any():
            return int(self._order[draw_rows(self._left[self._order], self._generator.random(1))[0]])
        chances = self._generator.random((2, _PROPOSED))
        rows = self._order[draw_rows(mass[self._order], chances[0])]
        if not self._pending:
            return int(rows[0])
        nearest, which = self._distances.between(rows, self._order.new_tensor(self._pending)).min(dim=1)
        exact = nearest.minimum(self._compared[rows])
        accepted = np.flatnonzero(chances[1] * self._upper[rows].cpu().numpy() < exact.cpu().numpy())
        if len(accepted):
            return int(rows[accepted[0]])
        self._compare(int(np.bincount(which.cpu().numpy()).argmax()))
        return None

    def _compare(self, which: int) -> None:
        """Compare all rows with a pending centre."""
        import torch

        row = self._pending.pop(which)
        torch.minimum(self._compared, self._distances.squared_distances(row), out=self._compared)
        torch.minimum(self._upper, self._compared, out=self._upper)
        if not self._pending:
            self._upper.copy_(self._compared)


def nearest_to_centres(
    X: torch.Tensor, w: FloatArray, k: int, generator: np.random.Generator, restarts: int
) -> IntArray:
    """Cluster rows by weighted k-means and return each centre's nearest row that no earlier centre took.

    Args:
        X: (n, d) rows, on the device that computes; the caller's to give, since they are centred in place. Ties go to
            the row that comes first.
        w: (n,) weights > 0.
        k: clusters, 1 <= k <= n.
        generator: of the k-means++ seeding.
        restarts: seedings, of which the best clustering counts.

    Returns:
        k distinct row numbers of X, in the order in which the centres were seeded.
    """
    with weighted_rows(X, w) as rows:
        distances = rows.squared_distances(weighted_kmeans(rows, k, generator, restarts).centres)
    picks: list[int] = []
    for to_rows in distances.T.contiguous():
        to_rows[picks] = np.inf
        picks.append(int(to_rows.argmin()))
    return np.array(picks)
