"""Planted cases, from a store to a verdict."""

import json
import math

import pytest
from gate_tools import BASELINE, CANDIDATE, TASKS, a_plan, factory, fill, places, verdict_on

from analysis import read_results
from analysis.gate import Verdict, headline, lines, parse_strategy, stored_strategy
from bench.errors import SpecError
from bench.records import Component, Strategy
from bench.store import Store


def test_a_better_candidate_is_found_better(tmp_path):
    verdict = verdict_on(a_plan(claim="superior"), fill(tmp_path / "s", 0.02))
    assert (verdict.outcome, verdict.exit_code) == ("established", 0)
    assert headline(verdict).startswith("PASS: random+invprop is better than random+uniform on these tasks")
    assert [it.established for it in verdict.suite] == [True, True]
    assert all(it.low > 0 for it in verdict.suite)


def test_an_equal_one_is_not_inferior_and_equivalent_but_never_superior(tmp_path):
    store = fill(tmp_path / "s", 0.0)
    assert verdict_on(a_plan(), store).exit_code == 0
    assert verdict_on(a_plan(claim="equivalent"), store).exit_code == 0
    verdict = verdict_on(a_plan(claim="superior"), store)
    assert verdict.exit_code == 3
    assert headline(verdict).startswith("INCONCLUSIVE: not shown that random+invprop is better")


def test_a_better_one_is_not_equivalent_and_no_regression_either(tmp_path):
    assert verdict_on(a_plan(claim="equivalent"), fill(tmp_path / "s", 0.05)).exit_code == 3


@pytest.mark.parametrize("claim", ["noninferior", "superior"])
def test_a_worse_one_is_a_regression(tmp_path, claim):
    verdict = verdict_on(a_plan(claim=claim), fill(tmp_path / "s", -0.03))
    assert verdict.exit_code == 1
    assert headline(verdict).startswith("REGRESSION: random+invprop is worse than random+uniform on these tasks")
    assert all(it.worse and it.high < -it.margin for it in verdict.suite)


def test_one_that_is_worse_on_a_single_task_fails_there(tmp_path):
    store = fill(tmp_path / "s", lambda task, _: -0.09 if task == "sst2/positive" else 0.03)
    verdict = verdict_on(a_plan(), store)
    assert verdict.exit_code == 1
    assert headline(verdict).endswith("is worse than random+uniform on sst2/positive 1/50 warm alone")
    assert all(it.established and not it.worse for it in verdict.suite)
    assert {str(it.place) for it in verdict.places if it.harmed} == {"sst2/positive 1/50 warm"}
    said = lines(verdict)
    assert "sst2/positive 1/50 warm" in said[0]
    assert "sst2/positive 1/50 warm" in said[1]
    assert any("ROC-AUC: " in line and "worse by more than a task's margin 0.02" in line for line in said[:2])
    assert said[2].startswith("Balanced accuracy on these tasks: ")


def test_too_few_seeds_are_inconclusive_and_the_number_named_suffices(tmp_path):
    plan = {"margins": {"auc": 0.003}, "harm_margins": {"auc": 0.02}}
    store = fill(tmp_path / "s", -0.001, seeds=range(3), noise=0.006)
    few = verdict_on(a_plan(looks=(3,), **plan), store)
    assert few.exit_code == 3
    assert 3 < few.seeds_needed < 100
    assert f"about {few.seeds_needed} seeds" in headline(few)
    fill(tmp_path / "s", -0.001, seeds=range(3, few.seeds_needed), noise=0.006)
    assert verdict_on(a_plan(looks=(few.seeds_needed,), **plan), store).exit_code == 0


def test_where_no_number_of_seeds_will_do_that_is_said(tmp_path):
    verdict = verdict_on(a_plan(claim="superior", looks=(3,)), fill(tmp_path / "s", -0.003, seeds=range(3)))
    assert (verdict.exit_code, verdict.seeds_needed) == (3, None)
    assert "no number of seeds will do" in headline(verdict)


def test_where_tasks_differ_more_tasks_are_asked_for_and_not_seeds(tmp_path):
    store = fill(tmp_path / "s", lambda task, _: {"ag_news/World": 0.035, "sst2/positive": 0.03}.get(task, -0.004))
    verdict = verdict_on(a_plan(claim="superior", estimand="new-tasks"), store)
    assert (verdict.exit_code, verdict.seeds_needed) == (3, None)
    assert verdict.tasks_needed > 4
    assert f"about {verdict.tasks_needed} tasks should" in headline(verdict)


