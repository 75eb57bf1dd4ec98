"""Units of replication, the tests over them, and Holm's correction."""

import itertools

import numpy as np
import pytest
from frames import effect
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from analysis.stats import ESTIMANDS, Design, holm
from analysis.stats.effect import MOST_ENUMERATED, sign_flip
from analysis.stats.interval import half_width, t_interval, t_test
from analysis.stats.run_level import run_level_test
from bench.errors import SpecError

PER = (2, 1)
THREE_TASKS = [[0.10, 0.20, 0.30], [0.00, 0.10, 0.50], [-0.10, 0.30, 0.10]]
UNITS = {"fixed-suite": [0.0, 0.2, 0.3], "new-tasks": [0.2, 0.2, 0.1], "new-datasets": [0.2, 0.1]}

numbers = st.integers(-100, 100).map(lambda it: it / 100)
grids = st.tuples(st.integers(2, 5), st.integers(2, 5)).flatmap(lambda it: arrays(float, it, elements=numbers))


# The unit of each question


@pytest.mark.parametrize("estimand", ESTIMANDS)
def test_each_question_has_its_unit(factory, estimand):
    result = effect(factory.tidy(THREE_TASKS, PER), estimand)
    units = np.array(UNITS[estimand])
    assert (result.n, result.pairs, result.missing, result.note, result.hole) == (len(units), 9, 0, "", "")
    interval = stats.ttest_1samp(units, 0).confidence_interval(0.95)
    assert (result.low, result.high) == pytest.approx((interval.low, interval.high))
    assert result.estimate == pytest.approx(units.mean())
    expected = stats.ttest_1samp(units, 0, alternative="greater")
    assert (result.t, result.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert result.d_z == pytest.approx(units.mean() / units.std(ddof=1))
    assert result.p_wilcoxon == stats.wilcoxon(np.round(units, 9), alternative="greater").pvalue


def test_hand_computed_case(factory):
    # seed means .1 .2 .3: t = .2 / (.1 / sqrt 3) = sqrt 12; P(T_2 > t) = (1 - t / sqrt(2 + t^2)) / 2; all 8 flips: 1/8
    result = effect(factory.tidy([[0.0, 0.1, 0.2], [0.2, 0.3, 0.4]]))
    assert result.t == pytest.approx(np.sqrt(12))
    assert result.p == pytest.approx((1 - np.sqrt(12 / 14)) / 2)
    assert result.d_z == pytest.approx(2.0)
    assert result.p_sign_flip == result.p_wilcoxon == 1 / 8


def test_algorithms_are_averaged_before_anything_is_tested(factory):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(4, 5, 3))
    for estimand in ESTIMANDS:
        pooled, mean = (effect(factory.tidy(it, (3, 1)), estimand) for it in (values, values.mean(axis=2)))
        assert pooled.n == mean.n
        assert pooled.pairs == 3 * mean.pairs
        assert (pooled.estimate, pooled.p) == pytest.approx((mean.estimate, mean.p))


def test_an_unknown_question_is_refused(factory):
    with pytest.raises(SpecError, match="unknown estimand 'pooled'; choose one of: fixed-suite, new-tasks"):
        effect(factory.tidy(THREE_TASKS), "pooled")


@given(grids, st.sampled_from(ESTIMANDS), st.randoms(use_true_random=False), numbers)
def test_laws_of_an_effect(factory, values, estimand, random, shift):
    frame = factory.tidy(values)
    result = effect(frame, estimand)
    order = list(range(len(frame)))
    random.shuffle(order)
    assert repr(effect(frame.iloc[order], estimand)) == repr(result)
    moved = effect(frame.assign(difference=frame["difference"] + shift), estimand)
    assert moved.estimate == pytest.approx(result.estimate + shift)
    if result.note:
        assert np.isnan([result.t, result.p, result.low, result.d_z, result.p_wilcoxon, result.p_sign_flip]).all()
        return
    assert result.low <= result.estimate <= result.high
    assert (result.p < 0.025) == (result.low > 0)
    assert (moved.low, moved.high) == pytest.approx((result.low + shift, result.high + shift))
    back = effect(frame.assign(difference=-frame["difference"]), estimand)
    assert back.p == pytest.approx(1 - result.p)
    assert (back.low, back.high) == pytest.approx((-result.high, -result.low))


