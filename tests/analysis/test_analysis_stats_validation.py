"""The suite's own error rates, against the figures that the choice of tests rests on."""

import tracemalloc

import numpy as np
import pytest
from frames import effect
from scipy import stats

from analysis.stats import (
    ESTIMANDS,
    PAPER_COMPONENTS,
    PAPER_SHAPE,
    Components,
    Rate,
    Shape,
    minimum_detectable_effect,
    validate,
)
from analysis.stats.validation import BATCH, simulate
from bench.errors import SpecError

FOUR_ALGORITHMS = Shape(PAPER_SHAPE.tasks, PAPER_SHAPE.seeds, 4)
SIMULATIONS = 4000


def holds(rate, value, level=0.999):
    """Whether a rate may be that value; at this level a law that is true fails once in a thousand streams."""
    interval = stats.binomtest(rate.hits, rate.of).proportion_ci(level, method="exact")
    return interval.low <= value <= interval.high


@pytest.fixture(scope="module")
def found():
    return {
        shape.algorithms: {(trial.estimand, trial.test): trial for trial in validate(
            PAPER_COMPONENTS, shape, simulations=SIMULATIONS
        ).trials}
        for shape in (PAPER_SHAPE, FOUR_ALGORITHMS)
    }  # fmt: skip


@pytest.mark.parametrize("algorithms", [1, 4])
def test_on_its_own_question_each_test_over_units_errs_at_its_level(found, algorithms):
    for key in (("fixed-suite", "t over seeds"), ("new-tasks", "t over tasks")):
        assert holds(found[algorithms][key].false_positives, 0.05)
    # Means over unequally many tasks differ in variance, so this one is only nearly exact.
    assert found[algorithms]["new-datasets", "t over datasets"].false_positives.value == pytest.approx(0.05, abs=0.012)


def test_on_the_fixed_suite_the_pooled_t_errs_far_too_rarely_and_finds_far_too_little(found):
    pooled, units = (found[1]["fixed-suite", test] for test in ("pooled t", "t over seeds"))
    assert holds(pooled.false_positives, 0.003)
    assert pooled.effect == units.effect
    assert pooled.power.value < 0.5 * units.power.value
    small = {trial.test: trial for trial in validate(PAPER_COMPONENTS, PAPER_SHAPE, effect=0.0023).trials[:2]}
    assert small["pooled t"].power.value / small["t over seeds"].power.value == pytest.approx(1 / 3, abs=0.05)


@pytest.mark.parametrize("algorithms", [1, 4])
@pytest.mark.parametrize("estimand", ["new-tasks", "new-datasets"])
def test_on_new_tasks_the_pooled_t_errs_a_quarter_of_the_time_or_more(found, algorithms, estimand):
    low, high = found[algorithms][estimand, "pooled t"].false_positives.interval
    assert 0.24 < low < high < 0.42


@pytest.mark.parametrize("algorithms", [1, 4])
def test_the_planted_effect_is_found_as_often_as_computed(found, algorithms):
    for key in (("fixed-suite", "t over seeds"), ("new-tasks", "t over tasks")):
        trial = found[algorithms][key]
        shape = PAPER_SHAPE if algorithms == 1 else FOUR_ALGORITHMS
        assert trial.effect == minimum_detectable_effect(PAPER_COMPONENTS, shape, trial.estimand)
        assert holds(trial.power, 0.80)


def test_where_classes_of_a_dataset_share_an_effect_only_datasets_are_independent():
    trials = validate(Components(dataset=0.02, residual=0.01), Shape((5,) * 6, 4)).trials
    rates = {trial.test: trial.false_positives for trial in trials if trial.estimand == "new-datasets"}
    assert holds(rates["t over datasets"], 0.05)
    (by_task,) = (trial.false_positives for trial in trials if trial.test == "t over tasks")
    assert by_task.interval[0] > 0.10


