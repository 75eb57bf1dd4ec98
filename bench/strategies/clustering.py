"""k-means, as a draw of rows far apart (k-means++) and as a partition, both under row weights."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from bench.strategies.select import draw_row, fill_up
from bench.strategies.view import FloatArray, IntArray, PoolView


def plus_plus_draws(
    first: int, squared_distances: Callable[[int], FloatArray], w: FloatArray, k: int, view: PoolView
) -> IntArray:
    """Draw k rows by k-means++: after the first, P proportional to w * D^2, rows already drawn excluded.

    D is the distance to the nearest row drawn so far. Where every w * D^2 left is 0, draws go by w alone;
    rows of weight 0 follow at the end, by priority. Written by hand because scikit-learn's seeding wants the
    points themselves, where gradient embeddings are known by their distances only, and may draw a row twice.

    Args:
        first: the first centre, a row with w > 0.
        squared_distances: row -> (n,) squared distances of all rows to it; called k - 1 times.
        w: (n,) weights.
        k: 1 <= k <= n.
        view: its priority is the order in which mass is accumulated, its generator yields one number a draw.
    """
    order = np.argsort(view.priority, kind="stable")
    left = np.array(w, dtype=np.float64)
    nearest = np.full(len(left), np.inf)
    picks = [first]
    left[first] = 0
    for _ in range(1, min(k, int(np.count_nonzero(w)))):
        nearest = np.minimum(nearest, squared_distances(picks[-1]))
        mass = left * nearest
        picks.append(draw_row(mass if mass.any() else left, order, view.generator))
        left[picks[-1]] = 0
    return fill_up(picks, k, view.priority)


def nearest_to_centres(X: FloatArray, w: FloatArray, k: int, seed: int, restarts: int) -> IntArray:
    """Cluster rows by weighted k-means and return each centre's nearest row that no earlier centre took.

    One thread, so that the same rows in the same order give the same bits whatever the number of cores.

    Args:
        X: (n, d) rows, the caller's to give: they are centred in place and put back, which may change last bits.
            Ties go to the row that comes first.
        w: (n,) weights > 0.
        k: clusters, 1 <= k <= n.
        seed: of the k-means++ seeding.
        restarts: seedings, of which the best clustering counts.

    Returns:
        k distinct row numbers of X, in the order of scikit-learn's clusters.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import euclidean_distances
    from threadpoolctl import threadpool_limits

    kmeans = KMeans(k, n_init=restarts, random_state=seed, copy_x=False)
    with threadpool_limits(1), warnings.catch_warnings():
        # Fewer distinct rows than clusters is no fault here.
        warnings.simplefilter("ignore", ConvergenceWarning)
        centres = kmeans.fit(X, sample_weight=w).cluster_centers_
        distances = euclidean_distances(centres, X, squared=True)
    picks = np.empty(k, dtype=np.int64)
    for cluster, row_distances in enumerate(distances):
        row_distances[picks[:cluster]] = np.inf
        picks[cluster] = np.argmin(row_distances)
    return picks