def test_a_level_of_its_own_widens_the_interval_only(factory):
    frame = factory.tidy(THREE_TASKS)
    usual, wide = effect(frame), effect(frame, level=0.99)
    assert wide.low < usual.low < usual.high < wide.high
    assert wide.p == usual.p


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ([[0.1], [0.3]], "one seed, no test"),
        ([[0.2, 0.2], [0.4, 0.4]], "the same difference in all seeds, no test"),
        ([[0.0, 0.0], [0.0, 0.0]], "identical in all seeds, no test"),
        ([[0.1, -0.1], [-0.1, 0.1]], "identical in all seeds, no test"),
        ([[np.nan, 0.1], [0.2, np.nan]], "no seeds"),
    ],
)
def test_where_there_is_no_test_the_note_says_why(factory, values, note):
    result = effect(factory.tidy(values))
    assert result.note == note
    assert np.isnan([result.p, result.t, result.low, result.high, result.p_sign_flip]).all()


# What is missing


def test_what_is_missing_is_counted_and_the_seed_named(factory):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(3, 5))
    values[1, 2] = np.nan
    frame = factory.tidy(values, (2, 1))
    shorter = frame[frame["difference"].notna()]
    for one in (frame, shorter):
        suite = effect(one)
        assert (suite.n, suite.missing, suite.left_out) == (4, 1, ("2",))
        assert suite.hole == "1 of 15 pairs missing; left out: seed 2"
        assert suite.estimate == pytest.approx(values[:, [0, 1, 3, 4]].mean())
        tasks = effect(one, "new-tasks")
        assert (tasks.n, tasks.missing, tasks.hole) == (3, 1, "1 of 15 pairs missing")
        assert tasks.estimate == pytest.approx(np.nanmean(values, axis=1).mean())


def test_a_task_without_any_pair_takes_its_dataset_with_it(factory):
    values = np.random.default_rng(2).normal(size=(4, 3))
    values[1] = np.nan
    frame = factory.tidy(values, (2, 1, 1))
    assert effect(frame, "new-tasks").left_out == ("d0/c1",)
    assert effect(frame, "new-datasets").left_out == ("d0",)
    assert effect(frame).note == "no seeds"


def test_a_missing_difference_lies_between_what_the_missing_run_could_yield():
    left, right = np.array([0.5, 0.7, np.nan, 0.8]), np.array([0.4, 0.9, 0.3, np.nan])
    laid = Design.of(left[None, :, None], right[None, :, None], [("d", "c")], range(4))
    np.testing.assert_allclose(laid.difference.ravel(), [0.1, -0.2, np.nan, np.nan])
    np.testing.assert_allclose(laid.low.ravel(), [0.1, -0.2, -0.3, -0.2])
    np.testing.assert_allclose(laid.high.ravel(), [0.1, -0.2, 0.7, 0.8])
    turned = -laid
    np.testing.assert_allclose((turned.low, turned.high), (-laid.high, -laid.low))


# The tests


@given(st.lists(st.integers(-100, 100), min_size=2, max_size=9))
def test_sign_flips_agree_with_scipys_permutation_test(hundredths):
    """Scipy gets whole numbers, whose sums are exact: of hundredths it decides ties about zero by rounding luck."""
    expected = stats.permutation_test(
        (np.array(hundredths),), np.sum, permutation_type="samples", alternative="greater", n_resamples=2**9
    )
    assert sign_flip(np.array(hundredths) / 100) == pytest.approx(expected.pvalue)


def test_sign_flips_of_many_units_are_drawn_and_count_the_observed_one():
    values = np.random.default_rng(3).normal(0.2, 1, MOST_ENUMERATED + 1)
    exact = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", alternative="greater", n_resamples=2**17
    )
    assert len(exact.null_distribution) == 2**17
    assert sign_flip(values) == pytest.approx(exact.pvalue, abs=0.015)
    assert sign_flip(values) == sign_flip(values)
    assert sign_flip(np.full(40, 1.0)) == pytest.approx(1e-4)


def test_sign_flips_of_values_symmetric_about_zero_are_no_evidence():
    values = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
    p, q = sign_flip(values), sign_flip(-values)
    assert p == q
    ties = np.mean([abs(np.dot(signs, values)) < 1e-9 for signs in itertools.product((-1, 1), repeat=6)])
    assert p == pytest.approx((1 + ties) / 2)