def test_the_simulated_tests_are_those_that_stored_results_get(factory):
    """One grid at a time through the frame, the same marks as in one sweep over the array."""
    shape, of = Shape((2, 1, 1), 5, 2), Components(0.01, 0.01, 0.01, 0.01, 0.01)
    trials = validate(of, shape, effect=0.01, simulations=25).trials
    for estimand in ESTIMANDS:
        (grids,) = simulate(of, shape, estimand, 25)
        frames = [factory.tidy(grid, shape.tasks) for grid in grids]
        moved = [frame.assign(difference=frame["difference"] + 0.01) for frame in frames]
        (trial,) = (it for it in trials if it.estimand == estimand and it.test != "pooled t")
        assert trial.n == effect(frames[0], estimand).n
        assert trial.false_positives.hits == sum(effect(frame, estimand).p < 0.05 for frame in frames)
        assert trial.power.hits == sum(effect(frame, estimand).p < 0.05 for frame in moved)
        (pooled,) = (it for it in trials if it.estimand == estimand and it.test == "pooled t")
        p = stats.ttest_1samp(grids.reshape(25, -1), 0, axis=1, alternative="greater").pvalue
        assert (pooled.n, pooled.false_positives.hits) == (40, (p < 0.05).sum())


def test_the_simulated_grids_vary_as_the_model_says():
    of, shape = Components(0.04, 0.03, 0.02, 0.015, 0.01), Shape((2, 2), 3, 2)
    grids = np.concatenate(list(simulate(of, shape, "new-tasks", 40_000)))
    assert grids.shape == (40_000, 4, 3, 2)
    first = grids[:, 0, 0, 0]

    def shared(*at):
        return np.cov(first, grids[(slice(None), *at)])[0, 1]

    dataset, task, seed, block, residual = np.square([of.dataset, of.task, of.seed, of.block, of.residual])
    tolerance = {"rel": 0.06, "abs": 3e-5}
    assert first.var() == pytest.approx(dataset + task + seed + block + residual, **tolerance)
    assert shared(0, 0, 1) == pytest.approx(dataset + task + seed + block, **tolerance)
    assert shared(0, 1, 0) == pytest.approx(dataset + task, **tolerance)
    assert shared(1, 0, 0) == pytest.approx(dataset + seed, **tolerance)
    assert shared(2, 0, 0) == pytest.approx(seed, **tolerance)
    assert shared(2, 1, 0) == pytest.approx(0, **tolerance)


def test_on_the_fixed_suite_the_tasks_have_no_effect_on_the_whole():
    grids = np.concatenate(list(simulate(Components(dataset=1, task=1), PAPER_SHAPE, "fixed-suite", 50)))
    assert grids.mean(axis=(1, 2, 3)) == pytest.approx(np.zeros(50), abs=1e-12)
    assert grids.std() > 0.5


def test_the_same_call_gives_the_same_figures_and_large_grids_come_in_batches():
    assert validate(PAPER_COMPONENTS, PAPER_SHAPE, simulations=50) == validate(
        PAPER_COMPONENTS, PAPER_SHAPE, simulations=50
    )
    large = Shape((50, 50), 20, 10)
    tracemalloc.start()
    sizes = [len(grids) for grids in simulate(PAPER_COMPONENTS, large, "new-tasks", 205)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sizes == [100, 100, 5]
    assert peak < 8 * BATCH * 8


def test_questions_with_one_unit_are_left_out():
    trials = validate(Components(residual=1), Shape((3,), 1), simulations=10).trials
    assert {trial.estimand for trial in trials} == {"new-tasks"}


@pytest.mark.parametrize(
    ("of", "shape", "simulations", "message"),
    [
        (Components(), PAPER_SHAPE, 10, "all standard deviations are 0"),
        (PAPER_COMPONENTS, Shape((1,), 1), 10, "one task and one seed make no test"),
        (PAPER_COMPONENTS, PAPER_SHAPE, 0, "0 simulations"),
    ],
)
def test_what_cannot_be_simulated_is_refused(of, shape, simulations, message):
    with pytest.raises(SpecError, match=message):
        validate(of, shape, simulations=simulations)


def test_a_rate_has_the_interval_of_clopper_and_pearson():
    # 4 of 20: the textbook's .0573 to .4366
    assert Rate(4, 20).value == 0.2
    assert Rate(4, 20).interval == pytest.approx((0.0573, 0.4366), abs=5e-5)
    assert Rate(0, 10).interval[0] == 0.0
