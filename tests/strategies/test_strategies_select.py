"""Selection by score, weight and chance, against brute force and enumerated probabilities."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from bench.errors import RunError
from bench.strategies.select import clean_weights, fill_up, in_float32, top_k, weighted_sample


@st.composite
def pools(draw):
    """Small integer scores and weights (many ties and zeros), distinct priorities, and k."""
    n = draw(st.integers(1, 12))
    scores = draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))
    weights = draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))
    priority = draw(st.permutations(range(n)))
    return np.array(scores, float), np.array(weights, float), np.array(priority) / n, draw(st.integers(1, n))


@given(pools())
def test_top_k_is_a_sort_by_weight_then_score_then_priority(pool):
    scores, w, priority, k = pool
    wanted = sorted(range(len(w)), key=lambda row: (w[row] == 0, -w[row] * scores[row], priority[row]))
    assert top_k(scores, w, k, priority).tolist() == wanted[:k]


@given(pools(), st.floats(1e-9, 1e9))
def test_top_k_ignores_the_scale_of_weights_even_where_rounding_would_break_ties(pool, factor):
    scores, w, priority, k = pool
    assert top_k(scores, w * factor, k, priority).tolist() == top_k(scores, w, k, priority).tolist()


@pytest.mark.parametrize("scores", [[0.5, np.nan], [0.5, np.inf], [0.5, -0.1], [0.5]])
def test_top_k_refuses_bad_scores(scores):
    with pytest.raises(RunError, match="scores must be finite, >= 0 and of shape"):
        top_k(np.array(scores), np.ones(2), 1, np.array([0.1, 0.2]))


def test_weighted_sample_draws_ordered_pairs_with_their_exact_probabilities():
    w = np.array([4.0, 2.0, 1.0, 0.5])
    rng = np.random.default_rng(0)
    draws = 12_000
    pairs = list(permutations(range(4), 2))
    counts = dict.fromkeys(pairs, 0)
    for uniforms in rng.random((draws, 4)):
        counts[tuple(weighted_sample(w, 2, uniforms).tolist())] += 1
    exact = [w[i] / w.sum() * w[j] / (w.sum() - w[i]) for i, j in pairs]
    assert sum(exact) == pytest.approx(1)
    assert chisquare(list(counts.values()), np.array(exact) * draws).pvalue > 0.01


@given(pools())
def test_weighted_sample_puts_zero_weights_last_by_priority(pool):
    _, w, priority, _ = pool
    rows = weighted_sample(w, len(w), priority)
    weighted = np.count_nonzero(w)
    assert sorted(rows.tolist()) == list(range(len(w)))
    assert (w[rows[:weighted]] > 0).all()
    assert (np.diff(priority[rows[weighted:]]) > 0).all()


def test_weighted_sample_under_equal_weights_is_the_order_of_priorities():
    priority = np.random.default_rng(0).random(50)
    for weight in (1.0, 0.3):
        assert weighted_sample(np.full(50, weight), 50, priority).tolist() == np.argsort(priority).tolist()


def test_weighted_sample_survives_weights_that_overflow_a_clock():
    rows = weighted_sample(np.array([5e-324, 1.0, 5e-324]), 3, np.array([0.9, 0.5, 0.3]))
    assert rows.tolist() == [1, 2, 0]


def test_fill_up_appends_the_others_by_priority():
    assert fill_up([2], 4, np.array([0.4, 0.1, 0.0, 0.3])).tolist() == [2, 1, 3, 0]
    assert fill_up([], 2, np.array([0.4, 0.1, 0.0, 0.3])).tolist() == [2, 1]


@given(st.lists(st.floats(0, 1e300), min_size=1, max_size=20))
def test_clean_weights_have_largest_one_and_keep_proportions(values):
    w = np.array(values)
    clean = clean_weights(w, len(w), "mine")
    assert clean.max() == 1
    expected = w / w.max() if w.max() > 0 else np.ones(len(w))
    assert np.allclose(clean, expected, rtol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1e-9])
def test_clean_weights_names_the_weighting_the_value_and_the_count(bad):
    with pytest.raises(RunError, match=rf"weighting 'mine' returned {bad} for 1 of 3 rows"):
        clean_weights(np.array([0.1, bad, 1.0]), 3, "mine")


def test_clean_weights_refuses_another_shape():
    with pytest.raises(RunError, match=r"shape \(2,\); return \(3,\)"):
        clean_weights(np.ones(2), 3, "mine")


@given(
    st.lists(st.sampled_from([0.0, 1e-300, 0.25, 0.5, 1.0]), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
    st.integers(1, 30),
)
def test_sorting_only_what_can_be_among_the_first_is_sorting_all(weights, luck, k):
    w, n = np.array(weights), len(weights)
    scores = np.array([luck.choice([0.0, 0.5, 1.0]) for _ in range(n)])
    priority = np.array([luck.random() for _ in range(n)])
    whole = sorted(range(n), key=lambda row: (w[row] == 0, -w[row] * scores[row], priority[row]))
    assert top_k(scores, w, min(k, n), priority).tolist() == whole[:k]


@given(st.lists(st.sampled_from([0.0, 5e-324, 1e-300, 1e-30, 1e-12, 0.5, 1.0]), min_size=1, max_size=20))
def test_weights_survive_float32_and_keep_their_order(weights):
    w = np.array(weights)
    cast = in_float32(w).astype(np.float32)
    assert ((cast > 0) == (w > 0)).all()
    order = np.argsort(w)
    assert (np.diff(cast[order]) >= 0).all()
    large = w > 1e-17 * w.max()
    np.testing.assert_allclose(cast[large], w[large] / w.max(), rtol=1e-6)
