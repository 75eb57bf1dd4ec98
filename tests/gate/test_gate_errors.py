"""The simulator of the gate's own error rates: small runs of it, and what must be so whatever is drawn."""

import numpy as np
import pytest
from gate_tools import a_plan, fill, places

from analysis import read_results
from analysis.gate import bound_trials, bounds_table, clean_night, error_rates, errors_table
from analysis.gate.errors import DROP, NOISES, RATE, SD
from analysis.gate.simulation import _all_edges


@pytest.fixture(scope="module")
def trials():
    return list(error_rates(150, tasks=(4,), counts=(5,)))


def test_every_kind_of_difference_and_of_plan_is_tried(trials):
    assert {it.noise for it in trials} == set(NOISES)
    assert len(trials) == len(NOISES) * 5
    assert len(errors_table(trials).rows) == len(trials)


def test_plans_err_no_more_than_they_say_but_where_runs_collapse(trials):
    for it in trials:
        assert it.false_regression.interval[0] <= 0.05
        if "collapsing" not in it.noise:
            assert it.false_pass.interval[0] <= 0.05
    bounded = [it for it in trials if "whatever rate" in it.plan]
    assert all(it.false_pass.hits == 0 for it in bounded)  # five seeds of four tasks can show nothing of the kind
    (plain,) = [it for it in trials if (it.noise, it.plan) == ("normal", "one analysis")]
    assert 0.4 < plain.power.value < 0.75


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("both", [False, True])
def test_differences_have_mean_zero_and_the_spread_that_is_said(noise, both):
    values, collapsed = NOISES[noise](np.random.default_rng(0), (4000, 4, 5), both=both)
    sd = np.sqrt(SD**2 + ("collapsing" in noise) * DROP**2 * RATE * (1 + both))
    assert abs(values.mean()) < 4 * sd / np.sqrt(values.size)
    assert values.std() == pytest.approx(sd, rel=0.15)
    assert collapsed.shape == (2, *values.shape)
    assert collapsed.any() == ("collapsing" in noise)


def test_the_bound_that_is_taken_keeps_its_level_where_those_of_t_do_not():
    found = {(it.bound, it.seeds, it.rate): it for it in bound_trials(200)}
    assert all(it.missed.interval[0] <= 0.05 for it in found.values() if it.bound in ("two parts", "betting"))
    assert found["t over seeds", 10, 0.01].missed.interval[0] > 0.05
    assert found["betting", 20, 0.01].power.value >= found["two parts", 20, 0.01].power.value
    assert len(bounds_table(list(found.values())).rows) == len(found)


def test_the_worst_configuration_is_at_every_edge_and_beyond_none():
    plan = a_plan(places=places([(f"d{at}", "p") for at in range(6)]), margins={"auc": 0.01})
    shift = _all_edges(plan)[0, :, 0]
    assert shift.mean() == pytest.approx(-0.01)
    assert shift.min() == pytest.approx(-0.02)
    assert (shift == -0.02).sum() == 3


def test_a_clean_night_is_likelier_with_more_seeds_and_fewer_strategies(tmp_path):
    results = read_results(fill(tmp_path / "s", seeds=range(4), noise=0.004))
    plan = a_plan(margins={"auc": 0.04}, looks=(3,), stratified=True, baseline_store="b")
    one, many = clean_night([plan], results), clean_night([plan] * 12, results)
    assert 0 < many.chance < one.chance < 1
    assert 3 < one.enough <= many.enough
    assert 0.01 < one.spread["auc"] < 0.1
