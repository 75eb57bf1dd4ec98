"""Plans: what they refuse, and what makes two of them the same."""

import pytest
from gate_tools import BASELINE, CANDIDATE, a_plan, places

from analysis.gate import parse_looks, parse_margins
from analysis.typed import in_full, means_value, parse_strategy
from bench.errors import SpecError
from bench.records import Component, Settings, Strategy

MANY = places([(f"d{number}", "p") for number in range(6)])


def test_margins_are_read_by_short_and_long_names():
    assert parse_margins("ba=.01,auc=.005,positives_ratio=0") == {
        "balanced_accuracy": 0.01,
        "auc": 0.005,
        "positives_ratio": 0.0,
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("acc=.1", "unknown metric 'acc'"),
        ("ba", "'ba' must read"),
        *((f"ba={number}", f"'ba={number}' must read") for number in ("x", "1:30", "1_0", "nan", ".inf", "true", "")),
        ("ba=.1,auc=.1,balanced_accuracy=.2", "name balanced_accuracy twice"),
    ],
)
def test_margins_that_do_not_read(text, says):
    with pytest.raises(SpecError, match=says):
        parse_margins(text)


def test_looks_are_read():
    assert parse_looks("obf:4,7,10", 12) == ("obf", (4, 7, 10))
    assert parse_looks(None, 12) == ("obf", (12,))
    assert parse_looks("evalue", 5) == ("evalue", (3, 4, 5))
    assert parse_looks("evalue:5,10", 12) == ("evalue", (5, 10))


@pytest.mark.parametrize("text", ["4,7", "obf:", "obf:4,x", "pocock:4,7", "obf:4,13", "evalue:"])
def test_looks_that_do_not_read(text):
    with pytest.raises(SpecError, match="obf:"):
        parse_looks(text, 12)


def test_strategies_are_read_with_their_options():
    asked = parse_strategy("hal:p=0.5,explorer=gaussian+invprop:bins=5")
    assert (asked.algorithm, asked.weighting) == ("hal", "invprop")
    assert asked.algorithm_options == {"p": "0.5", "explorer": "gaussian"}
    assert asked.weighting_options == {"bins": "5"}
    assert str(asked) == "hal:p=0.5,explorer=gaussian+invprop:bins=5"
    full = Strategy(algorithm=Component(name="a", options={"x": True}), weighting=Component(name="w"))
    assert parse_strategy(in_full(full)).algorithm_options == {"x": "true"}


@pytest.mark.parametrize(
    ("value", "meant", "not_meant"),
    [
        (10, ["10", "010", "10.0"], ["1:10", "0o10", "ten", "true"]),
        (1, ["1"], ["true", "1_0"]),
        (True, ["true", "True"], ["1", "yes", "on"]),
        (0.001, ["0.001", "1e-3"], ["1e-4"]),
        ("010", ["010"], ["10", "'010'"]),
        ("true", ["true"], ["True"]),
    ],
)
def test_a_stored_option_s_type_tells_what_its_text_means(value, meant, not_meant):
    assert [text for text in meant if not means_value(value, text)] == []
    assert [text for text in not_meant if means_value(value, text)] == []


def test_an_option_given_twice_is_refused():
    with pytest.raises(SpecError, match="gives an option twice"):
        parse_strategy("dal:x=5,x=10+uniform")