def test_a_decision_at_a_look_stops_and_says_what_it_saves(tmp_path):
    verdict = verdict_on(a_plan(looks=(4, 7, 10), claim="superior"), fill(tmp_path / "s", 0.05, seeds=range(4)))
    assert verdict.exit_code == 0
    assert [look.decision for look in verdict.looks] == ["established", None, None]
    assert verdict.suite[0].n == 4
    assert verdict.runs_saved == 6 * 4 * 2
    assert verdict.seconds_saved == pytest.approx(verdict.runs_saved * 9.0)
    assert any("look 1 of 3, 4 seeds" in line and "6 seeds not needed" in line for line in lines(verdict))


def test_seeds_after_a_decision_are_not_looked_at(tmp_path):
    plan = a_plan(looks=(4, 7, 10), claim="superior")
    few = verdict_on(plan, fill(tmp_path / "few", 0.05, seeds=range(4)))
    store = fill(tmp_path / "all", 0.05, seeds=range(4))
    fill(tmp_path / "all", -0.5, seeds=range(4, 10))
    assert verdict_on(plan, store) == few.model_copy(update={"runs_saved": 0, "seconds_saved": 0.0})


def test_between_looks_there_is_no_verdict(tmp_path):
    """Five complete seeds are no look: the evidence is that of four, and the next look lacks runs."""
    store = fill(tmp_path / "s", -0.009, seeds=range(5))
    verdict = verdict_on(a_plan(looks=(4, 7, 10)), store)
    assert (verdict.exit_code, verdict.taken, verdict.runnable) == (4, 1, True)
    assert {finding.kind for finding in verdict.findings} == {"missing"}
    assert "8 runs of the candidate random+invprop are not in the store" in verdict.findings[0].text


def test_a_stop_for_futility_is_inconclusive(tmp_path):
    store = fill(tmp_path / "s", -0.01, seeds=range(4))
    verdict = verdict_on(a_plan(looks=(4, 7, 10), margins={"auc": 0.01}), store)
    assert (verdict.exit_code, verdict.looks[0].decision) == (3, "futile")
    assert verdict_on(a_plan(looks=(4, 7, 10), margins={"auc": 0.01}, futility=0.0), store).exit_code == 4


def test_identical_runs_of_two_stores_are_equivalent_and_not_superior(tmp_path):
    one, other = fill(tmp_path / "a", seeds=range(3)), fill(tmp_path / "b", seeds=range(3))
    same = {"candidate": CANDIDATE, "baseline": CANDIDATE, "baseline_store": "b", "looks": (3,)}
    assert verdict_on(a_plan(**same, claim="equivalent"), one, other).exit_code == 0
    verdict = verdict_on(a_plan(**same, claim="superior"), one, other)
    assert verdict.exit_code == 3
    assert "random+invprop @ b" in headline(verdict)


def test_drift_between_two_stores_is_found(tmp_path):
    old, new = fill(tmp_path / "old"), fill(tmp_path / "new", -0.03, noise=0.006)
    plan = a_plan(baseline=CANDIDATE, baseline_store="old")
    assert verdict_on(plan, new, old).exit_code == 1


def test_differences_without_spread_are_no_test(tmp_path):
    verdict = verdict_on(a_plan(claim="superior"), fill(tmp_path / "s", 0.03, noise=0.0))
    assert (verdict.exit_code, [it.p_claim for it in verdict.suite]) == (3, [None, None])
    assert "p none (no spread)" in lines(verdict)[0]


# What is in the way of a verdict: one line each, exit code 4.


def broken(store, **fields):
    """Write one more run of the candidate, of seed 3 on a task."""
    task = {"dataset": "sst2", "positive": "positive", "seed": 3}
    record = factory.a_run("random", "invprop", **{**task, **fields})
    store.write(record)
    return record


def without_one(path):
    """A store that lacks the candidate's run of seed 3 on sst2/positive."""
    store = fill(path)
    key = factory.a_run("random", "invprop", dataset="sst2", positive="positive", seed=3).key
    store.file_of(key).unlink()
    return store