@given(arrays(float, (4, 6), elements=numbers))
def test_the_t_test_is_scipys_row_by_row_wherever_there_is_spread(rows):
    t, p = t_test(rows)
    for row, own_t, own_p in zip(rows, t, p, strict=True):
        if np.ptp(row) == 0:
            assert np.isnan([own_t, own_p]).all()
        else:
            expected = stats.ttest_1samp(row, 0, alternative="greater")
            assert (own_t, own_p) == pytest.approx((expected.statistic, expected.pvalue))


@given(arrays(float, (3, 6), elements=st.one_of(numbers, st.just(np.nan))))
def test_the_interval_is_scipys_of_what_is_present(rows):
    for row, n, mean, low, high in zip(rows, *t_interval(rows), strict=True):
        held = row[~np.isnan(row)]
        assert n == len(held)
        assert mean == pytest.approx(held.mean() if len(held) else np.nan, nan_ok=True)
        if len(held) < 2 or np.ptp(held) == 0:
            assert np.isnan([low, high]).all()
        else:
            interval = stats.ttest_1samp(held, 0).confidence_interval(0.95)
            assert (low, high) == pytest.approx((interval.low, interval.high))
            assert half_width(held) == pytest.approx((interval.high - interval.low) / 2)


# The run-level test


def test_the_run_level_test_by_hand():
    # differences .1 .2 .3: t = .2 / (.1 / sqrt 3) = sqrt 12; P(T_2 > t) = (1 - t / sqrt(2 + t^2)) / 2 = .0371
    result = run_level_test(np.array([0.1, 0.2, 0.3]), unpaired=2)
    assert (result.n, result.unpaired, result.note) == (3, 2, "")
    assert (result.difference, result.t) == pytest.approx((0.2, 2 * np.sqrt(3)))
    assert result.p == pytest.approx((1 - np.sqrt(12 / 14)) / 2)


@given(st.lists(numbers, min_size=2, max_size=12))
def test_the_run_level_test_is_scipys_wherever_there_is_spread(differences):
    result = run_level_test(np.array(differences))
    if np.ptp(differences) == 0:
        assert result.note
        assert np.isnan([result.t, result.p]).all()
    else:
        assert result.p == pytest.approx(stats.ttest_1samp(differences, 0, alternative="greater").pvalue)
        assert run_level_test(-np.array(differences)).p == pytest.approx(1 - result.p)


@pytest.mark.parametrize(
    ("differences", "note"),
    [
        ([0.0, 0.0, 0.0], "identical in all pairs"),
        ([0.32 - 0.30, 0.52 - 0.50], "the same difference in all pairs"),
        ([0.8], "one pair"),
        ([0.8, np.nan, 0.1], "1 of 3 pairs hold NaN"),
        ([], "no pairs"),
    ],
)
def test_without_a_run_level_test_p_is_nan_and_the_note_says_why(differences, note):
    result = run_level_test(np.array(differences))
    assert np.isnan([result.p, result.t]).all()
    assert result.note.startswith(note)
    assert result.n == len(differences)


@pytest.mark.filterwarnings("ignore:Precision loss:RuntimeWarning")
def test_scipy_is_certain_of_two_equal_differences_which_is_why_we_are_not():
    assert stats.ttest_rel([0.32, 0.52], [0.30, 0.50], alternative="greater").pvalue < 1e-10


# Holm


def by_closed_testing(p):
    """Holm is the closure of Bonferroni: the largest adjusted p over all subsets that hold the hypothesis."""
    every = range(len(p))
    subsets = [of for size in range(1, len(p) + 1) for of in itertools.combinations(every, size)]
    return [min(1, max(len(of) * min(p[i] for i in of) for of in subsets if one in of)) for one in every]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_closed_testing(p):
    assert holm(p) == pytest.approx(by_closed_testing(p))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_lowers_nothing(p):
    adjusted = holm(p)
    assert (adjusted >= p).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


def test_a_test_that_could_not_be_made_still_counts_in_its_family():
    assert holm([0.01, np.nan, 0.02, 0.04]) == pytest.approx([0.04, np.nan, 0.06, 0.08], nan_ok=True)
    assert len(holm([])) == 0
