"""The variation ratio against SciPy's mode, over all votes that a committee can cast."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import stats

from bench.strategies.variation_ratio import VariationRatio
from bench.testing import toy_pool


def pool_of(ensemble):
    """A pool of which the members, (c, n), say this."""
    return replace(toy_pool(n=ensemble.shape[1]), ensemble=ensemble)


@pytest.mark.parametrize("members", [1, 2, 4, 5])
def test_scores_are_those_of_the_definition_for_all_votes(members):
    votes = np.array(list(product([0, 1], repeat=members))).T
    scores = VariationRatio().scores(pool_of(0.3 + 0.4 * votes).view(VariationRatio.needs))
    np.testing.assert_allclose(scores, 1 - stats.mode(votes).count / members)
    assert len(np.unique(scores)) == members // 2 + 1


def test_a_half_is_a_vote_for_the_positive_class():
    scores = VariationRatio().scores(pool_of(np.array([[0.5, 0.5], [0.6, 0.4], [0.7, 0.3]])).view())
    assert scores == pytest.approx([0, 1 / 3])


def test_how_sure_a_member_is_does_not_count():
    pool = toy_pool(seed=3)
    sure = replace(pool, ensemble=np.round(pool.ensemble))
    assert VariationRatio().scores(pool.view()).tolist() == VariationRatio().scores(sure.view()).tolist()


def test_ties_go_by_weight_then_by_priority():
    pool = pool_of(np.array([[1.0] * 6, [0.0] * 3 + [1.0] * 3]))
    luck = pool.priority
    assert VariationRatio().select(pool.view(), np.array([0.1, 1, 1, 0.1, 1, 1]), 6).tolist() == [
        *sorted((1, 2), key=lambda row: luck[row]),
        0,
        *sorted((3, 4, 5), key=lambda row: luck[row]),
    ]
