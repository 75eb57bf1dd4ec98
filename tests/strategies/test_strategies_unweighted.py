"""Under uniform weights every algorithm is the published, unweighted one, written down here once more without weights.

Core-set, SEALS and AnchorAL are held against theirs in their own tests, with and without weights, and so is BADGE,
whose draws are made by rejection: their distribution is the published one.
"""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import pairwise_distances_argmin

from bench.strategies.alps import Alps
from bench.strategies.base import ALGORITHMS, ScoreBased
from bench.strategies.dal import Dal
from bench.strategies.random_sampling import RandomSampling
from bench.strategies.strategy import choose
from bench.testing import toy_pool

N, K = 60, 8
SCORE_BASED = [cls() for cls in ALGORITHMS.items().values() if issubclass(cls, ScoreBased)]


def permutation(pool):
    return np.argsort(pool.priority)[:K]


def rows_nearest_to_k_means_centres(pool):
    """Algorithm 1 of Yuan et al. 2020: greedy k-means++ and Lloyd's iterations, written down plainly."""
    rows, rng = np.argsort(pool.priority), pool.view().generator
    X = pool.surprisal[rows]
    X = X - X.mean(0)
    seeds = [drawn(np.ones(N), rng)]
    while len(seeds) < K:
        nearest = distances(X, X[seeds]).min(1)
        some = [drawn(nearest, rng) for _ in range(2 + int(np.log(K)))]
        seeds.append(min(some, key=lambda row: np.minimum(nearest, distances(X, X[[row]])[:, 0]).sum()))
    centres, before, inertia = X[seeds], np.inf, distances(X, X[seeds]).min(1).sum()
    while before - inertia > 1e-4 * before or before == np.inf:
        labels = distances(X, centres).argmin(1)
        centres = np.array([X[labels == cluster].mean(0) for cluster in range(K)])
        before, inertia = inertia, distances(X, centres).min(1).sum()
    return rows[pairwise_distances_argmin(centres, X)]


def distances(X, centres):
    return np.square(X[:, None] - centres).sum(2)


def drawn(mass, rng):
    return int(np.searchsorted(np.cumsum(mass), rng.random() * mass.sum(), side="right"))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("algorithm", "unweighted"),
    [
        pytest.param(RandomSampling(), permutation, id="random"),
        pytest.param(Alps(), rows_nearest_to_k_means_centres, id="alps"),
    ],
)
def test_uniform_weights_give_the_published_algorithm(algorithm, unweighted, seed):
    pool = toy_pool(n=N, seed=seed)
    assert choose(algorithm, None, pool.view(), K).picks.tolist() == list(unweighted(pool))


@pytest.mark.parametrize("algorithm", SCORE_BASED, ids=lambda algorithm: algorithm.name)
def test_uniform_weights_give_the_rows_of_the_largest_scores(algorithm):
    pool = toy_pool(n=N)
    largest_first = np.lexsort((pool.priority, -algorithm.scores(pool.view())))
    assert choose(algorithm, None, pool.view(), K).picks.tolist() == largest_first[:K].tolist()


@dataclass(frozen=True)
class Planted(Dal):
    """DAL with a discriminator whose word is known: probabilities that change with every sub-batch."""

    def _network(self, view, taken, left, rng):
        surest = np.roll(view.probabilities, len(taken))

        return SimpleNamespace(logits=lambda rows: torch.logit(torch.from_numpy(surest))[rows[:, 0].long()])


def test_uniform_weights_give_the_rows_that_dal_is_surest_of_in_each_sub_batch():
    pool = replace(toy_pool(n=N), embeddings=torch.arange(N, dtype=torch.float32)[:, None])  # a row is its number
    wanted = []
    for _ in range(4):
        p = np.roll(pool.probabilities, len(wanted))
        wanted += [row for row in np.argsort(-p).tolist() if row not in wanted][: K // 4]
    assert choose(Planted(sub_batches=4), None, pool.view(), K).picks.tolist() == wanted
