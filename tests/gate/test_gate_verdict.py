"""Planted cases, from a store to a verdict."""

import json
import math

import pytest
from gate_tools import BASELINE, CANDIDATE, TASKS, a_plan, factory, fill, places, verdict_on

from analysis import read_results
from analysis.gate import Verdict, headline, lines, sentence
from analysis.typed import parse_strategy, stored_strategy
from bench.errors import SpecError
from bench.records import Component, Strategy
from bench.store import Store


def test_a_better_candidate_is_found_better(tmp_path):
    verdict = verdict_on(a_plan(claim="superior"), fill(tmp_path / "s", 0.02))
    assert (verdict.outcome, verdict.exit_code) == ("established", 0)
    assert headline(verdict).startswith("PASS: random+invprop is better than random+uniform on these tasks")
    assert [it.holds for it in verdict.suite] == [True, True]
    assert [it.standing for it in verdict.suite] == ["better", "better"]
    assert all(it.low > 0 for it in verdict.suite)


def test_an_equal_one_is_not_inferior_and_equivalent_but_never_superior(tmp_path):
    store = fill(tmp_path / "s", 0.0)
    assert verdict_on(a_plan(), store).exit_code == 0
    assert verdict_on(a_plan(claim="equivalent"), store).exit_code == 0
    verdict = verdict_on(a_plan(claim="superior"), store)
    assert verdict.exit_code == 3
    assert headline(verdict).startswith("INCONCLUSIVE: not shown that random+invprop is better")


def test_a_better_one_is_shown_not_to_be_equivalent_which_is_no_regression(tmp_path):
    verdict = verdict_on(a_plan(claim="equivalent"), fill(tmp_path / "s", 0.05))
    assert (verdict.outcome, verdict.exit_code) == ("refuted", 3)
    assert headline(verdict).startswith("NOT EQUIVALENT: random+invprop is better than random+uniform by more than")


@pytest.mark.parametrize("claim", ["noninferior", "superior"])
def test_a_worse_one_is_a_regression(tmp_path, claim):
    verdict = verdict_on(a_plan(claim=claim), fill(tmp_path / "s", -0.03))
    assert verdict.exit_code == 1
    assert headline(verdict).startswith(
        "REGRESSION: random+invprop is worse than random+uniform by more than the margin on these tasks"
    )
    assert all(it.worse and it.high < -it.margin for it in verdict.suite)


def test_one_that_is_worse_on_a_single_task_fails_there(tmp_path):
    store = fill(tmp_path / "s", lambda task, _: -0.09 if task == "sst2/positive" else 0.03)
    verdict = verdict_on(a_plan(), store)
    assert verdict.exit_code == 1
    assert headline(verdict).endswith("by more than a task's margin on sst2/positive 1/50 warm alone")
    assert all(it.holds and not it.worse for it in verdict.suite)
    assert {str(it.place) for it in verdict.places if it.harmed} == {"sst2/positive 1/50 warm"}
    said = lines(verdict)
    assert all("sst2/positive 1/50 warm" in line for line in said[:2])
    assert any("ROC-AUC: " in line and "worse by more than a task's margin 0.02" in line for line in said[:2])
    assert said[2].startswith("Balanced accuracy on these tasks: ")


def test_too_few_seeds_are_inconclusive_and_the_number_named_suffices(tmp_path):
    plan = {"margins": {"auc": 0.003}, "harm_margins": {"auc": 0.02}}
    store = fill(tmp_path / "s", -0.001, seeds=range(3), noise=0.006)
    few = verdict_on(a_plan(looks=(3,), **plan), store)
    assert few.exit_code == 3
    number = few.needed.number
    assert 3 < number < 100
    assert few.needed.low <= number <= (few.needed.high or number)
    assert f"a new plan on about {number} seeds ({few.needed.low} " in headline(few)
    assert "that were not analysed yet" in headline(few)
    fill(tmp_path / "s", -0.001, seeds=range(3, 3 + number), noise=0.006)
    new = a_plan(looks=(number,), seeds=tuple(range(3, 3 + number)), **plan)
    assert verdict_on(new, store).exit_code == 0


