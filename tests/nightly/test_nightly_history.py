"""The history of nights: what is kept, what is refused, and when a series drifts."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.nights import Night, NightComparison, Point, append, drifting, exit_code_of, read_history, series, summary
from analysis.nights.drift import ENOUGH, LEAST_BEFORE, WINDOW
from bench.errors import CorruptRecordError

HALF = 0.01


def a_comparison(
    estimate=0.0, *, role="gate", candidate="mine+invprop", baseline=None, outcome="established", bounds=True
):
    low, high = (estimate - HALF, estimate + HALF) if bounds else (None, None)
    return NightComparison(
        role=role,
        candidate=candidate,
        baseline=candidate if baseline is None else baseline,
        outcome=outcome,
        headline=f"{outcome}: {candidate}",
        lines=("a finding",),
        points=(Point(metric="auc", estimate=estimate, low=low, high=high, n=3, unit="seed"),),
        identical=3,
        runs=3,
    )


def a_night(number=1, *comparisons, **fields):
    same = {"finished": "2026-11-23T05:00:00+00:00", "seconds": 3600.0, "grid": "tiny", "settings": "s", "exit_code": 0}
    same |= {"runs": 32, "failed": 0, "machine": {}, "moved": {}, "baseline": "main", "baseline_sha256": "aa"}
    return Night(**{**same, "night": f"2026-11-{number:02}", "comparisons": comparisons, **fields})


def nights_of(estimates, **how):
    return [a_night(number, a_comparison(estimate, **how)) for number, estimate in enumerate(estimates, 1)]


def states(estimates, **how):
    return series(nights_of(estimates, **how))["state"].to_list()


# What is kept


def test_what_is_appended_is_read_and_a_night_is_there_once(tmp_path):
    path = tmp_path / "history.jsonl"
    assert read_history(path) == ()
    nights = nights_of([0.0, 0.1, 0.2])
    for night in nights:
        append(path, night)
    assert append(path, nights[1].model_copy(update={"exit_code": 4})) == tuple(nights)
    assert read_history(path) == tuple(nights)
    lines = path.read_text().splitlines()
    assert [json.loads(line)["night"] for line in lines] == ["2026-11-01", "2026-11-02", "2026-11-03"]
    assert [path.name for path in tmp_path.iterdir()] == ["history.jsonl"]


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        (lambda text: text + "{", "line 3 is no night"),
        (lambda text: text.replace('"schema_version":1', '"schema_version":2', 1), "line 1 is no night"),
        (lambda text: text + text, "line 3: 2026-11-01 is there twice"),
        (lambda text: "\n" + text, "line 1 is no night"),
    ],
)
def test_a_torn_history_is_refused_with_the_line(tmp_path, change, fragment):
    path = tmp_path / "history.jsonl"
    for night in nights_of([0.0, 0.1]):
        append(path, night)
    path.write_text(change(path.read_text()))
    before = path.read_bytes()
    with pytest.raises(CorruptRecordError, match=fragment):
        append(path, a_night(9))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("outcomes", "failed", "code"),
    [
        ([], 0, 0),
        ([], 2, 4),
        (["established"], 0, 0),
        (["established", "inconclusive"], 0, 3),
        (["incomplete", "inconclusive"], 0, 4),
        (["established", "inconclusive"], 1, 4),
        (["incomplete", "regression", "inconclusive"], 3, 1),
    ],
)
def test_the_exit_code_is_that_of_the_worst_verdict(outcomes, failed, code):
    canary = a_comparison(role="canary", outcome="regression")
    assert exit_code_of([canary, *(a_comparison(outcome=outcome) for outcome in outcomes)], failed) == code


# Drift


def test_a_strategy_against_its_own_runs_is_judged_from_the_first_night():
    assert states([0.005, 0.03, 0.005]) == ["", "outside", ""]
    assert states([0.03, 0.03, 0.005, 0.0, 0.03]) == ["outside", "drift", "", "", "outside"]
    assert states([0.03, 0.0, 0.03]) == ["outside", "", "drift"]
    assert states([0.03, -0.03, 0.0, 0.0]) == ["outside", "outside", "", ""]  # on two sides: no drift


def test_runs_without_spread_are_outside_as_soon_as_they_move():
    assert states([0.0, 0.0, 1e-9, 1e-9], bounds=False) == ["", "", "outside", "drift"]


def test_another_strategy_is_judged_against_the_median_of_earlier_nights():
    level = [0.10, 0.11, 0.09]
    found = series(nights_of([*level, 0.10, 0.13, 0.13, 0.13, 0.10], baseline="random+uniform"))
    assert found["reference"].isna().to_list() == [True] * LEAST_BEFORE + [False] * 5
    assert found["state"].to_list() == [""] * 4 + ["outside", "drift", "drift", ""]
    # Nights that drift take no part in the reference, so that a lasting shift stays marked.
    assert found["reference"].iloc[-1] == pytest.approx(np.median([*level, 0.10, 0.13]))


def test_one_odd_night_is_no_drift():
    assert "drift" not in states([0.1, 0.1, 0.1, 0.5, 0.1, 0.1, 0.1, 0.5], baseline="random+uniform")


def test_a_series_starts_afresh_with_another_baseline_or_other_settings():
    nights = nights_of([0.03, 0.03])
    for change in ({"baseline_sha256": "bb"}, {"settings": "t"}):
        other = nights[1].model_copy(update=change)
        assert series([nights[0], other])["state"].to_list() == ["outside", "outside"]


def test_series_do_not_mix():
    """Another strategy, role or metric moves nothing."""
    nights = [
        a_night(number, a_comparison(0.0), a_comparison(0.05, candidate="b+uniform"), a_comparison(role="canary"))
        for number in (1, 2, 3)
    ]
    found = series(nights)
    assert found[found["name"] == "mine+invprop"]["state"].to_list() == [""] * 6
    assert found[found["name"] == "b+uniform"]["state"].to_list() == ["outside", "drift", "drift"]
    assert drifting(found) == ["b+uniform: ROC-AUC +0.050 since 2026-11-01 (before: 0.000)"]
    assert drifting(series([*nights, a_night(4, a_comparison(0.0, candidate="b+uniform"))])) == []


@given(st.lists(st.floats(-0.05, 0.05), min_size=1, max_size=12))
def test_drift_is_two_of_three_nights_outside_on_one_side(estimates):
    """The rule, written a second time."""
    found = states(estimates)
    sides = [0 if abs(it) <= HALF else int(np.sign(it)) for it in estimates]
    edge = any(abs(abs(it) - HALF) < 1e-12 for it in estimates)
    for at, side in enumerate(sides):
        window = sides[max(0, at - WINDOW + 1) : at + 1]
        wanted = "" if not side else "drift" if sum(it == side for it in window) >= ENOUGH else "outside"
        assert found[at] == wanted or edge


def test_how_often_chance_alone_is_called_drift():
    """Nights of pure noise, with exact 90 % intervals: two of three on one side happen about once in 100."""
    rng = np.random.default_rng(0)
    estimates = rng.normal(0, HALF / 1.6449, 1500)
    rate = np.mean([state == "drift" for state in states(estimates)])
    # By the rule: p = .05 a side, this night and at least one of the two before; two sides.
    expected = 2 * 0.05 * (1 - 0.95**2)
    assert rate == pytest.approx(expected, abs=4 * np.sqrt(expected / 1500) * 1.5)


def test_no_nights_give_no_series():
    assert series([a_night()]).empty
    assert drifting(series([a_night()])) == []


# The summary


def test_a_summary_is_one_screen_with_the_worst_first():
    many = [a_comparison(candidate=f"s{number}+uniform") for number in range(30)]
    bad = a_comparison(-0.05, candidate="bad+uniform", outcome="regression")
    notes = ("no GPU here: the preset laptop is run instead of nightly",)
    canary = a_comparison(role="canary")
    text = summary([a_night(1, *many, bad, canary, exit_code=1, notes=notes, moved={"torch": "2.13.0 -> 2.14.0"})])
    lines = text.splitlines()
    assert len(lines) < 25
    assert lines[0] == "imbal-bench nightly 2026-11-01: REGRESSION (exit code 1)"
    assert "31 comparisons: 1 regression, 30 established" in lines
    assert lines[3:5] == ["regression: bad+uniform", "  a finding"]
    assert any("lines more" in line for line in lines)
    for line in (
        "canary mine+invprop: as it was; 3 of 3 runs identical bit for bit",
        "made with: torch 2.13.0 -> 2.14.0",
        f"note: {notes[0]}",
    ):
        assert line in lines


def test_the_frame_has_a_row_for_each_estimate_in_the_order_of_nights():
    found = series(nights_of([0.0, 0.1]))
    assert found["night"].to_list() == ["2026-11-01", "2026-11-02"]
    assert isinstance(found, pd.DataFrame)
    assert found[["low", "high"]].to_numpy().tolist() == [[-HALF, HALF], [0.1 - HALF, 0.1 + HALF]]
