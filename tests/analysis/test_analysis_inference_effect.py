"""Units of replication, the tests over them, and Holm's correction."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from analysis.inference import ESTIMANDS, differences, effect, holm
from analysis.inference.effect import MOST_ENUMERATED, sign_flip, t_test
from bench.errors import PairingError, SpecError

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


@settings(max_examples=40, deadline=None)
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


def arm(values, name, **columns):
    keys = {
        "dataset": "d",
        "positive": "c",
        "seed": range(len(values)),
        "key": [f"{name}{i}" for i in range(len(values))],
    }
    return pd.DataFrame({**keys, "pair_key": [f"pair{i}" for i in range(len(values))], "auc": values, **columns})


def test_differences_leave_a_hole_where_a_run_is_missing_and_say_what_it_could_hold():
    left, right = arm([0.5, 0.7, np.nan, 0.8], "a"), arm([0.4, 0.9, 0.3], "b")
    frame = differences(left.iloc[[1, 0, 2, 3]], right, "auc").sort_values("seed", ignore_index=True)
    assert frame["difference"].tolist() == pytest.approx([0.1, -0.2, np.nan, np.nan], nan_ok=True)
    assert frame["low"].tolist() == pytest.approx([0.1, -0.2, -0.3, -0.2])
    assert frame["high"].tolist() == pytest.approx([0.1, -0.2, 0.7, 0.8])


def test_a_block_that_neither_arm_has_is_a_hole_if_it_is_expected():
    left, right = (arm([0.5, 0.7], name) for name in "ab")
    expected = pd.DataFrame({"dataset": "d", "positive": "c", "seed": [0, 1, 2]})
    assert effect(differences(left, right, "auc")).missing == 0
    assert effect(differences(left, right, "auc", expected=expected)).hole == "1 of 3 pairs missing; left out: seed 2"


def test_pooled_algorithms_are_pairs_of_their_own():
    left, right = (
        pd.concat([arm([0.5, 0.7], f"{name}{label}", algorithm_label=label) for label in ("X", "Y")]) for name in "ab"
    )
    right = right.iloc[:-1]
    frame = differences(left, right, "auc", pooled="algorithm_label")
    assert sorted(frame["algorithm"]) == ["X", "X", "Y", "Y"]
    assert effect(frame).hole == "1 of 4 pairs missing; left out: seed 1"
    with pytest.raises(PairingError, match="runs stored twice"):
        differences(left, right, "auc")


def test_a_pair_that_occurs_twice_is_refused(factory):
    frame = factory.tidy(THREE_TASKS)
    with pytest.raises(PairingError, match=r"1 rows have a double \(first: d0 c0 0\)"):
        effect(pd.concat([frame, frame.iloc[:1]]))


# The tests


@settings(max_examples=30, deadline=None)
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


@settings(max_examples=30, deadline=None)
@given(arrays(float, (4, 6), elements=numbers))
def test_the_t_test_is_scipys_row_by_row_wherever_there_is_spread(rows):
    t, p = t_test(rows)
    for row, own_t, own_p in zip(rows, t, p, strict=True):
        if np.ptp(row) == 0:
            assert np.isnan([own_t, own_p]).all()
        else:
            expected = stats.ttest_1samp(row, 0, alternative="greater")
            assert (own_t, own_p) == pytest.approx((expected.statistic, expected.pvalue))


# Holm


def by_closed_testing(p):
    """Holm is the closure of Bonferroni: the largest adjusted p over all subsets that hold the hypothesis."""
    every = range(len(p))
    subsets = [of for size in range(1, len(p) + 1) for of in itertools.combinations(every, size)]
    return [min(1, max(len(of) * min(p[i] for i in of) for of in subsets if one in of)) for one in every]


@settings(max_examples=60, deadline=None)
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
