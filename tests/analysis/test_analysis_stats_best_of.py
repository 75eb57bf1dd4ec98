"""Best-of tables: choosing and testing on the same seeds rewards noise, on different seeds it does not."""

import numpy as np
import pytest
from scipy import stats

from analysis.stats import Design, best_of, effect
from analysis.stats.best_of import EVEN, ODD, best, of_choice
from analysis.stats.validation import Rate

LEVEL = 0.975


TASKS = [("d", f"c{number}") for number in range(3)]


def arms(shape=(3, 6, 4), seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.4, 0.6, shape), rng.uniform(0.4, 0.6, shape)


def found_in(left, right):
    return best_of(left, right, TASKS[: len(left)], range(left.shape[1]))


def test_choice_and_test_are_on_different_seeds():
    left, right = arms()
    found = found_in(left, right)
    for half, (on, test) in zip(found.halves, ((EVEN, ODD), (ODD, EVEN)), strict=True):
        a, b = (values[:, on].mean(axis=1).argmax(axis=1) for values in (left, right))
        units = np.mean([left[t, test, a[t]] - right[t, test, b[t]] for t in range(3)], axis=0)
        assert half.n == 3
        assert half.p == pytest.approx(stats.ttest_1samp(units, 0, alternative="greater").pvalue)
        interval = stats.ttest_1samp(units, 0).confidence_interval(LEVEL)
        assert (half.low, half.high) == pytest.approx((interval.low, interval.high))
    one, other = found.halves
    assert found.p == min(1.0, 2 * min(one.p, other.p))
    assert found.estimate == pytest.approx((one.estimate + other.estimate) / 2)
    assert (found.low, found.high) == pytest.approx(((one.low + other.low) / 2, (one.high + other.high) / 2))


def test_with_one_algorithm_there_is_nothing_to_choose():
    left, right = arms((3, 6, 1))
    for half, parity in zip(found_in(left, right).halves, (1, 0), strict=True):
        own = Design.of(*(arm[:, parity::2] for arm in (left, right)), TASKS, range(6)[parity::2])
        assert repr(half) == repr(effect(own, level=LEVEL))


def test_an_algorithm_that_an_arm_never_ran_is_never_chosen():
    left, right = arms()
    right[..., 3] = np.nan
    assert repr(found_in(left, right)) == repr(best_of(left, right[..., :3], TASKS, range(6)))


def test_missing_runs_leave_holes():
    left, right = arms((2, 6, 2))
    left[:, :, 1] += 1
    left[0, 2, 1] = np.nan
    found = found_in(left, right)
    assert found.halves[0].hole == ""
    assert found.halves[1].hole == "1 of 6 pairs missing; left out: seed 2"


def test_too_few_seeds_give_no_test():
    found = found_in(*arms((2, 3, 2)))
    assert [half.note for half in found.halves] == ["one seed, no test", ""]
    assert np.isnan(found.p)


def p_values(units):
    return stats.ttest_1samp(units, 0, axis=-1, alternative="greater").pvalue


@pytest.fixture(scope="module")
def equal_arms():
    """2,000 grids of 14 tasks x 10 seeds x 4 algorithms in which nothing differs but the noise of the arms."""
    rng = np.random.default_rng(7)
    return rng.normal(0, 0.025, (2000, 14, 10, 4)), rng.normal(0, 0.010, (2000, 14, 10, 4))


def under_test(arms, choose_on, test_on):
    one, other = (of_choice(values, best(values[:, :, choose_on]))[:, :, test_on] for values in arms)
    return one - other


def test_on_the_same_seeds_the_noisier_of_two_equal_arms_is_bolded_most_of_the_time(equal_arms):
    pairs = under_test(equal_arms, slice(None), slice(None)).reshape(2000, -1)
    assert np.mean(p_values(pairs) < 0.05) == pytest.approx(0.77, abs=0.04)


def test_on_split_seeds_it_is_bolded_no_more_often_than_the_level(equal_arms):
    halves = [under_test(equal_arms, EVEN, ODD), under_test(equal_arms, ODD, EVEN)]
    for axis in (1, 2):  # units are seeds, units are tasks
        p = 2 * np.minimum(*(p_values(half.mean(axis=axis)) for half in halves))
        assert Rate(int((p < 0.05).sum()), 2000).interval[0] <= 0.05
        assert np.mean(p < 0.05) == pytest.approx(0.045, abs=0.015)


def test_one_t_test_over_both_halves_would_err_too_often(equal_arms):
    """Why the halves are combined by Bonferroni: each half chooses for the other, so the two are dependent."""
    both = np.concatenate([under_test(equal_arms, EVEN, ODD), under_test(equal_arms, ODD, EVEN)], axis=2)
    p = p_values(both.mean(axis=1))
    assert Rate(int((p < 0.05).sum()), 2000).interval[0] > 0.05