def test_where_no_number_of_seeds_will_do_that_is_said(tmp_path):
    verdict = verdict_on(a_plan(claim="superior", looks=(3,)), fill(tmp_path / "s", -0.003, seeds=range(3)))
    assert (verdict.exit_code, verdict.needed) == (3, None)
    assert "more seeds would not change this" in headline(verdict)


def test_where_tasks_differ_more_tasks_are_asked_for_and_not_seeds(tmp_path):
    """And of two datasets' tasks it is said that they are not independent."""
    tasks = [(dataset, rare) for dataset in ("ag_news", "sst2") for rare in ("a", "b", "c")]
    better = {"ag_news/a": 0.035, "sst2/b": 0.03}
    store = fill(tmp_path / "s", lambda task, _: better.get(task, -0.004), seeds=range(4), tasks=tasks)
    new = a_plan(claim="superior", estimand="new-tasks", looks=(4,), places=places(tasks))
    verdict = verdict_on(new, store)
    assert (verdict.exit_code, verdict.needed.kind) == (3, "tasks")
    assert verdict.needed.number > 6
    assert f"about {verdict.needed.number} tasks" in headline(verdict)
    assert any("with tasks of 2 datasets this test errs more often than 0.05" in line for line in lines(verdict))


def test_a_decision_at_a_look_stops_and_says_what_it_saves(tmp_path):
    verdict = verdict_on(a_plan(looks=(4, 7, 10), claim="superior"), fill(tmp_path / "s", 0.05, seeds=range(4)))
    assert verdict.exit_code == 0
    assert [look.decision for look in verdict.looks] == ["established", None, None]
    assert verdict.suite[0].n == 4
    assert verdict.runs_saved == 6 * 4 * 2
    assert verdict.seconds_saved == pytest.approx(verdict.runs_saved * 9.0)
    assert any("analysis 1 of 3, 4 seeds" in line and "stopped 6 seeds early" in line for line in lines(verdict))
    assert any(
        line.startswith("stopped early, so that estimates lie too far from the margin") for line in lines(verdict)
    )


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


def anew(store, path):
    """Another store with the runs of one, made at another time."""
    other = Store(path, create=True)
    later = factory.MADE.model_copy(update={"finished": "2026-12-01T00:00:00+00:00"})
    for record in store.records():
        other.write(record.model_copy(update={"provenance": later}))
    return other


def test_copied_runs_are_refused_and_runs_that_came_out_the_same_again_are_identical(tmp_path):
    one, other = fill(tmp_path / "a", seeds=range(3)), fill(tmp_path / "b", seeds=range(3))
    same = {"candidate": CANDIDATE, "baseline": CANDIDATE, "baseline_store": "b", "looks": (3,), "collapses": 0.0}
    (finding,) = verdict_on(a_plan(**same), one, other).findings
    assert finding.kind == "identical"
    assert "in all 12 pairs both arms hold the same runs, copied" in finding.text
    verdict = verdict_on(a_plan(**same, claim="equivalent"), one, anew(other, tmp_path / "c"))
    assert (verdict.exit_code, verdict.identical) == (0, True)
    assert "and identical to it in every run" in headline(verdict)
    verdict = verdict_on(a_plan(**same, claim="superior"), one, anew(other, tmp_path / "d"))
    assert verdict.exit_code == 3
    assert "random+invprop @ b" in headline(verdict)


def test_a_candidate_whose_every_run_is_the_baseline_s_does_not_do_what_its_name_says(tmp_path):
    store = fill(tmp_path / "s", noise=0.0)
    verdict = verdict_on(a_plan(), store)
    assert (verdict.exit_code, [it.kind for it in verdict.findings]) == (4, ["identical"])
    assert "one does not do what its name says" in verdict.findings[0].text


def test_drift_between_two_stores_is_found(tmp_path):
    old, new = fill(tmp_path / "old"), fill(tmp_path / "new", -0.03, noise=0.006)
    plan = a_plan(baseline=CANDIDATE, baseline_store="old")
    assert verdict_on(plan, new, old).exit_code == 1


