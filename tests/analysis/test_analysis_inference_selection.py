"""Best-of tables: choosing and testing on the same seeds rewards noise, on different seeds it does not."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import paired
from analysis.inference import best_of, differences, effect
from analysis.inference.selection import EVEN, ODD, best, of_choice
from analysis.inference.validation import Rate
from bench.errors import PairingError

LEVEL = 0.975


def runs(values, name, **columns):
    """An arm from (tasks, seeds, algorithms); NaN is a run that is missing."""
    return pd.DataFrame(
        [
            {
                "dataset": "d",
                "positive": f"c{task}",
                "seed": seed,
                "algorithm_label": f"A{algorithm}",
                "key": f"{name}-{task}-{seed}-{algorithm}",
                "pair_key": f"{task}-{seed}",
                "auc": value,
                **columns,
            }
            for (task, seed, algorithm), value in np.ndenumerate(np.asarray(values))
            if not np.isnan(value)
        ]
    )


def arms(shape=(3, 6, 4), seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.4, 0.6, shape), rng.uniform(0.4, 0.6, shape)


def test_choice_and_test_are_on_different_seeds():
    left, right = arms()
    found = best_of(runs(left, "a"), runs(right, "b"), "auc")
    for half, (by, on, test) in zip(found.halves, (("even", EVEN, ODD), ("odd", ODD, EVEN)), strict=True):
        a, b = (values[:, on].mean(axis=1).argmax(axis=1) for values in (left, right))
        chosen = found.chosen[found.chosen["by"] == by]
        assert chosen["algorithm_a"].tolist() == [f"A{it}" for it in a]
        assert chosen["algorithm_b"].tolist() == [f"A{it}" for it in b]
        units = np.mean([left[t, test, a[t]] - right[t, test, b[t]] for t in range(3)], axis=0)
        assert half.n == 3
        assert half.p == pytest.approx(stats.ttest_1samp(units, 0, alternative="greater").pvalue)
        interval = stats.ttest_1samp(units, 0).confidence_interval(LEVEL)
        assert (half.low, half.high) == pytest.approx((interval.low, interval.high))
    one, other = found.halves
    assert found.p == min(1.0, 2 * min(one.p, other.p))
    assert found.estimate == pytest.approx((one.estimate + other.estimate) / 2)
    assert (found.low, found.high) == pytest.approx(((one.low + other.low) / 2, (one.high + other.high) / 2))
    assert found.missing == 0


def test_papers_way_beside_it_is_the_paired_t_on_all_seeds():
    left, right = arms()
    a, b = (values.mean(axis=1).argmax(axis=1) for values in (left, right))
    one, other = (of_choice(values, choice).ravel() for values, choice in ((left, a), (right, b)))
    found = best_of(runs(left, "a"), runs(right, "b"), "auc").paper
    assert found.n == 18
    assert found.p == pytest.approx(stats.ttest_rel(one, other, alternative="greater").pvalue)


def test_with_one_algorithm_there_is_nothing_to_choose():
    left, right = (runs(values, name) for values, name in zip(arms((3, 6, 1)), "ab", strict=True))
    found = best_of(left, right, "auc")
    assert found.paper == paired(left, right, "auc")
    for half, parity in zip(found.halves, (1, 0), strict=True):
        own = [arm[arm["seed"] % 2 == parity] for arm in (left, right)]
        assert half == effect(differences(*own, "auc"), level=LEVEL)


def test_arms_may_differ_in_algorithms_and_rows_in_order():
    left, right = arms()
    a, b = runs(left, "a"), runs(right, "b")
    expected = best_of(a, b[b["algorithm_label"] != "A3"], "auc")
    found = best_of(a.iloc[::-1], b[b["algorithm_label"] != "A3"].sample(frac=1, random_state=0), "auc")
    assert repr(found) == repr(expected)
    assert found.missing == 0
    assert "A3" not in set(found.chosen["algorithm_b"])


def test_missing_runs_are_counted_and_leave_holes():
    left, right = arms((2, 6, 2))
    left[:, :, 1] += 1
    left[0, 2, 1] = np.nan
    found = best_of(runs(left, "a"), runs(right, "b"), "auc")
    assert found.missing == 1
    assert found.halves[0].hole == ""
    assert found.halves[1].hole == "1 of 6 pairs missing; left out: seed 2"
    assert found.paper.unpaired == 1


def test_too_few_seeds_give_no_test():
    found = best_of(*(runs(values, name) for values, name in zip(arms((2, 3, 2)), "ab", strict=True)), "auc")
    assert [half.note for half in found.halves] == ["one seed, no test", ""]
    assert np.isnan(found.p)


def test_runs_of_different_conditions_are_refused():
    left, right = arms((2, 4, 2))
    a, b = runs(left, "a"), runs(right, "b")
    b.loc[b["key"] == "b-1-3-0", "pair_key"] = "other"
    with pytest.raises(PairingError, match=r"1 of 8 blocks .*d/c1 seed 3"):
        best_of(a, b, "auc")


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
