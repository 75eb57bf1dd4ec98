"""BALD against scikit-learn's mutual information of the joint table of mask and answer, and its known values."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import mutual_info_score

from bench.strategies.bald import Bald
from bench.testing import toy_pool


def pool_of(dropout):
    """A pool of which the masks, (c, n), say this."""
    return replace(toy_pool(n=dropout.shape[1]), dropout=dropout)


def scores_of(dropout):
    return Bald().scores(pool_of(np.asarray(dropout)).view(Bald.needs))


def information(votes):
    """I(mask; answer) of one row, from the table of how often of 1000 times each mask gives each answer."""
    return mutual_info_score(None, None, contingency=np.column_stack([votes, 1000 - votes]))


@given(arrays(int, (5, 4), elements=st.integers(0, 1000)))
def test_scores_are_the_information_that_an_answer_gives_of_the_mask(thousandths):
    scores = scores_of(thousandths / 1000)
    np.testing.assert_allclose(scores, [information(row) for row in thousandths.T], atol=1e-12)
    assert ((scores >= 0) & (scores <= np.log(2) + 1e-12)).all()


def test_two_masks_score_the_jensen_shannon_divergence():
    (p, q) = dropout = np.random.default_rng(0).random((2, 30))
    distance = jensenshannon(np.stack([p, 1 - p]), np.stack([q, 1 - q]), axis=0)
    np.testing.assert_allclose(scores_of(dropout), distance**2)


def test_certain_masks_of_opposite_opinion_score_log_2():
    assert scores_of([[1.0, 1.0], [0.0, 1.0]]) == pytest.approx([np.log(2), 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_masks_that_agree_score_exactly_zero_and_the_least_dissent_does_not(dtype):
    p = np.concatenate([np.linspace(0, 1, 101), [1e-9, 0.1, 1 / 3]]).astype(dtype)
    dropout = np.tile(p, (10, 1))
    assert (scores_of(dropout) == 0).all()
    dropout[0] = np.abs(p - 1e-4)
    assert (scores_of(dropout) > 0).all()


def test_a_row_that_is_uncertain_under_all_masks_comes_after_one_on_which_they_differ():
    pool = pool_of(np.array([[0.5, 0.9, 0.6], [0.5, 0.1, 0.4]]))
    assert Bald().select(pool.view(), np.ones(3), 3).tolist() == [1, 2, 0]
    assert Bald().select(pool.view(), np.array([1.0, 0.01, 1.0]), 1).tolist() == [2]
