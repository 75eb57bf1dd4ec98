"""The decision at each look, against scipy and brute force, and the error rates of the whole by simulation."""

import numpy as np
import pytest
from gate_tools import a_plan, places
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.gate import procedure, simulate
from analysis.gate.procedure import (
    DECISIONS,
    ESTABLISHED,
    FUTILE,
    GO_ON,
    REFUTED,
    REGRESSION,
    bounds_at,
    conditional_power,
    first_decision,
    look_at,
    t_above,
)
from analysis.stats import Components, nominal
from bench.errors import SpecError

SHAPE = (2, 4)  # metrics and places of a_plan
CALM = {"balanced_accuracy": Components(residual=0.02), "auc": Components(residual=0.01)}


def noise(seeds=10, sd=0.004, shape=SHAPE):
    return np.random.default_rng(5).normal(0, sd, (*shape, seeds))


def test_p_is_scipys_and_where_nothing_varies_what_it_tends_to():
    values = noise()[0]
    expected = [stats.ttest_1samp(own, -0.01, alternative="greater").pvalue for own in values]
    np.testing.assert_allclose(t_above(values, np.full(4, -0.01)), expected)
    same = np.full((3, 5), 0.2)
    np.testing.assert_array_equal(t_above(same, np.array([-0.01, 0.2, 0.21])), [0, 1, 1])
    assert np.isnan(t_above(same[:, :1], np.array(0.0))).all()


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
    np.testing.assert_allclose(look.adjusted.harm.ravel(), np.minimum(1, 2 * 8 * np.array(harm)), rtol=1e-3)
    np.testing.assert_allclose(look.adjusted.worse, np.minimum(1, 2 * 3 * look.raw.worse), rtol=1e-3)


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
        expected = REFUTED  # a better candidate is not equivalent, and no regression
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
    assert (look.raw.claim <= 0.05).all()
    assert look.raw.harm[0, 1] <= 0.05 < look.adjusted.harm[0, 1]
    assert look.decision == GO_ON
    differences[0, 1] -= 0.01
    (look,) = look_at(a_plan(), differences)
    assert look.decision == REGRESSION


@pytest.mark.parametrize("claim", ["superior", "noninferior", "equivalent"])
@pytest.mark.parametrize("how", [{}, {"stratified": True}, {"collapses": 0.0}, {"sequential": "evalue"}], ids=str)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shift=st.floats(-0.04, 0.04), sd=st.floats(0.001, 0.03), seed=st.integers(0, 999))
def test_the_bounds_that_are_shown_are_those_that_decide(claim, how, shift, sd, seed):
    """Law of every analysis that ends a plan: what passes clears its margins by its own bounds, and the reverse."""
    plan = a_plan(claim=claim, looks=(4, 7, 10), **how)
    differences = np.random.default_rng(seed).normal(shift, sd, (*SHAPE, 10))
    looks = look_at(plan, differences)
    look = looks[int(first_decision(looks))]
    bounds = bounds_at(plan, look, differences[..., : look.seeds])
    margins = np.array([0.02, 0.01])
    edge = np.zeros(2) if claim == "superior" else -margins
    within = bounds.high < margins if claim == "equivalent" else True
    if look.decision == ESTABLISHED:
        assert (bounds.low > edge).all()
    if look.decision == REGRESSION:
        assert (bounds.high < -margins).any() or (bounds.harm_high < -2 * margins[:, None]).any()
    elif not (procedure.suspected(plan, look.raw).any() or claim == "equivalent"):
        assert (look.decision == ESTABLISHED) == bool(np.all((bounds.low > edge) & within))


def test_analyses_that_need_more_seeds_are_left_out_and_each_speaks_for_itself():
    """Two metrics that cross at different analyses establish nothing: the bound at the one that decides must clear."""
    plan = a_plan(looks=(4, 7, 10), claim="superior", futility=0.0)
    differences = noise(7) + 0.02
    differences[0, :, 4:] -= 0.08  # crossed at the first analysis, and lies below 0 at the second
    differences[1, :, :4] -= 0.021
    differences[1, :, 4:] += 0.01
    looks = look_at(plan, differences)
    assert [look.seeds for look in looks] == [4, 7]
    assert looks[0].raw.claim[0] <= looks[0].levels.claim
    assert looks[1].raw.claim[0] > looks[1].levels.claim
    assert looks[1].decision != ESTABLISHED


def test_conditional_power_is_the_share_of_paths_that_end_beyond_the_boundary():
    plan = a_plan(looks=(4, 7, 10))
    path = 0.9 * np.sqrt(0.7)  # a Brownian motion that stands here after 7 of 10 seeds
    steps = np.random.default_rng(1).normal(path / 0.7 * 0.3, np.sqrt(0.3), 200_000)
    beyond = np.mean(path + steps >= stats.norm.isf(nominal((4, 7, 10), 0.05)[-1]))
    p = np.array(stats.norm.sf(0.9))
    assert float(conditional_power(plan, 1, p)) == pytest.approx(beyond, abs=0.004)
    assert float(conditional_power(plan, 1, np.array(np.nan))) == 0.0


def scenarios(plan, spread=CALM, simulations=400):
    return {it.title.split(" (")[0]: it for it in simulate(plan, spread, simulations).scenarios}


TEN = places([(f"d{number}", "p") for number in range(10)])


@pytest.mark.parametrize(("estimand", "claim"), [("fixed-suite", "noninferior"), ("new-tasks", "superior")])
def test_the_whole_procedure_errs_no_more_often_than_declared_and_finds(estimand, claim):
    """Sequential, with futility and harm gate; the lower end of a 95 % interval above the level would be an error."""
    spread = {metric: Components(task=0.004, residual=own.residual) for metric, own in CALM.items()}
    found = scenarios(a_plan(looks=(4, 7, 10), claim=claim, estimand=estimand, places=TEN), spread)
    for title in ("balanced_accuracy at the edge of the claim", "auc at the edge of the claim"):
        assert found[title].established.interval[0] <= 0.05
        assert found[title].established.value > 0.01  # a plan that never claims anything would err never
    assert found["worse"].established.value == 0
    assert found["worse"].regression.value > 0.75
    for title in (
        "one task at the edge of its margin, in one metric",
        "all at their margins at once: the suite, and as",
    ):
        (worst,) = [it for name, it in found.items() if name.startswith(title)]
        assert worst.regression.interval[0] <= 0.05
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
    monkeypatch.setattr(procedure, "nominal", lambda looks, alpha, kind="obf": (alpha,) * len(looks))
    assert scenarios(plan)[title].established.interval[0] > 0.08


def test_there_must_be_something_to_simulate():
    with pytest.raises(SpecError, match="nothing to simulate"):
        simulate(a_plan(), dict.fromkeys(CALM, Components()))
