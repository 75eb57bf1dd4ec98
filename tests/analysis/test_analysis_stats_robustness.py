"""What a mark hangs on: single datasets, tasks and seeds, and runs that are missing."""

import numpy as np
import pytest
from frames import bounds, effect, leave_one_out
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.stats.robustness import MOST_CORNERS

PER = (2, 2, 1)


def p_of(values):
    return stats.ttest_1samp(values, 0, alternative="greater").pvalue


# Leave one out


@pytest.mark.parametrize("factor", ["dataset", "task", "seed"])
@pytest.mark.parametrize("estimand", ["fixed-suite", "new-tasks"])
def test_each_level_is_left_out_in_turn(factory, estimand, factor):
    frame = factory.tidy(np.random.default_rng(0).normal(0.1, 1, (5, 6)), PER)
    column = {
        "dataset": frame["dataset"],
        "task": frame["dataset"] + "/" + frame["positive"],
        "seed": frame["seed"].astype(str),
    }[factor]
    found = leave_one_out(frame, estimand, factor)
    assert found.p == {level: effect(frame[column != level], estimand).p for level in sorted(set(column))}


def test_a_mark_that_hangs_on_one_task_is_shown_to(factory):
    values = np.tile(np.array([0.01, 0.011, 0.012, 0.009, 0.0105]), (5, 1)) + np.eye(5) * 0.001
    carried = values.copy()
    carried[2], carried[[0, 1, 3, 4]] = values[2] * 20, values[[0, 1, 3, 4]] * [[-1], [1], [-1], [1]]
    steady, fragile = (leave_one_out(factory.tidy(it), factor="task") for it in (values, carried))
    assert steady.marked
    assert (steady.flips, str(steady)) == ((), "the mark survives 5 of 5 leave-one-task-out tests")
    assert fragile.marked
    assert fragile.flips == ("d2/c0",)
    assert str(fragile) == "the mark survives 4 of 5 leave-one-task-out tests"


def test_a_mark_that_one_level_hides_is_shown_too(factory):
    values = np.array([[0.10, 0.11, 0.12, 0.11], [-0.5, 0.4, -0.2, -0.4]])
    found = leave_one_out(factory.tidy(values), factor="task")
    assert not found.marked
    assert found.flips == ("d1/c0",)
    assert str(found) == "there is no mark either in 1 of 2 leave-one-task-out tests"


def test_what_leaves_nothing_to_test_does_not_count_as_survival(factory):
    found = leave_one_out(factory.tidy([[0.10, 0.11], [0.10, 0.11]]), factor="seed", alpha=0.2)
    assert found.marked
    assert np.isnan(list(found.p.values())).all()
    assert found.flips == ("0", "1")


# Bounds


def outcomes(frame, rng):
    """A frame in which each missing difference has an outcome within its reach, often an extreme one."""
    share = np.clip(rng.uniform(-0.5, 1.5, len(frame)), 0, 1)
    drawn = frame["low"] + share * (frame["high"] - frame["low"])
    return frame.assign(difference=frame["difference"].fillna(drawn))


def with_holes(factory, values, holes, reach):
    frame = factory.tidy(values, (2, 1, *(1,) * (len(values) - 3)))
    frame["low"], frame["high"] = frame["difference"], frame["difference"]
    for hole in holes:
        frame.loc[hole, ["difference", "low", "high"]] = [np.nan, *reach]
    return frame


reaches = st.tuples(st.integers(-10, 9), st.integers(1, 10)).map(
    lambda it: (it[0] / 10, min(1.0, (it[0] + it[1]) / 10))
)


@given(
    st.integers(0, 10**6),
    st.sets(st.integers(0, 19), min_size=1, max_size=5),
    reaches,
    st.sampled_from(["fixed-suite", "new-tasks", "new-datasets"]),
)
def test_no_outcome_leaves_the_bounds(factory, seed, holes, reach, estimand):
    rng = np.random.default_rng(seed)
    frame = with_holes(factory, rng.normal(0.1, 0.1, (4, 5)), holes, reach)
    found = bounds(frame, estimand)
    for _ in range(5):
        result = effect(outcomes(frame, rng), estimand)
        assert found.low - 1e-12 <= result.estimate <= found.high + 1e-12
        assert found.p_low - 1e-9 <= result.p <= found.p_high + 1e-9


