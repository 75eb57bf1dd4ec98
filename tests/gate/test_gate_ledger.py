"""What was declared and analysed stays on record, and no second plan on the same runs gets a pass."""

import json
import shutil

import pytest
from gate_tools import BASELINE, CANDIDATE, TASKS, factory, places
from gate_tools import a_plan as a_plan_of
from gate_tools import fill as fill_with

from analysis import read_results
from analysis.gate import History, headline, judge, lines
from bench.errors import CorruptRecordError
from bench.grid.stored.audit import _ledger
from bench.records import Component, Strategy
from bench.store import Store
from bench.store.ledger import Ledger

TWO = TASKS[:2]
WIDE = {"balanced_accuracy": 0.05, "auc": 0.05}


def a_plan(**fields):
    """A plan on two tasks and five seeds, which are quickly written."""
    return a_plan_of(**{"looks": (5,), "places": places(TWO), **fields})


def fill(path, effect=0.0, **more):
    return fill_with(path, effect, **{"tasks": TWO, "seeds": range(5), **more})


@pytest.fixture
def store(tmp_path):
    return fill(tmp_path / "s", 0.05)


def judged(plan, store, baseline=None, **more):
    """The verdict on a plan that is put on record, and its analyses after it."""
    history = History.of(store, baseline).declare(plan)
    return judge(plan, read_results(store), read_results(baseline or store), history=history, **more)


def kinds(verdict):
    return {finding.kind for finding in verdict.findings}


def test_a_plan_is_on_record_before_it_is_analysed_and_its_analyses_after(store):
    plan = a_plan()
    history = History.of(store).declare(plan)
    assert [(it.kind, it.plan) for it in history.entries] == [("declared", plan)]
    judge(plan, read_results(store), read_results(store), history=history)
    _, entry = History.of(store).entries
    assert (entry.kind, entry.seeds, entry.decision) == ("analysed", 5, "established")
    assert len(entry.candidate) == len(entry.baseline) == 10
    assert set(entry.p) == {"balanced_accuracy", "auc"}


def test_the_same_plan_gives_the_same_verdict_and_is_noted_once(store):
    assert judged(a_plan(), store) == judged(a_plan(), store)
    assert len(History.of(store).entries) == 2


def test_a_plan_goes_on_after_its_first_analysis(tmp_path):
    store = fill(tmp_path / "s", 0.002, seeds=range(4))
    plan = a_plan(looks=(4, 7), claim="superior", futility=0.0)
    assert judged(plan, store).taken == 1
    fill(store.path, 0.002, seeds=range(4, 7))
    assert judged(plan, store).taken == 2


OTHERS = {
    "margin": {"margins": WIDE},
    "metric": {"margins": {"auc": 0.05}},
    "level": {"alpha": 0.2},
    "tasks": {"places": places(TASKS[:1])},
    "seeds": {"looks": (4,)},
    "claim": {"claim": "superior"},
    "turned": {"candidate": BASELINE, "baseline": CANDIDATE},
    "place of the baseline": {"baseline_store": "elsewhere"},
}


@pytest.mark.parametrize("fields", OTHERS.values(), ids=OTHERS)
def test_another_plan_on_runs_that_were_analysed_gets_no_verdict_and_with_a_reason_no_pass(store, fields):
    first = a_plan(margins={"balanced_accuracy": 0.02, "auc": 0.01})
    judged(first, store)
    other = a_plan(**fields)
    verdict = judged(other, store)
    assert (verdict.exit_code, verdict.suite, verdict.taken) == (4, (), 0)
    assert "analysed" in kinds(verdict)
    assert any(first.hash[:12] in line for line in lines(verdict))
    again = judged(other, store, again="a reviewer asked")
    assert again.exit_code in {1, 3}
    assert lines(again)[0] == "analysed again (--again): a reviewer asked"
    assert again.suite
    assert History.of(store).entries[-1].again == "a reviewer asked"


def test_runs_that_are_copied_to_another_store_are_the_same_runs(store, tmp_path):
    """Its ledger goes with a store; and who leaves it behind is told by the marker, or by the baseline's ledger."""
    judged(a_plan(), store)
    shutil.copytree(store.path, tmp_path / "copy")
    assert kinds(judged(a_plan(margins=WIDE), Store(tmp_path / "copy"))) == {"analysed"}
    bare = Store(tmp_path / "bare", create=True)
    shutil.copytree(store.path / "runs", bare.path / "runs")
    plan = a_plan(margins=WIDE, baseline_store=str(store.path))
    assert kinds(judged(plan, bare, store)) == {"analysed"}


@pytest.mark.parametrize("what", ["removed", "emptied", "cut off", "altered", "reordered"])
def test_a_ledger_that_is_not_what_was_written_is_refused(store, what):
    judged(a_plan(), store)
    path = Ledger.of(store).path
    text = path.read_text()
    first, second = text.splitlines(keepends=True)
    if what == "removed":
        shutil.rmtree(path.parent)
    else:
        path.write_text(
            {
                "emptied": "",
                "cut off": first,
                "altered": text.replace('"decision":"established"', '"decision":"go on"'),
                "reordered": second + first,
            }[what]
        )
    with pytest.raises(CorruptRecordError, match=r"ledger\.jsonl") as error:
        History.of(store)
    assert "\n" not in str(error.value)


