"""Components of variance, and what a grid can show. Constants named statsmodels are of its TTestPower (0.15.0)."""

from dataclasses import astuple, replace

import numpy as np
import pytest
from frames import components, shape_of
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats import (
    ESTIMANDS,
    PAPER_COMPONENTS,
    PAPER_SHAPE,
    Components,
    GridShape,
    minimum_detectable_effect,
    power_of,
    seeds_needed,
    standard_error,
    tasks_needed,
)
from analysis.stats.validation import simulate
from bench.errors import PairingError, SpecError

ONE = Components(residual=1.0)
SPREADS = Components(dataset=0.03, task=0.02, seed=0.015, block=0.01, residual=0.02)


def one_task(seeds):
    return GridShape((1,), seeds)


# Components


def test_hand_computed_two_way_layout(factory):
    # rows 1 2 3 / 3 5 4: grand mean 3, task means 2, 4, seed means 2, 3.5, 3.5; residuals 0 -.5 .5 / 0 .5 -.5
    # mean squares: tasks 3 * 2 = 6, seeds 2 * 1.5 / 2 = 1.5, error 1 / 2 = .5
    found = components(factory.tidy([[1, 2, 3], [3, 5, 4]]))
    variances = np.square(astuple(found))
    assert variances == pytest.approx([0, (6 - 0.5) / 3, (1.5 - 0.5) / 2, 0, 0.5])


def test_hand_computed_nested_layout(factory):
    # task means 1 3 | 6: within 2, between 2 * (2 - 10/3)^2 + (6 - 10/3)^2 = 32/3, n0 = 3 - 5/3 = 4/3, no error
    found = components(factory.tidy([[1, 1], [3, 3], [6, 6]], per=(2, 1)))
    assert np.square(astuple(found)) == pytest.approx([(32 / 3 - 2) / (4 / 3), 2, 0, 0, 0])


@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(2, 6), st.integers(1, 3))
def test_unless_a_component_is_cut_off_at_zero_the_standard_errors_are_those_of_the_units(factory, seed, t, s, k):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(t, 1, 1)) * 3 + rng.normal(size=(1, s, 1)) * 3 + rng.normal(size=(t, s, 1)) * 2
    values = values + rng.normal(size=(t, s, k))
    frame = factory.tidy(values)
    found, shape = components(frame), shape_of(frame)
    assert shape == GridShape((1,) * t, s, k)
    of_seeds, of_tasks = values.mean(axis=(0, 2)), values.mean(axis=(1, 2))
    if found.seed > 0 and (k == 1 or found.block > 0):
        assert standard_error(found, shape, "fixed-suite") == pytest.approx(of_seeds.std(ddof=1) / np.sqrt(s))
    if found.task > 0 and (k == 1 or found.block > 0):  # what tasks share in a seed does not show in their spread
        whole = np.hypot(of_tasks.std(ddof=1) / np.sqrt(t), found.seed / np.sqrt(s))
        assert standard_error(found, shape, "new-tasks") == pytest.approx(whole)
        assert standard_error(found, shape, "new-datasets") == pytest.approx(whole)


def test_planted_components_are_found_again(factory):
    """Averaged over grids the (uncut) estimators are unbiased; a wide layout keeps them off zero."""
    shape = GridShape((3,) * 12, 12, 3)
    grids = np.concatenate(list(simulate(SPREADS, shape, "new-datasets", 60)))
    found = np.mean([np.square(astuple(components(factory.tidy(grid, shape.tasks)))) for grid in grids], axis=0)
    assert np.sqrt(found) == pytest.approx(astuple(SPREADS), rel=0.12)