def only_finding(plan, store, baseline=None):
    verdict = verdict_on(plan, store, baseline)
    assert (verdict.outcome, verdict.exit_code) == ("incomplete", 4)
    assert (verdict.suite, verdict.places, verdict.taken) == ((), (), 0)
    (finding,) = verdict.findings
    assert "\n" not in finding.text
    assert finding.text in lines(verdict)
    assert headline(verdict).startswith("NO VERDICT on random+invprop against random+uniform: runs ")
    return finding


def test_a_missing_run(tmp_path):
    finding = only_finding(a_plan(), without_one(tmp_path / "s"))
    assert finding.kind == "missing"
    assert "1 run of the candidate random+invprop" in finding.text
    assert "first: sst2/positive 1/50 warm seed 3" in finding.text


def test_a_candidate_that_crashes(tmp_path):
    store = without_one(tmp_path / "s")
    broken(store, status="failed", reason="algorithm 'mine' raises ZeroDivisionError: by\nhand")
    finding = only_finding(a_plan(), store)
    assert finding.kind == "failed"
    assert "1 run of the candidate random+invprop failed: algorithm 'mine' raises ZeroDivisionError" in finding.text


def test_a_failure_of_the_baseline_counts_as_well(tmp_path):
    store = fill(tmp_path / "s", arms=("invprop",))
    for dataset, positive in TASKS:
        for seed in range(10):
            where = {"dataset": dataset, "positive": positive, "seed": seed}
            store.write(factory.a_run("random", "uniform", **where, status="failed", reason="NaN loss"))
    finding = only_finding(a_plan(), store)
    assert "40 runs of the baseline random+uniform failed: NaN loss" in finding.text


def test_nan(tmp_path):
    store = without_one(tmp_path / "s")
    broken(store, auc=math.nan)
    assert only_finding(a_plan(), store).kind == "nan"
    assert verdict_on(a_plan(margins={"balanced_accuracy": 0.5}), store).exit_code == 0  # not a metric of the plan


def test_a_run_stored_twice(tmp_path):
    store = fill(tmp_path / "s")
    broken(store, fingerprint="e" * 32)
    finding = only_finding(a_plan(), store)
    assert finding.kind == "duplicate"
    assert finding.text.startswith("2 runs of the candidate random+invprop claim a place")


def test_other_data(tmp_path):
    store = fill(tmp_path / "s", arms=("uniform",))
    fill(tmp_path / "s", arms=("invprop",), fingerprint="e" * 32)
    verdict = verdict_on(a_plan(), store)
    assert (verdict.exit_code, verdict.runnable) == (4, False)
    assert [finding.kind for finding in verdict.findings] == ["data", "data"]
    assert "ag_news: the candidate ran on data eeeeeeee, the baseline ran on data ffffffff" in verdict.findings[0].text


def test_a_baseline_elsewhere_is_not_waited_for(tmp_path):
    """Its gaps and its other data are seen before the candidate is run: no run here would mend them."""
    plan = a_plan(baseline_store="old", looks=(2,))
    here = Store(tmp_path / "here", create=True)
    old = fill(tmp_path / "old", seeds=range(2), arms=("uniform",))
    same, other = ({"ag_news": data * 32, "sst2": "f" * 32} for data in "fe")
    assert verdict_on(plan, here, old, data_here=same).runnable
    verdict = verdict_on(plan, here, old, data_here=other)
    assert (verdict.exit_code, verdict.runnable) == (4, False)
    assert [it.text.partition(", the")[0] for it in verdict.findings if it.kind == "data"] == [
        "ag_news: the candidate would run on data eeeeeeee"
    ]
    fill(here.path, seeds=range(2), arms=("invprop",))
    assert verdict_on(plan, here, old, data_here=other).findings == ()  # all is stored, and was made on the same data
    gaps = verdict_on(plan, Store(tmp_path / "none", create=True), Store(tmp_path / "none"), data_here=same)
    assert [(it.fixable, "are not in old" in it.text) for it in gaps.findings] == [(True, False), (False, True)]
    assert not gaps.runnable


def test_other_conditions_of_the_same_data(tmp_path):
    store = fill(tmp_path / "s", arms=("uniform",))
    fill(tmp_path / "s", arms=("invprop",), pair_key="another start set")
    finding = only_finding(a_plan(), store)
    assert finding.kind == "pairing"
    assert finding.text.startswith("40 runs do not share a pair key")


GPU = factory.MADE.model_copy(update={"device": "NVIDIA H200", "precision": "bf16", "versions": {"torch": "2.13.0"}})


