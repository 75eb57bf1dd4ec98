"""Core-set against k-centre greedy on the full distance matrix, and against the best cover there is."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from bench.strategies import core_set
from bench.strategies.core_set import CoreSet
from bench.strategies.neighbours import distances_in_chunks
from bench.testing import toy_pool


def brute_force(pool, w, k):
    """Algorithm 1 as printed, with weights: all distances first, then argmax of w * min, over rows left."""
    rows = np.concatenate([pool.embeddings, pool.labelled_embeddings]).astype(float)
    distances = cdist(rows, rows)
    covered = list(range(pool.size, len(rows)))
    picks = []
    for _ in range(k):
        left = [row for row in range(pool.size) if row not in picks]
        gain = {row: w[row] * min((distances[row, centre] for centre in covered), default=1.0) for row in left}
        picks.append(max(left, key=lambda row: (gain[row], -pool.priority[row])))
        covered.append(picks[-1])
    return picks


@given(st.integers(0, 2**20), st.sampled_from([0, 1, 8]), st.integers(1, 24), st.booleans())
def test_picks_are_those_of_brute_force(seed, labelled, k, uniform):
    pool = toy_pool(labelled=labelled, seed=seed)
    w = np.ones(24) if uniform else pool.weights
    assert CoreSet().select(pool.view(CoreSet.needs), w, k).tolist() == brute_force(pool, w, k)


@pytest.mark.parametrize("seed", range(5))
def test_the_cover_is_at_most_twice_as_wide_as_the_best(seed):
    n, k = 10, 3
    pool = toy_pool(n=n, d=2, labelled=2, seed=seed)
    distances = cdist(pool.embeddings, np.concatenate([pool.embeddings, pool.labelled_embeddings]))

    def radius(picks):
        return distances[:, [*picks, n, n + 1]].min(axis=1).max()

    best = min(map(radius, combinations(range(n), k)))
    assert best <= radius(CoreSet().select(pool.view(), np.ones(n), k)) <= 2 * best


def test_a_weight_multiplies_the_distance_itself():
    pool = toy_pool(n=2, d=1, labelled=1)
    pool = replace(pool, embeddings=torch.tensor([[2.0], [3.0]]), labelled_embeddings=torch.tensor([[0.0]]))
    # 2 * 1 against 3 * 0.6: squared distances would turn this round.
    assert CoreSet().select(pool.view(), np.array([1.0, 0.6]), 1).tolist() == [0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_covered_rows_come_last_by_priority(dtype):
    pool = toy_pool(n=12, d=300)
    pool = replace(pool.rows(np.arange(12) // 3), priority=pool.priority)
    pool = replace(pool, embeddings=pool.embeddings.to(dtype), labelled_embeddings=pool.labelled_embeddings.to(dtype))
    picks = CoreSet().select(pool.view(), np.ones(12), 12)
    assert sorted(picks[:4] // 3) == [0, 1, 2, 3]
    assert (np.diff(pool.priority[picks[4:]]) > 0).all()


def test_with_nothing_labelled_the_first_row_is_the_one_of_most_weight():
    pool = toy_pool(labelled=0)
    assert CoreSet().select(pool.view(), pool.weights, 3)[0] == np.argmax(pool.weights)
    assert CoreSet().select(pool.view(), np.ones(24), 3)[0] == np.argmin(pool.priority)


def test_memory_is_linear_in_the_pool(monkeypatch):
    sizes = []

    def recorded(*arguments):
        for part in distances_in_chunks(*arguments):
            sizes.append(part.numel())
            yield part

    monkeypatch.setattr(core_set, "distances_in_chunks", recorded)
    pool = toy_pool(n=2500, labelled=20)
    picks = CoreSet().select(pool.view(), np.ones(2500), 6)
    assert len(set(picks.tolist())) == 6
    assert max(sizes) <= 1024 * 20
    assert sum(sizes) == 2500 * (20 + 5)
