"""What a margin takes in seeds and tasks, held against simulated grids and the functions it is made of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.stats import Components, Pilot, Shape, needs, seeds_needed, tasks_needed
from bench.errors import SpecError

PILOT = Pilot("pilot", Shape((2, 1), seeds=4), Components(task=0.004, seed=0.002, residual=0.01))


def of(found, estimand):
    (one,) = (need for need in found if need.estimand == estimand)
    return one


def test_so_many_seeds_find_the_margin_and_fewer_do_not():
    """By simulation: 80 % of the t-tests over the seeds asked for, and fewer of those over one seed less."""
    margin = 0.012
    way = of(needs(PILOT, margin), "fixed-suite").by_seeds
    rng = np.random.default_rng(0)
    rates = []
    for n in (way.seeds, way.seeds - 1):
        cells = margin + rng.normal(0, 0.01, (20_000, 3, n)) + rng.normal(0, 0.002, (20_000, 1, n))
        p = stats.ttest_1samp(cells.mean(axis=1), 0, axis=1, alternative="greater").pvalue
        rates.append((p < 0.05).mean())
    # 4 standard errors of a rate of .8 over 20,000 grids are .011
    assert rates[0] > 0.8 - 0.012
    assert rates[1] < 0.8 + 0.012


def test_runs_are_those_of_both_arms_and_only_what_is_not_there_yet_is_more():
    found = needs(PILOT, 0.008)
    by_seeds, by_tasks = of(found, "fixed-suite").by_seeds, of(found, "new-tasks").by_tasks
    assert (by_seeds.tasks, by_seeds.runs) == (3, 2 * 3 * by_seeds.seeds)
    assert by_seeds.more == 2 * 3 * (by_seeds.seeds - 4)
    assert (by_tasks.seeds, by_tasks.runs) == (4, 2 * 4 * by_tasks.tasks)
    assert of(needs(PILOT, 0.5), "fixed-suite").by_seeds.more == 0
    assert {need.estimand for need in found if need.by_tasks} == {"new-tasks"}


def test_what_no_number_of_seeds_can_do_is_said():
    """Three tasks that differ by .2 will not show .001 on tasks like them, however many seeds."""
    spread = Pilot("pilot", PILOT.shape, Components(task=0.2, residual=0.01))
    need = of(needs(spread, 0.001), "new-tasks")
    assert need.by_seeds is None
    assert need.by_tasks.tasks == tasks_needed(0.001, spread.components, spread.shape)


def test_one_unit_detects_nothing():
    one = Pilot("pilot", Shape((1,), seeds=3), Components(residual=0.01))
    need = of(needs(one, 0.01), "new-tasks")
    assert (need.units, need.detectable, need.power) == (1, None, None)
    assert of(needs(one, 0.01), "fixed-suite").detectable > 0


@given(margin=st.floats(0.002, 0.2), seeds=st.integers(2, 30))
def test_enough_seeds_are_there_just_where_the_margin_can_be_detected(margin, seeds):
    plan = Pilot("pilot", Shape((2, 1), seeds), PILOT.components)
    need = of(needs(plan, margin), "fixed-suite")
    assert need.by_seeds.seeds == seeds_needed(margin, plan.components, plan.shape, "fixed-suite")
    if abs(need.detectable - margin) > 1e-9:
        assert (need.by_seeds.more == 0) == (need.detectable <= margin) == (need.power >= 0.8)


@pytest.mark.parametrize("margin", [0.0, -0.01, float("nan"), float("inf")])
def test_a_margin_that_is_none_is_refused(margin):
    with pytest.raises(SpecError, match="give one above 0"):
        needs(PILOT, margin)