@pytest.mark.parametrize("text", ["random", "+uniform", "random+", "hal:p+uniform"])
def test_strategies_that_do_not_read(text):
    with pytest.raises(SpecError, match="must read"):
        parse_strategy(text)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"margins": {"auc": 0.0}}, "needs margins above 0"),
        ({"margins": {"auc": -0.1}}, "greater than or equal to 0"),
        ({"margins": {}}, "at least 1"),
        ({"harm_margins": {"auc": 0.001}}, "at least the suite's"),
        ({"harm_margins": {"positives_ratio": 0.5}}, "no margin for the suite"),
        ({"looks": (1, 4)}, "increasing"),
        ({"looks": (7, 4)}, "increasing"),
        ({"seeds": (1, 2)}, "but there are 2"),
        ({"candidate": BASELINE}, "the same"),
        ({"estimand": "new-tasks"}, "needs at least 6 tasks, and there are 4"),
        ({"estimand": "new-datasets"}, "needs at least 6 datasets, and there are 2.*partial conjunction"),
        ({"estimand": "new-tasks", "places": MANY, "stratified": True}, "units are seeds"),
        ({"sequential": "evalue", "stratified": True}, "leave --stratified out"),
        ({"margins": {"auc": 7.0}}, "excludes nothing: its values range from 0 to 1"),
        ({"harm_margins": {"auc": 1.0}}, "excludes nothing"),
        ({"margins": {"auc": float("inf")}}, "finite"),
        ({"last_rounds": 3}, "runs have 2 rounds, not 3"),
        ({"last_rounds": 2, "margins": {"positives_ratio": 0.1}}, "no value in each round"),
        ({"collapses": 1.5}, "less than or equal to 1"),
        ({"alpha": 0.0}, "alpha"),
    ],
)
def test_a_plan_that_is_none(fields, says):
    with pytest.raises(SpecError, match=says) as error:
        a_plan(**fields)
    assert "\n" not in str(error.value)


def test_a_superior_claim_needs_no_margin_and_two_stores_may_hold_one_strategy():
    assert a_plan(claim="superior", margins={"auc": 0.0}).harm_of("auc") == 0.0
    assert a_plan(candidate=BASELINE, baseline_store="old").baseline_store == "old"


OTHER = {
    "candidate": Strategy(algorithm=Component(name="random"), weighting=Component(name="posprob")),
    "baseline": CANDIDATE.model_copy(update={"algorithm": Component(name="random", version="2")}),
    "baseline_store": "old",
    "claim": "equivalent",
    "margins": {"auc": 0.01},
    "harm_margins": {"auc": 0.03},
    "estimand": "new-tasks",  # of many tasks
    "alpha": 0.01,
    "looks": (4, 10),
    "futility": 0.0,
    "collapses": 0.2,
    "stratified": True,
    "last_rounds": 2,
    "sequential": "evalue",
    "seeds": tuple(range(1, 11)),
    "places": places(ratios=(10,)),
    "settings": Settings(),
    "learners": (Component(name="probe"),),
}


@pytest.mark.parametrize("field", OTHER)
def test_a_plan_is_another_if_anything_in_it_is(field):
    same = {"places": MANY} if field == "estimand" else {}
    if field == "last_rounds":
        same = {"margins": {"auc": 0.01}}
    assert a_plan(**same).hash != a_plan(**{**same, field: OTHER[field]}).hash


def test_an_anytime_valid_plan_is_the_same_with_more_seeds():
    """Which are its looks, and how many seeds there are, need not be known beforehand."""
    short, long = (a_plan(sequential="evalue", looks=tuple(range(3, last))) for last in (5, 9))
    assert short.hash == long.hash
    assert a_plan(looks=(3, 4)).hash != a_plan(looks=(3, 5)).hash


def test_arms_are_told_by_what_is_run_and_not_by_where_or_how_it_is_judged():
    plan = a_plan()
    assert plan.arms == a_plan(margins={"auc": 0.3}, looks=(4,), places=places(ratios=(10,))).arms
    assert plan.arms == a_plan(candidate=BASELINE, baseline=CANDIDATE).arms[::-1]
    for field in ("candidate", "baseline", "learners"):
        assert plan.arms != a_plan(**{field: OTHER[field]}).arms


def test_a_plan_does_not_depend_on_the_order_of_its_places():
    assert a_plan(places=places()[::-1]).hash == a_plan().hash


def test_every_field_of_a_plan_is_tested_here():
    assert set(OTHER) == set(type(a_plan()).model_fields)
