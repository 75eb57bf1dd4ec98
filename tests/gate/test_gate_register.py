"""Plans on record."""

import pytest
from gate_tools import a_plan, fill, verdict_on

from analysis.gate import note_looks, register
from bench.errors import StoreError
from bench.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "s", create=True)


def looked(store, plan):
    """Put a plan on record, look once, and put that on record too."""
    said = register(store, plan)
    note_looks(store, verdict_on(plan, fill(store.path, 0.05, seeds=range(4))))
    return said


def test_a_plan_is_on_record_before_its_first_look(store):
    plan = a_plan(looks=(4, 7))
    assert register(store, plan) == ()
    (entry,) = (store.path / "gates").iterdir()
    assert entry.name == f"{plan.hash}.json"
    assert '"looked_at": []' in entry.read_text()


def test_another_plan_after_a_look_is_told_of_with_what_changed(store):
    looked(store, a_plan(looks=(4, 7)))
    first = a_plan(looks=(4, 7))
    head, line = register(store, a_plan(looks=(4, 7), margins={"auc": 0.05}, harm_margins={"auc": 0.2}))
    assert head.startswith("ANOTHER PLAN for this comparison looked at these runs before: ")
    said = "margins was balanced_accuracy=0.02, auc=0.01, now auc=0.05; harm_margins was none, now auc=0.2"
    assert line == f"plan {first.hash[:12]}, at 4 seeds: {said}"


def test_several_other_plans_are_counted_and_each_told_of(store):
    looked(store, a_plan(looks=(4, 7)))
    looked(store, a_plan(looks=(4, 8)))
    head, *each = register(store, a_plan(looks=(4, 9)))
    assert head.startswith("2 OTHER PLANS")
    assert sorted(line.partition("seeds: ")[2] for line in each) == [
        f"looks was 4, {last}, now 4, 9; seeds was {', '.join(map(str, range(last)))}, "
        "now 0, 1, 2, 3, 4, 5, 6, 7, 8" for last in (7, 8)
    ]  # fmt: skip


def test_a_plan_that_nobody_looked_under_and_the_same_plan_are_not(store):
    register(store, a_plan(looks=(4, 10)))
    assert looked(store, a_plan(looks=(4, 7))) == ()
    assert register(store, a_plan(looks=(4, 7))) == ()


def test_another_comparison_is_not(store):
    looked(store, a_plan(looks=(4, 7)))
    assert register(store, a_plan(looks=(4, 7), baseline_store="old")) == ()


def test_looks_on_record_are_never_fewer(store):
    plan = a_plan(looks=(4, 7), claim="superior", futility=0.0)
    looked(store, plan)
    note_looks(store, verdict_on(plan, Store(store.path.parent / "empty", create=True)))
    register(store, plan)
    assert '"looked_at": [\n  4\n ]' in (store.path / "gates" / f"{plan.hash}.json").read_text()


def test_a_damaged_entry_is_one_line(store):
    register(store, a_plan())
    (entry,) = (store.path / "gates").iterdir()
    entry.write_text("{")
    with pytest.raises(StoreError, match=r"cannot read the plan on record .*\.json") as error:
        register(store, a_plan(looks=(4, 7)))
    assert "\n" not in str(error.value)
