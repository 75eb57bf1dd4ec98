"""Boundaries of a sequential plan against published ones and their law, and an e-process against its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from analysis.stats.sequential import log_e, median_unbiased_share, nominal, over_looks, spent

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


@pytest.mark.parametrize("looks", [(2, 100), (3, 100), (2, 3, 1000)])
def test_an_analysis_of_next_to_nothing_has_next_to_nothing_to_spend(looks):
    levels = nominal(looks, 0.05)
    assert levels[0] < 1e-20
    assert levels[-1] == pytest.approx(0.05, rel=0.05)
    assert over_looks(np.array([0.5, 1e-300]), len(looks) - 1, looks, 0.05) == pytest.approx([0.5, 0.0], abs=0.02)


# An anytime-valid plan.


@pytest.mark.parametrize(("t", "n"), [(0.0, 5), (2.0, 5), (-1.5, 8), (6.0, 12)])
def test_the_e_process_is_the_ratio_of_noncentral_t_densities_mixed_over_a_half_normal(t, n):
    density = lambda effect: stats.nct.pdf(t, n - 1, effect * np.sqrt(n)) * 2 * stats.norm.pdf(effect)  # noqa: E731
    mixed = integrate.quad(density, 0, 8)[0] / stats.t.pdf(t, n - 1)
    assert float(log_e(np.array(t), n)) == pytest.approx(np.log(mixed), abs=1e-5)


def paths(effect, count=4000, seeds=30):
    """The t-statistics of many candidates after each seed from the second on."""
    values = np.random.default_rng(7).normal(effect, 1, (count, seeds))
    n = np.arange(2, seeds + 1)
    mean, square = values.cumsum(1)[:, 1:] / n, (values**2).cumsum(1)[:, 1:]
    return mean / np.sqrt((square - n * mean**2) / (n - 1) / n), n


@pytest.mark.parametrize("effect", [0.0, -0.3])
def test_who_looks_after_every_seed_is_misled_no_more_often_than_declared(effect):
    """At the edge of the claim and beyond it; a t-test at 0.05 after every seed errs several times as often."""
    t, n = paths(effect)
    ever = np.any([over_looks(stats.t.sf(t[:, at], k - 1), at, tuple(n), 0.05, "evalue") <= 0.05
                   for at, k in enumerate(n.tolist())], axis=0)  # fmt: skip
    assert ever.mean() <= 0.05
    if effect == 0:
        assert ever.mean() > 0.01
        assert (stats.t.sf(t, n - 1) <= 0.05).any(axis=1).mean() > 0.15


def test_an_effect_is_found_by_the_e_process():
    t, n = paths(0.8)
    found = [over_looks(stats.t.sf(t[:, at], k - 1), at, tuple(n), 0.05, "evalue") for at, k in enumerate(n.tolist())]
    assert (np.min(found, axis=0) <= 0.05).mean() > 0.85


@given(n=st.integers(8, 40), alpha=st.sampled_from([0.05, 0.01]))
def test_the_threshold_of_an_e_process_is_where_it_reaches_one_over_alpha(n, alpha):
    (p,) = nominal((n,), alpha, "evalue")
    assert float(over_looks(np.array(p), 0, (n,), alpha, "evalue")) == pytest.approx(alpha, rel=1e-3)
    assert p < alpha


def test_two_units_are_too_few_for_any_e_value():
    assert nominal((2,), 0.05, "evalue") == (0.0,)


def test_an_estimate_after_an_early_stop_is_drawn_towards_the_bound_and_at_the_first_analysis_not():
    assert median_unbiased_share(FEW, 0.05, 0, 4.0) == pytest.approx(1.0, abs=1e-3)
    assert 0.6 < median_unbiased_share(FEW, 0.05, 1, 2.2) < 1.0


def test_the_corrected_estimate_lies_above_the_truth_as_often_as_below():
    rng, drift = np.random.default_rng(3), 2.5
    times = np.array(FEW) / FEW[-1]
    walks = np.cumsum(rng.normal(drift * np.diff(times, prepend=0), np.sqrt(np.diff(times, prepend=0)), (6000, 3)), 1)
    edges = stats.norm.isf(nominal(FEW, 0.05)) * np.sqrt(times)
    second = (walks[:, 0] < edges[0]) & (walks[:, 1] >= edges[1])
    naive = walks[second, 1] / times[1]
    scores = np.linspace(2.05, 5, 12)
    known = [median_unbiased_share(FEW, 0.05, 1, score) for score in scores]
    shares = np.interp(walks[second, 1] / np.sqrt(times[1]), scores, known)
    first = (walks[:, 0] >= edges[0]).mean()
    last = (walks[:, 1] < edges[1]) & (walks[:, 0] < edges[0])
    above = first + second.mean() * np.mean(naive * shares >= drift)
    assert above <= 0.5 + 0.03  # the rest of what lies above stops at the last analysis
    assert above + last.mean() > 0.5
