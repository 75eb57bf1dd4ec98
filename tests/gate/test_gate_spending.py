"""Boundaries of a sequential plan against published ones, and against the law that they must obey."""

import numpy as np
import pytest
from analysis.gate.spending import nominal, over_looks, spent
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

FEW = (4, 7, 10)


def chance_of_any(looks, p):
    """The chance that any look crosses under the null hypothesis, by scipy's multivariate normal."""
    times = np.array(looks) / looks[-1]
    covariance = np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times))
    return 1 - stats.multivariate_normal(cov=covariance, abseps=1e-7, releps=1e-7).cdf(stats.norm.isf(p), rng=0)


def test_the_boundaries_of_lan_and_demets_as_published():
    """Five equal looks, one-sided 0.025: 4.8769, 3.3569, 2.6803, 2.2898, 2.0310 (Reboussin et al. 2000, ld98)."""
    published = [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]
    assert stats.norm.isf(nominal((1, 2, 3, 4, 5), 0.025)) == pytest.approx(published, abs=2e-4)


@pytest.mark.parametrize(("looks", "alpha"), [(FEW, 0.05), (FEW, 0.001), ((2, 3), 0.05), ((2, 5, 20), 0.1)])
def test_all_looks_together_spend_what_they_may(looks, alpha):
    levels = nominal(looks, alpha)
    for taken in range(2, len(looks) + 1):
        may = float(spent(np.array(looks[taken - 1] / looks[-1]), alpha))
        assert chance_of_any(looks[:taken], levels[:taken]) == pytest.approx(may, rel=2e-3)
    assert levels[0] == pytest.approx(float(spent(np.array(looks[0] / looks[-1]), alpha)))


def test_a_single_look_has_all_of_it():
    assert nominal((7,), 0.05) == pytest.approx((0.05,))
    p = np.array([1e-9, 0.003, 0.05, 0.4])
    np.testing.assert_allclose(over_looks(p, 0, (7,), 0.05), p, rtol=1e-6)


@pytest.mark.parametrize("alpha", [0.0004, 0.0123, 0.3])
@pytest.mark.parametrize("look", [0, 1, 2])
def test_an_adjusted_p_is_the_smallest_level_that_crosses(alpha, look):
    """At levels that are in no table: the interpolation is good to a thousandth."""
    p = nominal(FEW, alpha)[look]
    assert float(over_looks(np.array(p), look, FEW, 0.05)) == pytest.approx(alpha, rel=1e-3)


@given(p=st.floats(0, 1), look=st.integers(0, 2), alpha=st.sampled_from([0.05, 0.0123]))
def test_an_adjusted_p_is_below_alpha_just_where_the_look_crosses(p, look, alpha):
    adjusted = float(over_looks(np.array(p), look, FEW, alpha))
    edge = nominal(FEW, alpha)[look]
    if abs(p - edge) > 1e-9:
        assert (adjusted <= alpha) == (p <= edge)
    assert 0 <= adjusted <= 1


@given(p=st.lists(st.floats(0, 1), min_size=2, max_size=5), look=st.integers(0, 2))
def test_adjusting_keeps_the_order_and_what_is_missing(p, look):
    adjusted = over_looks(np.array([*sorted(p), np.nan]), look, FEW, 0.05)
    assert (np.diff(adjusted[:-1]) >= 0).all()
    assert np.isnan(adjusted[-1])
