"""Collapses, tasks' own variances and few datasets, against scipy and against the laws that they must obey."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.stats import (
    Collapses,
    betting_bound,
    capital,
    mcnemar,
    partial_conjunction,
    stratified,
    stratified_p,
    t_test,
    upper_limit,
)
from bench.errors import SpecError


@given(one=st.integers(0, 30), other=st.integers(0, 30))
def test_mcnemars_p_is_the_binomial_test_of_the_pairs_that_differ(one, other):
    expected = stats.binomtest(one, one + other, alternative="greater").pvalue if one + other else 1.0
    assert float(mcnemar(np.array(one), np.array(other))) == pytest.approx(expected)


@given(count=st.integers(0, 40), more=st.integers(0, 100), alpha=st.sampled_from([0.05, 0.01]))
def test_the_limit_is_that_of_clopper_and_pearson(count, more, alpha):
    of = count + more
    if of:
        expected = stats.binomtest(count, of, alternative="less").proportion_ci(1 - alpha, method="exact").high
        assert float(upper_limit(np.array(count), of, alpha)) == pytest.approx(expected)


def test_no_collapse_in_140_pairs_does_not_exclude_a_rate_of_two_per_cent():
    none = np.zeros((14, 10), dtype=bool)
    found = Collapses.of(none, none)
    assert (found.candidate, found.baseline, found.both, found.p_more) == (0, 0, 0, 1.0)
    assert found.limit == pytest.approx(0.0212, abs=1e-4)


def test_collapses_of_both_arms_say_nothing_of_either():
    one, other = np.zeros((2, 4, 10), dtype=bool)
    one[0, :5] = other[0, 3:5] = True
    found = Collapses.of(one, other)
    assert (found.candidate, found.baseline, found.both) == (3, 0, 2)
    assert found.p_more == pytest.approx(0.125)


# The bound that holds whatever the rate.


def lost(rate, count=600, seeds=20, drop=0.3, sd=0.02):
    rng = np.random.default_rng(11)
    return rng.normal(0, sd, (count, 14 * seeds)) - drop * (rng.random((count, 14 * seeds)) < rate)


@pytest.mark.parametrize("rate", [0.01, 0.05])
def test_the_bound_lies_above_the_mean_no_more_often_than_declared_where_that_of_t_does(rate):
    values = lost(rate)
    assert np.mean(betting_bound(values, 0.5) > -0.3 * rate) <= 0.05
    if rate < 0.05:
        assert np.mean(t_test(values + 0.3 * rate)[1] <= 0.05) > 0.06


def test_it_has_power_where_nothing_collapses():
    assert np.mean(betting_bound(lost(0.0, count=200), 0.5) > -0.01) > 0.9


@given(means=st.lists(st.floats(-0.1, 0.1), min_size=2, max_size=6))
def test_the_expected_capital_is_at_most_one_where_tasks_differ_and_only_their_mean_is_at_the_bound(means):
    """A run is at -0.5 or at +0.5, so that the expectation over all outcomes can be enumerated."""
    means = np.array(means) - np.mean(means)
    outcomes = (np.arange(2 ** len(means))[:, None] >> np.arange(len(means))) & 1
    chance = np.where(outcomes == 1, 0.5 + means, 0.5 - means).prod(axis=1)
    assert float(chance @ capital(outcomes - 0.5, 0.0, 0.5)) <= 1 + 1e-9


@given(
    values=st.lists(st.floats(-0.5, 0.5), min_size=3, max_size=30),
    bound=st.floats(-0.4, 0.2),
    more=st.floats(0.001, 0.2),
)
def test_capital_falls_as_the_bound_rises_and_the_bound_is_where_it_crosses(values, bound, more):
    values = np.array(values)
    assert float(capital(values, bound + more, 0.5)) <= float(capital(values, bound, 0.5)) + 1e-9
    low = float(betting_bound(values, 0.5))
    assert low <= values.mean() + 1e-9
    if low > -0.49:
        assert float(capital(values, low - 1e-6, 0.5)) >= 20 * (1 - 1e-3)


# Each task's own variance.


def test_the_error_is_that_of_a_mean_of_tasks_and_with_one_task_the_test_is_the_t_test():
    values = np.random.default_rng(0).normal(0, [[0.01], [0.05], [0.02]], (3, 5))
    _, error, degrees = stratified(values)
    assert float(error) == pytest.approx(np.sqrt(sum(row.var(ddof=1) / 5 for row in values)) / 3)
    assert 4 <= degrees <= 12
    assert float(stratified_p(values[:1], -0.01)) == pytest.approx(
        stats.ttest_1samp(values[0], -0.01, alternative="greater").pvalue
    )
    two = stats.ttest_ind(values[0], -values[1], equal_var=False, alternative="greater")  # of Welch, for two tasks
    assert float(stratified_p(values[:2], 0.0)) == pytest.approx(two.pvalue)


@pytest.mark.parametrize("spread", [np.ones(14), np.geomspace(1, 10, 14)], ids=["equal", "unequal"])
def test_it_errs_as_declared_and_finds_more_than_the_test_over_three_seeds(spread):
    values = np.random.default_rng(1).normal(0, 0.02 * spread[:, None] / np.sqrt(np.mean(spread**2)), (4000, 14, 3))
    assert np.mean(stratified_p(values, 0.0) <= 0.05) < 0.06
    by_seeds = np.mean(t_test(values.mean(axis=-2) + 0.01)[1] <= 0.05)
    assert np.mean(stratified_p(values, -0.01) <= 0.05) > by_seeds + 0.2


# In how many datasets.


def test_partial_conjunction_is_bonferroni_over_the_larger_p():
    p = [0.001, 0.2, 0.01, 0.03]
    assert [partial_conjunction(p, least) for least in (1, 2, 3, 4)] == pytest.approx([0.004, 0.03, 0.06, 0.2])
    assert partial_conjunction([0.001, np.nan], 2) == 1.0
    with pytest.raises(SpecError, match="at least 5 of 4"):
        partial_conjunction(p, 5)


@pytest.mark.parametrize("least", [1, 2, 3, 4])
def test_it_errs_no_more_often_than_declared_where_one_effect_too_few_is_there(least):
    rng = np.random.default_rng(2)
    p = rng.random((4000, 4))
    p[:, : least - 1] = 1e-9
    assert np.mean([partial_conjunction(own, least) <= 0.05 for own in p]) <= 0.06
