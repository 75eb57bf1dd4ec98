"""Least confidence, margin and entropy against their definitions for any number of classes, and each other."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.strategies.entropy import Entropy
from bench.strategies.least_confidence import LeastConfidence
from bench.strategies.margin import Margin
from bench.testing import toy_pool

N = 24
ALL = [LeastConfidence(), Margin(), Entropy()]
P = np.concatenate([np.linspace(0, 1, 18), [1e-9, 1 - 1e-9, 0.5 + 1e-4, 0.5 - 1e-4, 0.25, 0.75]])
CLASSES = np.column_stack([1 - P, P])
ORDERED = np.sort(CLASSES, axis=1)
# Settles 2009, section 3.1, for any number of classes; the two least to be chosen first when small are turned round.
DEFINITIONS = {
    "least_confidence": 1 - ORDERED[:, -1],
    "margin": 1 - (ORDERED[:, -1] - ORDERED[:, -2]),
    "entropy": stats.entropy(CLASSES, axis=1),
}


def picks(algorithm, pool, w, k=N):
    return algorithm.select(pool.view(algorithm.needs), w, k).tolist()


@pytest.mark.parametrize("algorithm", ALL, ids=lambda algorithm: algorithm.name)
def test_scores_are_those_of_the_definition(algorithm):
    scores = algorithm.scores(replace(toy_pool(), probabilities=P).view())
    np.testing.assert_allclose(scores, DEFINITIONS[algorithm.name], rtol=1e-6, atol=1e-15)


thousandths = st.lists(st.integers(0, 1000), min_size=N, max_size=N)


@given(thousandths, st.permutations(range(N)))
def test_with_two_classes_and_uniform_weights_all_three_rank_rows_by_nearness_to_a_half(values, luck):
    pool = replace(toy_pool(), probabilities=np.array(values) / 1000, priority=np.array(luck) / N)
    expected = sorted(range(N), key=lambda row: (abs(values[row] - 500), luck[row]))
    for algorithm in ALL:
        assert picks(algorithm, pool, np.ones(N)) == expected


# Next to the smallest float there is, w * s and w * 2s are rounded differently.
@given(thousandths, st.lists(st.just(0.0) | st.floats(1e-290, 1), min_size=N, max_size=N))
def test_least_confidence_and_margin_pick_the_same_rows_under_any_weights(values, weights):
    pool, w = replace(toy_pool(), probabilities=np.array(values) / 1000), np.array(weights)
    assert picks(LeastConfidence(), pool, w) == picks(Margin(), pool, w)


def test_entropy_does_not_under_weights():
    pool = toy_pool(n=2)
    pool, w = replace(pool, probabilities=np.array([0.5, 0.2])), np.array([0.5, 1.0])
    assert [picks(algorithm, pool, w, 1) for algorithm in ALL] == [[0], [0], [1]]
