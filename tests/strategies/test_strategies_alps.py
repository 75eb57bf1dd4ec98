"""ALPS: weighted k-means against the enumerated optimum, and what happens where centres collide."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from bench.errors import SpecError
from bench.strategies.alps import Alps
from bench.strategies.clustering import nearest_to_centres
from bench.testing import toy_pool


def nearest(X, w, k, seed, restarts):
    return nearest_to_centres(torch.tensor(X), w, k, np.random.default_rng(seed), restarts).tolist()


def best_partition(X, w, k):
    """Return the weighted k-means optimum's centres by trying every partition."""
    best = (np.inf, None)
    for labels in map(np.array, product(range(k), repeat=len(X))):
        if len(set(labels)) < k:
            continue
        centres = np.array([np.average(X[labels == c], axis=0, weights=w[labels == c]) for c in range(k)])
        inertia = (w * np.square(X - centres[labels]).sum(1)).sum()
        best = min(best, (inertia, centres), key=lambda pair: pair[0])
    return best[1]


@pytest.mark.parametrize("seed", range(4))
def test_picks_are_nearest_to_the_optimal_weighted_centres(seed):
    pool = toy_pool(n=9, seed=seed)
    X, w = pool.surprisal, pool.weights
    centres = best_partition(X, w, 2)
    wanted = {int(np.square(X - centre).sum(1).argmin()) for centre in centres}
    assert set(nearest(X, w, 2, seed, restarts=20)) == wanted


def test_weights_pull_a_centre():
    X = np.array([[0.0], [0.4], [1.0], [10.0]])
    for w, pick in (([1, 1, 1, 1], 1), ([1, 1, 100, 1], 2), ([100, 1, 1, 1], 0)):
        assert set(nearest(X, np.array(w, float), 2, seed=0, restarts=10)) == {pick, 3}


def test_one_row_is_taken_from_each_planted_cluster():
    pool = toy_pool(n=40)
    clusters = np.eye(10)[np.arange(40) % 10] + 0.01 * pool.surprisal
    picks = Alps(restarts=5).select(replace(pool, surprisal=clusters).view(), np.ones(40), 10)
    assert sorted((picks % 10).tolist()) == list(range(10))


def test_colliding_centres_take_the_next_nearest_rows():
    X = np.array([[0.0], [0.0], [0.0], [5.0]])
    picks = nearest(X, np.ones(4), 3, seed=0, restarts=1)
    assert len(set(picks)) == 3
    assert 3 in picks


def test_no_more_weighted_rows_than_asked_for_are_all_taken_by_priority():
    pool = toy_pool(n=6)
    w = np.array([0, 1, 0.2, 0, 0, 0.5])
    by_priority = np.argsort(pool.priority)
    weighted, rest = by_priority[w[by_priority] > 0], by_priority[w[by_priority] == 0]
    assert Alps().select(pool.view(), w, 4).tolist() == [*weighted, rest[0]]


def test_restarts_must_be_positive():
    with pytest.raises(SpecError, match="option 'restarts' of alps is 0"):
        Alps(restarts=0)


def test_a_row_of_weight_zero_is_not_taken_even_at_a_centre():
    X = np.array([[0.0], [1.0], [0.5], [10.0]])
    w = np.array([1.0, 1.0, 0.0, 1.0])
    picks = Alps(restarts=10).select(replace(toy_pool(n=4), surprisal=X).view(), w, 2)
    assert 3 in picks
    assert 2 not in picks


def test_a_query_leaves_surprisal_as_it_is_and_repeats():
    pool = toy_pool(n=60)
    before = pool.surprisal.copy()
    picks = [Alps(restarts=2).select(pool.view(), pool.weights, 7).tolist() for _ in range(2)]
    assert picks[0] == picks[1]
    assert np.array_equal(pool.surprisal, before)


@pytest.mark.parametrize("least", [1e-18, 1e-45, 1e-300, 5e-324])
def test_rows_of_next_to_no_weight_are_clustered_like_any_others(least):
    pool = toy_pool(n=60)
    surprisal = pool.surprisal.astype(np.float32)
    w = np.where(np.arange(60) == 3, 1.0, least)
    picks = Alps().select(replace(pool, surprisal=surprisal).view(Alps.needs), w, 10)
    assert len(set(picks.tolist())) == 10
    assert 3 in picks
    expected = Alps().select(replace(pool, surprisal=surprisal).view(Alps.needs), np.where(w == 1, 1.0, 2.0**-60), 10)
    assert picks.tolist() == expected.tolist()