@given(st.integers(0, 10**6), st.sets(st.integers(0, 5), min_size=1, max_size=3), reaches)
def test_both_ends_are_reached(factory, seed, units, reach):
    """A fine net over the outcomes comes as far as the bounds say, and no further."""
    values = np.random.default_rng(seed).normal(np.mean(reach) / 2, 0.1, (1, 6))
    found = bounds(with_holes_in_one_task(factory, values, units, reach))
    net = np.array(np.meshgrid(*[np.linspace(*reach, 33)] * len(units))).reshape(len(units), -1).T
    points = np.tile(values[0], (len(net), 1))
    points[:, sorted(units)] = net
    t = stats.ttest_1samp(points, 0, axis=1).statistic
    least, most = (float(stats.t.isf(p, 5)) for p in (found.p_high, found.p_low))
    assert least - 1e-6 <= t.min()
    assert t.max() <= most + 1e-6
    assert (t.min(), t.max()) == pytest.approx((least, most), rel=0.1, abs=0.02)  # as coarse as the net


def with_holes_in_one_task(factory, values, units, reach):
    frame = factory.tidy(values)
    frame["low"], frame["high"] = frame["difference"], frame["difference"]
    frame.loc[sorted(units), ["difference", "low", "high"]] = [np.nan, *reach]
    return frame


def test_a_value_far_above_the_rest_can_cost_the_mark(factory):
    """t is not monotone: the largest outcome of the missing run is as bad as a low one."""
    values = np.array([[0.10, 0.11, 0.10, 0.11, 0.10, np.nan]])
    frame = factory.tidy(values)
    frame["low"], frame["high"] = frame["difference"].fillna(0.10), frame["difference"].fillna(1.0)
    assert effect(frame).p < 1e-4
    assert p_of([0.10, 0.11, 0.10, 0.11, 0.10, 1.0]) > 0.05
    found = bounds(frame)
    assert found.p_high == pytest.approx(p_of([0.10, 0.11, 0.10, 0.11, 0.10, 1.0]))
    assert found.verdict() == "open"


def test_verdicts(factory):
    steady = np.full((4, 6), 0.2) + np.random.default_rng(0).normal(0, 0.01, (4, 6))
    assert bounds(factory.tidy(steady)).verdict() == "marked"
    assert bounds(factory.tidy(-steady)).verdict() == "not marked"
    one = with_holes(factory, steady, [3], (-0.2, 0.4))
    assert bounds(one).verdict() == "marked"
    assert bounds(one).missing == bounds(one).units == 1
    one.loc[[3], "low"] = -1.0
    wide = with_holes(factory, steady, [3, 9, 15], (-1.0, 1.0))
    assert bounds(wide).verdict() == "open"
    assert (bounds(wide).missing, bounds(wide).units) == (3, 1)
    lost = with_holes(factory, -steady, [3], (-0.2, 0.4))
    assert bounds(lost).verdict() == "not marked"


def test_without_holes_the_bounds_are_the_test(factory):
    frame = factory.tidy(np.random.default_rng(1).normal(0.1, 1, (3, 6)))
    result, found = effect(frame), bounds(frame)
    assert (found.missing, found.units) == (0, 0)
    assert (found.low, found.high) == pytest.approx((result.estimate, result.estimate))
    assert (found.p_low, found.p_high) == pytest.approx((result.p, result.p))


def test_of_a_missing_run_without_a_partner_nothing_is_known_but_its_range(factory):
    values = np.full((1, 4), 0.25)
    values[0, 3] = np.nan
    found = bounds(factory.tidy(values))
    assert (found.low, found.high) == pytest.approx(((0.75 - 1) / 4, (0.75 + 1) / 4))


def test_with_very_many_holes_the_bound_is_on_the_safe_side(factory):
    rng = np.random.default_rng(2)
    count = MOST_CORNERS + 3
    values = rng.normal(0.2, 0.01, (1, 40))
    frame = with_holes_in_one_task(factory, values, range(count), (0.18, 0.22))
    found = bounds(frame)
    assert found.units == count
    assert found.p_low < found.p_high < 1e-20
    for _ in range(50):
        assert found.p_low <= effect(outcomes(frame, rng)).p <= found.p_high