def test_a_process_that_died_before_the_marker_knew_of_a_line_does_no_harm(store):
    judged(a_plan(), store)
    marker = store.path / "store.json"
    marked = json.loads(marker.read_text())
    lines_of = [json.loads(line) for line in Ledger.of(store).path.read_text().splitlines()]
    marker.write_text(json.dumps({**marked, "ledger": {"entries": 1, "head": lines_of[0]["hash"]}}))
    assert len(History.of(store).entries) == 2


def test_runs_that_were_exchanged_under_the_same_plan_are_noticed(tmp_path):
    store = fill(tmp_path / "s", 0.05)
    judged(a_plan(), store)
    shutil.rmtree(store.path / "runs")
    fill(store.path, 0.06)
    assert kinds(judged(a_plan(), store)) == {"exchanged"}


def test_stored_pairs_that_a_plan_leaves_out_are_named(tmp_path):
    store = fill(tmp_path / "s", 0.05, seeds=range(12))
    verdict = judged(a_plan(), store)
    assert (verdict.exit_code, kinds(verdict)) == (4, {"unused"})
    assert verdict.findings[0].text.startswith("14 pairs of the same comparison were stored when the plan was declared")
    assert "seed 5" in verdict.findings[0].text
    assert judged(a_plan(), store, again="the others are of a later date").exit_code == 3
    assert judged(a_plan(looks=(12,)), fill(tmp_path / "t", 0.05, seeds=range(12))).exit_code == 0


def test_tasks_and_ratios_that_a_plan_leaves_out_are_too(tmp_path):
    store = fill(tmp_path / "s", 0.05)
    assert kinds(judged(a_plan(places=places(TASKS[:1])), store)) == {"unused"}
    other = fill(tmp_path / "t", 0.05)
    fill(other.path, 0.05, ratio=10)
    assert kinds(judged(a_plan(), other)) == {"unused"}


def test_a_plan_that_was_declared_before_the_runs_were_made_may_leave_others_out(tmp_path):
    store = fill(tmp_path / "s", 0.05)
    plan = a_plan()
    History.of(store).declare(plan)
    later = factory.MADE.model_copy(update={"finished": "2999-01-01T00:00:00+00:00"})
    fill(store.path, 0.05, seeds=range(5, 10), made=later)
    assert judged(plan, store).exit_code == 0


def test_a_new_plan_on_new_seeds_is_legal_and_counted(tmp_path):
    store = fill(tmp_path / "s", 0.05)
    judged(a_plan(), store)
    fill(store.path, 0.05, seeds=range(5, 10))
    verdict = judged(a_plan(seeds=tuple(range(5, 10))), store)
    assert (verdict.exit_code, verdict.plans) == (0, 2)


def test_an_anytime_valid_plan_may_be_extended(tmp_path):
    store = fill(tmp_path / "s", -0.004, seeds=range(4), noise=0.02)
    anytime = {"sequential": "evalue", "margins": {"auc": 0.01}}
    plan = a_plan(looks=(3, 4), **anytime)
    assert judged(plan, store).exit_code == 3
    fill(store.path, 0.05, seeds=range(4, 14), noise=0.02)
    longer = a_plan(looks=tuple(range(3, 15)), **anytime)
    assert longer.hash == plan.hash
    verdict = judged(longer, store)
    assert (verdict.exit_code, verdict.findings) == (0, ())


def test_candidates_held_against_the_same_runs_are_counted_in_the_headline(store):
    judged(a_plan(), store)
    fill(store.path, 0.05, arms=("invprop",), options={"bins": 5})
    five = Component(name="invprop", options={"bins": 5})
    other = Strategy(algorithm=Component(name="random"), weighting=five)
    verdict = judged(a_plan(candidate=other), store)
    assert verdict.candidates == 2
    assert "one of 2 candidates held against these runs of the baseline" in headline(verdict)


def test_plans_on_record_from_before_there_was_a_ledger_still_count(store):
    old = a_plan(margins={"auc": 0.01})
    folder = store.path / "gates"
    folder.mkdir()
    entry = {"schema_version": 2, "plan": old.model_dump(mode="json"), "looked_at": [4]}
    (folder / f"{old.hash}.json").write_text(json.dumps(entry))
    assert kinds(judged(a_plan(margins=WIDE), store)) == {"analysed"}


def test_a_store_that_takes_runs_over_takes_over_what_was_analysed_of_them(store, tmp_path):
    from imbal_bench.workflows.stores import merge

    judged(a_plan(), store)
    into = tmp_path / "into"
    merge(into, [store.path])
    merge(into, [store.path])
    assert len(History.of(Store(into)).entries) == 2
    shutil.copytree(store.path / "runs", into / "runs")  # made-up runs have no probabilities, and are not merged
    assert kinds(judged(a_plan(margins=WIDE), Store(into))) == {"analysed"}


def test_doctor_checks_the_ledger(store):
    judged(a_plan(), store)
    shutil.rmtree(store.path / "gates")
    assert [line for line in _ledger(store) if "was removed or cut off" in line]