def test_what_is_missing_leaves_out_seeds_or_else_tasks(factory):
    values = np.random.default_rng(0).normal(size=(4, 4))
    one = values.copy()
    one[2, 1] = np.nan
    assert components(factory.tidy(one)) == components(factory.tidy(np.delete(values, 1, axis=1)))
    many = values.copy()
    many[2, [0, 1, 3]] = np.nan
    assert components(factory.tidy(many)) == components(factory.tidy(np.delete(values, 2, axis=0)))
    with pytest.raises(PairingError, match="two tasks with two seeds"):
        components(factory.tidy(np.where(np.eye(4) > 0, np.nan, values)))
    with pytest.raises(PairingError, match="two tasks with two seeds"):
        components(factory.tidy(values[:1]))


# Power


@pytest.mark.parametrize(("effect", "n", "power"), [(0.5, 10, 0.4272898267711782), (0.4, 14, 0.41045244869663666)])
def test_power_is_statsmodels(effect, n, power):
    assert power_of(effect, ONE, one_task(n), "fixed-suite") == pytest.approx(power)
    assert power_of(effect, Components(task=1.0), GridShape((n,), 3), "new-tasks") == pytest.approx(power)
    assert power_of(effect, Components(dataset=1.0), GridShape((2,) * n, 3), "new-datasets") == pytest.approx(power)


@pytest.mark.parametrize(("n", "power", "effect"), [(10, 0.8, 0.8528391375729825), (14, 0.9, 0.826699206617078)])
def test_the_minimum_detectable_effect_is_statsmodels(n, power, effect):
    assert minimum_detectable_effect(ONE, one_task(n), "fixed-suite", power=power) == pytest.approx(effect, rel=1e-5)


def test_the_number_of_seeds_is_statsmodels():
    # TTestPower and R's power.t.test give 26.1375 for d = .5 at 80 %
    assert seeds_needed(0.5, ONE, one_task(2), "fixed-suite") == 27
    assert tasks_needed(0.5, Components(task=1.0), PAPER_SHAPE) == 27


@pytest.mark.parametrize("estimand", ESTIMANDS)
def test_the_minimum_detectable_effect_has_the_power_it_was_asked_for(estimand):
    effect = minimum_detectable_effect(SPREADS, PAPER_SHAPE, estimand, alpha=0.01, power=0.7)
    assert power_of(effect, SPREADS, PAPER_SHAPE, estimand, alpha=0.01) == pytest.approx(0.7)


@given(st.floats(0.002, 0.05), st.integers(1, 6), st.sampled_from(ESTIMANDS))
def test_the_number_of_seeds_is_the_fewest(effect, size, estimand):
    shape = GridShape((size, size, 1), 4)
    n = seeds_needed(effect, PAPER_COMPONENTS, shape, estimand)
    if n is None:
        assert power_of(effect, PAPER_COMPONENTS, replace(shape, seeds=10**7), estimand) < 0.8
        return
    assert power_of(effect, PAPER_COMPONENTS, replace(shape, seeds=n), estimand) >= 0.8
    assert n == 2 or power_of(effect, PAPER_COMPONENTS, replace(shape, seeds=n - 1), estimand) < 0.8


def test_no_number_of_seeds_makes_up_for_too_few_tasks():
    assert seeds_needed(0.001, PAPER_COMPONENTS, PAPER_SHAPE, "new-tasks") is None
    assert tasks_needed(0.001, PAPER_COMPONENTS, PAPER_SHAPE) > 1000


def test_one_unit_has_no_power_and_no_spread_has_all():
    assert np.isnan(power_of(1.0, ONE, one_task(1), "fixed-suite"))
    assert np.isnan(minimum_detectable_effect(ONE, one_task(1), "fixed-suite"))
    assert power_of(0.01, Components(), PAPER_SHAPE, "fixed-suite") == 1.0
    assert power_of(-0.01, Components(), PAPER_SHAPE, "fixed-suite") == 0.0


@pytest.mark.parametrize("numbers", [((), 3), ((0, 2), 3), ((2,), 0), ((2,), 3, 0)])
def test_a_shape_without_runs_is_refused(numbers):
    with pytest.raises(SpecError, match="each number must be 1 or more"):
        GridShape(*numbers)
