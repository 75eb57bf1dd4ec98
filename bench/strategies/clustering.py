"""k-means, as a draw of rows far apart (k-means++) and as a partition, both under row weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.strategies.draws import draw_rows
from bench.strategies.kmeans import weighted_kmeans, weighted_rows
from bench.strategies.select import fill_up
from bench.strategies.view import PoolView

if TYPE_CHECKING:
    import torch


def plus_plus_draws(
    first: int, squared_distances: Callable[[int], torch.Tensor], w: torch.Tensor, k: int, view: PoolView
) -> IntArray:
    """Draw k rows by k-means++: after the first, P proportional to w * D^2, rows already drawn excluded.

    D is the distance to the nearest row drawn so far. Where every w * D^2 left is 0, draws go by w alone;
    rows of weight 0 follow at the end, by priority. Written by hand because scikit-learn's seeding wants the
    points themselves, where gradient embeddings are known by their distances only, and may draw a row twice.

    Args:
        first: the first centre, a row with w > 0.
        squared_distances: row -> (n,) squared distances of all rows to it; called k - 1 times.
        w: (n,) weights, float64, on the device of the distances, which masses and their sums do not leave.
        k: 1 <= k <= n.
        view: its priority is the order in which mass is accumulated, its generator yields one number a draw.
    """
    import torch

    order = torch.from_numpy(np.argsort(view.priority, kind="stable")).to(w.device)
    left, nearest = w.clone(), torch.full_like(w, torch.inf)
    picks = [first]
    left[first] = 0
    for _ in range(1, min(k, int(torch.count_nonzero(w)))):
        nearest = torch.minimum(nearest, squared_distances(picks[-1]))
        mass = left * nearest
        place = draw_rows((mass if mass.any() else left)[order], view.generator.random(1))[0]
        picks.append(int(order[place]))
        left[picks[-1]] = 0
    return fill_up(picks, k, view.priority)


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
