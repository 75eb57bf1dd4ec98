"""What a store says of a comparison, and what a user says instead."""

import pytest
from frames import components, differences

from analysis import read_results
from analysis.planning import pilot
from analysis.stats import PAPER_PILOT, Components, Shape, rearranged
from bench.errors import PairingError, SpecError

TASKS = (("ag_news", "Sports"), ("ag_news", "World"), ("sst2", "positive"))


def a_store(factory, path, **changes):
    return factory.fill(path, **{"tasks": TASKS, "seeds": range(5), **changes})


def test_shape_and_spread_are_those_of_the_stored_pairs(factory, tmp_path):
    results = read_results(a_store(factory, tmp_path))
    found = pilot(results, ("invprop", "UNIFORM"), "auc")
    assert found.shape == Shape((2, 1), 5, 2)
    assert found.title == "InvProp - Uniform, auc, ratio 1/50, warm start, BADGE, Random"
    assert found.notes == ()
    arms = (results.runs[results.runs["weighting"] == arm] for arm in ("invprop", "uniform"))
    assert found.components == components(differences(*arms, "auc", pooled="algorithm"))
    # The planted noise of one run is .005, so that of a difference sqrt 2 times that.
    assert 0.004 < found.components.residual < 0.012
    swapped = pilot(results, ("uniform", "invprop"), "auc").components
    assert vars(swapped) == pytest.approx(vars(found.components))


def test_what_is_missing_is_said(factory, tmp_path):
    store = a_store(factory, tmp_path)
    key = min(store.keys("ok"))
    store.file_of(key).unlink()
    found = pilot(read_results(store), ("invprop", "uniform"), "auc")
    assert found.shape == Shape((2, 1), 5, 2)
    assert found.notes[-1].startswith("1 of 30 pairs are missing")


def test_a_seed_that_another_weighting_ran_is_missed_too(factory, tmp_path):
    a_store(factory, tmp_path)
    store = a_store(factory, tmp_path, weightings=("posprob",), seeds=[5])
    found = pilot(read_results(store), ("invprop", "uniform"), "auc")
    assert found.shape.seeds == 6
    assert found.notes[-1].startswith("6 of 36 pairs are missing")


def test_an_algorithm_with_one_arm_only_takes_no_part(factory, tmp_path):
    store = a_store(factory, tmp_path)
    store.write(factory.a_run("dal", "uniform"))
    assert pilot(read_results(store), ("invprop", "uniform"), "auc").shape.algorithms == 2


def test_several_conditions_need_a_name(factory, tmp_path):
    a_store(factory, tmp_path)
    a_store(factory, tmp_path, ratio=10, seeds=range(3))
    results = read_results(a_store(factory, tmp_path))
    with pytest.raises(SpecError, match=r"2 conditions; name one with --condition: ratio10-warm, ratio50-warm"):
        pilot(results, ("invprop", "uniform"), "auc")
    assert pilot(results, ("invprop", "uniform"), "auc", "ratio10-warm").shape.seeds == 3


@pytest.mark.parametrize(
    ("arms", "metric", "condition", "message"),
    [
        (("invprop", "unifrm"), "auc", None, "unknown weighting 'unifrm'. Did you mean 'Uniform'"),
        (("invprop",), "auc", None, r"1 arms given \(invprop\); give two weightings"),
        (("invprop", "uniform"), "acc", None, "unknown metric 'acc'"),
        (("invprop", "uniform"), "auc", "ratio5-warm", "unknown condition 'ratio5-warm'. Did you mean 'ratio50-warm'"),
    ],
)
def test_what_is_not_in_the_store_is_named(factory, tmp_path, arms, metric, condition, message):
    with pytest.raises(SpecError, match=message):
        pilot(read_results(a_store(factory, tmp_path)), arms, metric, condition)


def test_arms_without_a_shared_algorithm_are_refused(factory, tmp_path):
    store = a_store(factory, tmp_path, algorithms=("random",), weightings=("uniform",))
    store.write(factory.a_run("badge", "invprop"))
    with pytest.raises(PairingError, match="no algorithm has runs of both invprop and uniform"):
        pilot(read_results(store), ("invprop", "uniform"), "auc")


def test_a_part_of_the_plan_can_be_replaced():
    found = rearranged(PAPER_PILOT, tasks="3, 2", seeds=4, algorithms=5, spread=["seed=0.5", "task=1e-3"])
    assert found.shape == Shape((3, 2), 4, 5)
    assert found.components == Components(task=0.001, seed=0.5, residual=PAPER_PILOT.components.residual)
    assert rearranged(PAPER_PILOT) == PAPER_PILOT


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tasks": "4,x"}, "tasks '4,x' must be the number of tasks of each dataset, e.g. 4,3,5,2"),
        ({"tasks": "4,0"}, "each number must be 1 or more"),
        ({"spread": ["tusk=0.1"]}, "unknown component of variance 'tusk'. Did you mean 'task'"),
        ({"spread": ["task=-1"]}, "'task=-1' must give a standard deviation of 0 or more"),
        ({"spread": ["task=inf"]}, "'task=inf' must give"),
        ({"spread": ["task"]}, "'task' must give"),
    ],
)
def test_what_does_not_read_as_a_plan_is_refused(change, message):
    with pytest.raises(SpecError, match=message):
        rearranged(PAPER_PILOT, **change)