@pytest.mark.parametrize("elsewhere", [False, True])
def test_an_arm_whose_first_model_differs_is_no_pair_and_what_differs_is_named(tmp_path, elsewhere):
    """M_0 is common to both arms, so that its probabilities tell a GPU in bf16 from a CPU in fp32."""
    store = fill(tmp_path / "s", arms=("uniform",), control=(0.2, 0.8))
    there = fill(tmp_path / "gpu" if elsewhere else store.path, arms=("invprop",), control=(0.2, 0.801), made=GPU)
    plan = a_plan(baseline_store="cpu" if elsewhere else "")
    verdict = verdict_on(plan, there, store)
    assert (verdict.exit_code, verdict.runnable) == (4, False)
    (finding,) = verdict.findings
    assert finding.kind == "pairing"
    assert finding.text.startswith("40 runs are no pairs: M_0, which they share, gives probabilities 0.001 apart")
    assert "device NVIDIA H200 and cpu; precision bf16 and fp32" in finding.text
    assert "torch" in finding.text


@pytest.mark.parametrize("control", [(0.2, 0.80005), ()], ids=["rounding", "not recorded"])
def test_a_first_model_that_is_the_same_but_for_rounding_is_compared(tmp_path, control):
    store = fill(tmp_path / "s", 0.1, arms=("uniform",), control=(0.2, 0.8))
    fill(store.path, 0.1, arms=("invprop",), control=control)
    assert verdict_on(a_plan(), store).findings == ()


def test_other_settings_and_another_version_of_the_metrics(tmp_path):
    store = fill(tmp_path / "s", arms=("uniform",))
    longer = factory.SETTINGS.model_copy(update={"loop": factory.SETTINGS.loop.model_copy(update={"rounds": 3})})
    fill(tmp_path / "s", arms=("invprop",), settings=longer)
    assert "runs under other settings (loop.rounds 3, not 2), which" in only_finding(a_plan(), store).text
    store = fill(tmp_path / "t", arms=("uniform",))
    for record in fill(tmp_path / "other", arms=("invprop",)).records():
        store.write(record.model_copy(update={"metric_version": 0}))
    assert "another version of the metrics" in only_finding(a_plan(), store).text


def test_a_verdict_survives_its_own_json(tmp_path):
    verdict = verdict_on(a_plan(looks=(4, 7, 10)), fill(tmp_path / "s"), warnings=("loud",), notes=("quiet",))
    text = verdict.model_dump_json()
    assert Verdict.model_validate_json(text) == verdict
    assert json.loads(text, parse_constant=pytest.fail)["schema_version"] == 1
    assert lines(verdict)[0] == "loud"
    assert lines(verdict)[-1] == "quiet"


def test_several_ratios_are_places_of_their_own(tmp_path):
    for ratio, effect in ((10, 0.03), (50, -0.06)):
        fill(tmp_path / "s", effect, ratio=ratio)
    verdict = verdict_on(a_plan(places=places(ratios=(10, 50))), Store(tmp_path / "s"))
    assert verdict.suite[0].estimate == pytest.approx(-0.015, abs=0.002)
    assert {it.place.ratio for it in verdict.places if it.harmed} == {50}


# Which stored strategy is meant.


def variants(path):
    store = Store(path, create=True)
    for options in ({"bins": 5}, {"bins": 10}):
        store.write(factory.a_run("random", "invprop", options=options))
    store.write(factory.a_run("random", "uniform"))
    return read_results(store)


def test_a_strategy_is_found_by_its_options(tmp_path):
    found = stored_strategy(variants(tmp_path / "s"), parse_strategy("random+invprop:bins=5"))
    expected = Component(name="invprop", options={"bins": 5})
    assert found == Strategy(algorithm=Component(name="random"), weighting=expected)
    assert stored_strategy(variants(tmp_path / "s"), parse_strategy("random+uniform")) == BASELINE


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("random+invprop", "several settings of random.invprop are stored: random.invprop:bins=10 .*bins=5"),
        ("badge+uniform", r"no runs of badge\+uniform; it has: random\+invprop, random\+uniform"),
        ("random+invprop:bins=7", "no runs of"),
    ],
)
def test_a_strategy_that_is_not_clear(tmp_path, asked, says):
    with pytest.raises(SpecError, match=says):
        stored_strategy(variants(tmp_path / "s"), parse_strategy(asked))
