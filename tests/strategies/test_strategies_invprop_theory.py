"""What the paper proves of random sampling under InvProp, by exact calculation and by simulation.

Symbols, as they are read here; b_i rows lie in bin i = 0 .. m-1, whose lower edge is i/m:

- Lemma 1: a row drawn in proportion to w is equally likely to come from any bin that holds rows.
- Observation 1: gamma <= 1; of k rows drawn without replacement, a bin that holds at least gamma k/m rows yields
  gamma k/(2m) or more in expectation. (Each draw takes one of the bin's rows left with probability at least
  (1 - taken/b_i)/m, so E[taken] >= b_i (1 - exp(-k/(m b_i))) >= (1 - 1/e) gamma k/m.)
- Calibrated bound: alpha <= 1; if a row of bin i is positive with probability at least alpha i/m and all bins hold at
  least gamma k/m rows, k draws find at least (m-1)/(4m) alpha gamma k positives in expectation: sum Observation 1 over
  the bins, whose lower edges have the mean (m-1)/(2m).
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.strategies.invprop import InvProp
from bench.strategies.random_sampling import RandomSampling
from bench.strategies.strategy import choose
from bench.strategies.uniform import Uniform
from bench.testing import toy_pool

DRAWS = 300
CONFIDENCE = 0.9999


def pool_of(sizes, rng):
    """A pool of so many rows in each bin, of probabilities all over the bin, in no order; and the bin of each row."""
    bins = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    inside = np.minimum(bins + rng.random(len(bins)), np.nextafter(bins + 1, 0))
    return replace(toy_pool(n=len(bins)), probabilities=inside / len(sizes)), bins


def taken_from_each_bin(sizes, k, weighting, draws=DRAWS):
    """Simulate: rows of each bin among k that the strategy selects, (draws, m)."""
    rng = np.random.default_rng(0)
    pool, bins = pool_of(sizes, rng)
    counts = np.empty((draws, len(sizes)), dtype=int)
    for draw in range(draws):
        view = replace(pool, priority=rng.random(pool.size)).view()
        counts[draw] = np.bincount(bins[choose(RandomSampling(), weighting, view, k).picks], minlength=len(sizes))
    return counts


def expected_taken(sizes, k):
    """Calculate the same in expectation, exactly: follow the distribution of what is taken from the bins, k draws."""
    now = {(0,) * len(sizes): Fraction(1)}
    for _ in range(k):
        after = {}
        for taken, probability in now.items():
            left = [Fraction(b - t, b) if b else Fraction(0) for b, t in zip(sizes, taken, strict=True)]
            for i, mass in enumerate(left):
                if mass:
                    more = (*taken[:i], taken[i] + 1, *taken[i + 1 :])
                    after[more] = after.get(more, 0) + probability * mass / sum(left)
        now = after
    return [sum(p * taken[i] for taken, p in now.items()) for i in range(len(sizes))]


def limits(values):
    """Two-sided confidence limits of a mean."""
    return stats.ttest_1samp(values, 0).confidence_interval(CONFIDENCE)


@given(st.lists(st.integers(0, 30), min_size=2, max_size=12).filter(any), st.integers(0, 2**20))
def test_lemma_1_exactly_every_occupied_bin_is_equally_likely(sizes, seed):
    pool, bins = pool_of(sizes, np.random.default_rng(seed))
    w = InvProp(bins=len(sizes)).weights(pool.view())
    chance = np.bincount(bins, weights=w / w.sum(), minlength=len(sizes))
    occupied = np.array(sizes) > 0
    np.testing.assert_allclose(chance, occupied / occupied.sum(), rtol=1e-12)


def test_lemma_1_by_simulation():
    sizes = [3000, 0, 40, 7, 1]
    first = taken_from_each_bin(sizes, 1, InvProp(bins=5)).sum(axis=0)
    assert first[1] == 0
    assert stats.chisquare(first[[0, 2, 3, 4]]).pvalue > 0.01
    imbalanced = taken_from_each_bin(sizes, 1, Uniform()).sum(axis=0)
    assert stats.chisquare(imbalanced[[0, 2, 3, 4]]).pvalue < 1e-9


@st.composite
def pools_and_batches(draw):
    """m bins, one of them empty at times, and k rows to draw."""
    sizes = draw(st.lists(st.integers(0, 9) | st.just(500), min_size=2, max_size=4).filter(any))
    return sizes, draw(st.integers(1, min(8, sum(sizes))))


@given(pools_and_batches())
def test_observation_1_exactly(pool):
    sizes, k = pool
    m, expected = len(sizes), expected_taken(sizes, k)
    assert sum(expected) == k
    for size, taken in zip(sizes, expected, strict=True):
        gamma = min(Fraction(size * m, k), Fraction(1))  # the largest for which the bin holds gamma k/m rows
        assert taken >= gamma * Fraction(k, 2 * m)


@pytest.mark.parametrize("sizes", [[400, 60, 2, 1], [30, 3, 3, 30], [100, 0, 4, 2]])
def test_selections_are_those_of_the_exact_calculation(sizes):
    counts, expected = taken_from_each_bin(sizes, 8, InvProp(bins=4)), expected_taken(sizes, 8)
    for i, exact in enumerate(expected):
        if counts[:, i].std() == 0:
            assert counts[0, i] == exact
        else:
            low, high = limits(counts[:, i])
            assert low < exact < high


@pytest.mark.parametrize("gamma", [1.0, 0.4])
@pytest.mark.parametrize("m", [2, 10])
def test_calibrated_bound(gamma, m):
    """At its tightest: all bins but the lowest hold no more rows than they must, and a row is as rarely positive."""
    k, rng = 50, np.random.default_rng(1)
    sizes = [1500, *[int(np.ceil(gamma * k / m))] * (m - 1)]
    balanced, plain = taken_from_each_bin(sizes, k, InvProp(bins=m), 800), taken_from_each_bin(sizes, k, Uniform())
    for alpha in (1.0, 0.5):
        chance = alpha * np.arange(m) / m
        low, high = limits(rng.binomial(balanced, chance).sum(axis=1))
        bound = (m - 1) / (4 * m) * alpha * gamma * k
        assert bound < low
        assert high < 2.2 * bound  # no empty promise
        assert limits(rng.binomial(plain, chance).sum(axis=1)).high < bound / 2
