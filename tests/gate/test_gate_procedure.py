"""The decision at each look, against scipy and brute force, and the error rates of the whole by simulation."""

import numpy as np
import pytest
from gate_tools import a_plan, places
from scipy import stats

from analysis.gate import procedure, simulate, spending
from analysis.gate.procedure import (
    DECISIONS,
    ESTABLISHED,
    FUTILE,
    GO_ON,
    REGRESSION,
    conditional_power,
    first_decision,
    look_at,
    p_above,
)
from analysis.stats import Components, holm
from bench.errors import SpecError

SHAPE = (2, 4)  # metrics and places of a_plan
CALM = {"balanced_accuracy": Components(residual=0.02), "auc": Components(residual=0.01)}


def noise(seeds=10, sd=0.004, shape=SHAPE):
    return np.random.default_rng(5).normal(0, sd, (*shape, seeds))


def test_p_is_scipys_and_certain_where_the_arms_are_identical():
    values = noise()[0]
    expected = [stats.ttest_1samp(own, -0.01, alternative="greater").pvalue for own in values]
    never = np.zeros(4, dtype=bool)
    np.testing.assert_allclose(p_above(values, np.full(4, -0.01), never), expected)
    same = np.zeros((3, 5))
    np.testing.assert_array_equal(p_above(same, np.array([-0.01, 0.0, 0.01]), np.ones(3, dtype=bool)), [0, 1, 1])
    assert np.isnan(p_above(np.full(5, 0.2), np.array(0.0), np.array(False)))  # no spread, but no identity either


@pytest.mark.parametrize("claim", ["superior", "noninferior", "equivalent"])
def test_the_tests_of_a_look_are_those_declared(claim):
    """By hand: suite means per seed, t-tests at the edges, the worse of both sides for equivalence, Holm."""
    plan, differences = a_plan(claim=claim), noise() + 0.001
    (look,) = look_at(plan, differences)
    for metric, (own, margin) in enumerate(zip(differences, (0.02, 0.01), strict=True)):
        units = own.mean(axis=0)
        above = stats.ttest_1samp(units, 0.0 if claim == "superior" else -margin, alternative="greater").pvalue
        below = stats.ttest_1samp(units, margin, alternative="less").pvalue
        assert look.raw.claim[metric] == pytest.approx(max(above, below) if claim == "equivalent" else above)
        assert look.raw.worse[metric] == pytest.approx(stats.ttest_1samp(units, -margin, alternative="less").pvalue)
    harm = [
        stats.ttest_1samp(differences[metric, place], -2 * margin, alternative="less").pvalue
        for metric, margin in enumerate((0.02, 0.01))
        for place in range(4)
    ]
    np.testing.assert_allclose(look.raw.harm.ravel(), harm)
    np.testing.assert_allclose(look.adjusted.harm.ravel(), holm(harm), rtol=1e-3)


def test_places_of_a_task_count_as_one_task():
    plan = a_plan(places=[*places((("a", "x"),), (10, 50)), *places((("b", "y"),))], margins={"auc": 0.01})
    units = procedure.suite_units(plan, np.array([[[0.1] * 10, [0.3] * 10, [0.6] * 10]]))
    np.testing.assert_allclose(units, np.full((1, 10), (0.2 + 0.6) / 2))


@pytest.mark.parametrize(
    ("shift", "claim", "expected"),
    [
        (0.0, "noninferior", ESTABLISHED),
        (0.0, "equivalent", ESTABLISHED),
        (0.0, "superior", FUTILE),
        (0.03, "superior", ESTABLISHED),
        (0.03, "equivalent", REGRESSION),
        (-0.03, "noninferior", REGRESSION),
        (-0.03, "superior", REGRESSION),
    ],
)
def test_decisions(shift, claim, expected):
    if (claim, expected) == ("equivalent", REGRESSION):
        expected = FUTILE  # a better candidate is not equivalent, and no regression
    looks = look_at(a_plan(claim=claim, looks=(4, 7, 10)), noise() + shift)
    assert DECISIONS[looks[int(first_decision(looks))].decision] == DECISIONS[expected]