@pytest.mark.parametrize("noise", [0.0, 1e-11])
@pytest.mark.parametrize(("effect", "code"), [(0.03, 0), (-0.05, 1)])
def test_a_difference_that_is_the_same_in_all_pairs_is_judged_as_one_that_hardly_varies(tmp_path, noise, effect, code):
    verdict = verdict_on(
        a_plan(claim="superior", looks=(4,)), fill(tmp_path / "s", effect, noise=noise, seeds=range(4))
    )
    assert verdict.exit_code == code


# Collapses.


def collapsing(path, rates=(1, 0), seeds=range(10)):
    """So many runs of the candidate and of the baseline at chance, on one task after the other."""
    store = fill(path, seeds=seeds)
    for arm, count in zip(("invprop", "uniform"), rates, strict=True):
        for number in range(count):
            dataset, positive = TASKS[number % len(TASKS)]
            where = {"dataset": dataset, "positive": positive, "seed": number // len(TASKS)}
            store.write(factory.a_run("random", arm, **where, balanced_accuracy=0.5, auc=0.5))
    return store


LOOSE = {"margins": {"auc": 0.3}, "harm_margins": {"auc": 0.8}}


def test_that_no_run_collapsed_is_said_with_the_rate_that_this_does_not_exclude(tmp_path):
    verdict = verdict_on(a_plan(), fill(tmp_path / "s"))
    assert (verdict.collapses.pairs, verdict.collapses.candidate) == (40, 0)
    (line,) = [line for line in lines(verdict) if line.startswith("collapses")]
    assert "none in 40 pairs; rates of the candidate alone up to 7.2% are not excluded (one-sided 0.95)" in line


def test_a_claim_with_a_margin_must_hold_whatever_rate_of_collapses_is_not_excluded(tmp_path):
    """Forty pairs without one say too little of a margin of .01, and enough of .05, or where a rate is granted."""
    store = fill(tmp_path / "s")
    strict = {"collapses": 0.0, "harm_margins": {"auc": 0.2}}
    verdict = verdict_on(a_plan(**strict, margins={"auc": 0.01}), store)
    assert (verdict.exit_code, verdict.suite[0].holds) == (3, False)
    assert verdict.suite[0].p_claim < 0.001
    assert verdict.suite[0].p_collapse > 0.05
    assert verdict.suite[0].low <= -0.01
    assert "whatever rate of collapses 40 pairs do not exclude (up to 7.2%)" in headline(verdict)
    assert verdict.needed.number * 4 > 120
    wide = verdict_on(a_plan(**strict, margins={"auc": 0.05}), store)
    assert (wide.exit_code, wide.suite[0].low > -0.05) == (0, True)
    granted = {**strict, "margins": {"auc": 0.01}}
    assert verdict_on(a_plan(**{**granted, "collapses": 0.08}), store).exit_code == 0
    assert verdict_on(a_plan(**{**granted, "collapses": 0.07}), store).exit_code == 3


def test_more_collapses_are_a_regression_whatever_the_mean(tmp_path):
    verdict = verdict_on(a_plan(**LOOSE), collapsing(tmp_path / "s", rates=(12, 0)))
    assert (verdict.exit_code, verdict.collapses.candidate, verdict.collapses.more) == (1, 12, True)
    assert "collapses more often than random+uniform (12 against 0 of 40 pairs)" in headline(verdict)
    few = verdict_on(a_plan(**LOOSE), collapsing(tmp_path / "t", rates=(2, 1)))
    assert (few.exit_code, few.collapses.candidate, few.collapses.baseline) == (0, 1, 0)


# In how many datasets.


def test_few_datasets_are_answered_by_partial_conjunction(tmp_path):
    store = fill(tmp_path / "s", lambda task, _: 0.03 if task.startswith("sst2") else 0.0)
    verdict = verdict_on(a_plan(claim="superior", margins={"auc": 0.0}), store)
    (found,) = verdict.datasets
    assert (found.names[0], len(found.at_least)) == ("sst2", 2)
    assert found.at_least[0] < 0.001
    assert found.at_least[1] > 0.05
    assert any(
        "ROC-AUC: better in at least 1 of 2 datasets, p <0.0001; in 2 or more: p " in line for line in lines(verdict)
    )


# What an interval says.


@pytest.mark.parametrize(
    ("low", "high", "standing"),
    [
        (0.001, 0.5, "better"),
        (-0.009, 0.009, "equivalent"),
        (-0.009, -0.001, "worse within the margin"),
        (-0.5, -0.011, "worse"),
        (-0.011, 0.0, "undecided"),
        (-0.009, 0.011, "undecided"),
        (None, 0.0, "undecided"),
        (None, None, "undecided"),
        (None, -0.02, "worse"),
    ],
)
def test_an_interval_says_one_of_five_things(tmp_path, low, high, standing):
    verdict = verdict_on(a_plan(looks=(2,)), fill(tmp_path / "s", seeds=range(2)))
    it = verdict.suite[1].model_copy(update={"low": low, "high": high})
    assert it.standing == standing


def test_a_sentence_names_level_margin_unit_and_coverage(tmp_path):
    verdict = verdict_on(a_plan(alpha=0.1), fill(tmp_path / "s"))
    said = sentence(verdict.plan, verdict.suite[1])
    assert said.startswith("ROC-AUC on these tasks: the candidate is equivalent: worse or better by less than 0.01; ")
    assert "% interval], margin 0.01, 10 seeds, level 0.1; p of the claim " in said


def test_a_metric_that_holds_by_itself_establishes_nothing(tmp_path):
    store = fill(tmp_path / "s", lambda _, metric: -0.0099 if metric == "auc" else 0.02)
    verdict = verdict_on(a_plan(), store)
    assert (verdict.exit_code, [it.holds for it in verdict.suite]) == (3, [True, False])
    (line,) = [line for line in lines(verdict) if line.startswith("Balanced accuracy on")]
    assert line.endswith("holds by itself, which establishes nothing while another metric does not")


# Losses that are acknowledged.


@pytest.mark.parametrize(("loss", "code"), [(-0.05, 0), (-0.25, 1)])
def test_an_acknowledged_loss_is_accepted_up_to_its_size(tmp_path, loss, code):
    store = fill(tmp_path / "s", lambda task, _: loss if task == "sst2/positive" else -loss / 3, seeds=range(5))
    plan = a_plan(looks=(5,), margins={"auc": 0.01})
    verdict = verdict_on(plan, store, accepted={("sst2/positive", "auc"): 0.06})
    assert verdict.exit_code == code
    (line,) = [line for line in lines(verdict) if "acknowledged" in line and "not tested" in line]
    assert line.startswith("sst2/positive 1/50 warm, ROC-AUC: ")
    assert "a loss of up to 0.06 is not tested: acknowledged" in line
    assert verdict_on(plan, store).exit_code == 1


def test_a_metric_may_be_averaged_over_the_last_rounds(tmp_path):
    plan = a_plan(looks=(4,), margins={"auc": 0.01}, last_rounds=2)
    store = fill(tmp_path / "s", 0.02, seeds=range(4))
    results = read_results(store)
    last = results.rounds[results.rounds["round"] > 0].groupby("key")["auc"].mean()
    mean = results.runs.set_index("key")["weighting"].to_frame().join(last).groupby("weighting")["auc"].mean()
    assert verdict_on(plan, store).suite[0].estimate == pytest.approx(mean["invprop"] - mean["uniform"])


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
    verdict = verdict_on(a_plan(looks=(4, 7, 10)), fill(tmp_path / "s"), again="", notes=("quiet",))
    text = verdict.model_dump_json()
    assert Verdict.model_validate_json(text) == verdict
    assert json.loads(text, parse_constant=pytest.fail)["schema_version"] == 2
    assert "quiet" in lines(verdict)


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