def test_one_metric_that_does_not_hold_holds_the_claim_back():
    differences = noise()
    differences[1] -= 0.0099
    (look,) = look_at(a_plan(), differences)
    assert look.adjusted.claim[0] <= 0.05 < look.adjusted.claim[1]
    assert look.decision == GO_ON


def test_a_claim_is_not_established_while_harm_is_suspected():
    differences = noise()
    differences[0, 1] -= 0.042  # a task's margin is 0.04
    differences[0, 2:] += 0.03
    (look,) = look_at(a_plan(), differences)
    assert (look.adjusted.claim <= 0.05).all()
    assert look.raw.harm[0, 1] <= 0.05 < look.adjusted.harm[0, 1]
    assert look.decision == GO_ON
    differences[0, 1] -= 0.01
    (look,) = look_at(a_plan(), differences)
    assert look.decision == REGRESSION


def test_looks_that_need_more_seeds_are_left_out_and_a_crossing_is_kept():
    plan = a_plan(looks=(4, 7, 10), margins={"auc": 0.01})
    differences = noise(7, shape=(1, 4))
    differences[..., 4:] -= 0.05  # the first look had crossed
    looks = look_at(plan, differences - 0.01 + 0.02)
    assert [look.seeds for look in looks] == [4, 7]
    assert looks[1].adjusted.claim <= looks[0].adjusted.claim


def test_conditional_power_is_the_share_of_paths_that_end_beyond_the_boundary():
    plan = a_plan(looks=(4, 7, 10))
    path = 0.9 * np.sqrt(0.7)  # a Brownian motion that stands here after 7 of 10 seeds
    steps = np.random.default_rng(1).normal(path / 0.7 * 0.3, np.sqrt(0.3), 200_000)
    beyond = np.mean(path + steps >= stats.norm.isf(spending.nominal((4, 7, 10), 0.05)[-1]))
    p = np.array(stats.norm.sf(0.9))
    assert float(conditional_power(plan, 1, p)) == pytest.approx(beyond, abs=0.004)
    assert float(conditional_power(plan, 1, np.array(np.nan))) == 0.0


def scenarios(plan, spread=CALM, simulations=400):
    return {it.title.split(" (")[0]: it for it in simulate(plan, spread, simulations).scenarios}


@pytest.mark.parametrize(("estimand", "claim"), [("fixed-suite", "noninferior"), ("new-tasks", "superior")])
def test_the_whole_procedure_errs_no_more_often_than_declared_and_finds(estimand, claim):
    """Sequential, with futility and harm gate; the lower end of a 95 % interval above the level would be an error."""
    spread = {metric: Components(task=0.004, residual=own.residual) for metric, own in CALM.items()}
    found = scenarios(a_plan(looks=(4, 7, 10), claim=claim, estimand=estimand), spread)
    for title in ("balanced_accuracy at the edge of the claim", "auc at the edge of the claim"):
        assert found[title].established.interval[0] <= 0.05
        assert found[title].established.value > 0.01  # a plan that never claims anything would err never
    assert found["worse"].established.value == 0
    assert found["worse"].regression.value > 0.75
    assert found["one task at the edge of its margin, in one metric"].regression.interval[0] <= 0.05
    if claim == "noninferior":
        assert found["no difference"].regression.interval[0] <= 0.05
        assert found["no difference"].established.value > 0.75
        assert found["no difference"].seeds < 9
        assert found["one task worse by twice its margin, in one metric"].established.value < 0.05


def test_peeking_at_the_full_level_would_err_far_more_often(monkeypatch):
    plan = a_plan(looks=(2, 4, 6, 8, 10), margins={"auc": 0.01}, futility=0.0)
    title = "auc at the edge of the claim"
    honest = scenarios(plan)[title].established
    assert honest.interval[0] <= 0.05
    monkeypatch.setattr(procedure, "over_looks", lambda p, **_: p)
    assert scenarios(plan)[title].established.interval[0] > 0.08


def test_there_must_be_something_to_simulate():
    with pytest.raises(SpecError, match="nothing to simulate"):
        simulate(a_plan(), dict.fromkeys(CALM, Components()))
