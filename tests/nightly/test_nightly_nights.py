"""Nights end to end: cut off and finished, judged, remembered; drift and the canary distinguished."""

import json
import shutil

import pytest

from analysis.nights import read_history, series
from bench.store import Baseline, Store

STRATEGY = "margin+invprop:bins=10"
WORSE = {("margin+invprop", "*", "auc"): -0.05}


@pytest.fixture
def night(bench, made_up, baseline, tmp_path):
    """Run a night of the tiny grid against the baseline ``main``, for one strategy unless otherwise given."""
    shutil.copytree(baseline, tmp_path / "baselines")

    def run(*arguments, candidate="margin+invprop"):
        made_up.night += 1
        chosen = ("--candidate", candidate) if candidate else ()
        return bench("nightly", "grid.yaml", "--baseline", "main", *chosen, *arguments)

    return run


def history(tmp_path):
    return read_history(tmp_path / "nightly" / "history.jsonl")


def latest(tmp_path):
    return json.loads((tmp_path / "nightly" / "latest.json").read_text())


def states(tmp_path, role, name, metric):
    found = series(history(tmp_path))
    own = found[(found["role"] == role) & (found["name"] == name) & (found["metric"] == metric)]
    return own["state"].to_list()


def test_without_a_baseline_a_night_says_how_to_make_one(bench, made_up, tmp_path):
    code, out, err = bench("nightly", "grid.yaml")
    assert (code, err) == (0, "")
    assert "NO BASELINE" in out
    assert "no baseline is given, so there is no verdict" in out
    (one,) = history(tmp_path)
    assert (one.grid, one.runs, one.comparisons, one.exit_code) == ("tiny", 32, (), 0)


def test_a_night_that_is_cut_off_is_finished_the_next_night(night, made_up, bench, tmp_path):
    night()
    made_up.most = 10
    assert night()[0] == 130
    assert len(history(tmp_path)) == 1
    cut_off = max((tmp_path / "nightly").glob("20*"))
    made_up.most = None
    code, out, _ = bench("nightly", "smoke", "--baseline", "main")  # what was begun is what goes on
    assert code == 0
    assert f"{cut_off.name} was cut off and goes on as it was begun" in out
    assert made_up.executed == [32, 22]
    assert [one.night for one in history(tmp_path)] == sorted(p.name for p in (tmp_path / "nightly").glob("20*"))
    assert [(one.grid, one.runs, one.failed) for one in history(tmp_path)] == [("tiny", 32, 0)] * 2


def test_two_processes_do_not_share_a_night(night, made_up, tmp_path):
    made_up.most = 3
    assert night()[0] == 130
    (folder,) = (tmp_path / "nightly").glob("20*")
    with Store(folder / "store").claim("nightly"):
        code, _, err = night()
    assert code == 2
    assert "another process is at work on nightly/" in err
    assert not (tmp_path / "nightly" / "history.jsonl").exists()


def test_a_night_cut_off_while_it_was_judged_is_written_once(night, bench, made_up, tmp_path):
    night()
    (folder,) = (tmp_path / "nightly").glob("20*")
    (folder / "summary.json").unlink()
    assert bench("nightly", "--baseline", "main")[0] == 0
    assert made_up.executed[-1] == 0
    assert len(history(tmp_path)) == 1
    assert (folder / "summary.json").exists()


def test_a_night_like_the_baseline_passes_and_its_canary_is_identical(night, tmp_path):
    """Without a candidate, every strategy is held against its own stored runs."""
    code, out, _ = night(candidate="")
    assert code == 0
    told = latest(tmp_path)
    assert (told["verdict"], told["exit_code"], told["drift"], told["moved"]) == ("PASS", 0, [], {})
    assert "4 comparisons: 4 established" in out
    assert "canary random+uniform: as it was; 8 of 8 runs identical bit for bit" in out
    (one,) = history(tmp_path)
    assert one.baseline_sha256 == Baseline(tmp_path / "baselines", "main").header.sha256
    assert len({it.name for it in one.of("gate")}) == 4
    assert [it.estimate for it in one.of("canary")[0].points] == [0.0] * 3
    assert {(it.low, it.n, it.unit) for it in one.of("canary")[0].points} <= {(0.0, 4, "seed"), (None, 4, "seed")}


def test_a_strategy_that_drifts_is_marked_and_the_canary_is_clean(night, made_up, tmp_path):
    made_up.noise = 0.001
    assert night()[0] == 0
    made_up.shift = WORSE
    assert night()[0] == 1
    code, out, _ = night()
    assert code == 1
    assert f"REGRESSION: {STRATEGY} is worse than {STRATEGY} @ main" in out
    assert states(tmp_path, "gate", STRATEGY, "auc") == ["", "outside", "drift"]
    assert states(tmp_path, "gate", STRATEGY, "balanced_accuracy") == [""] * 3
    assert states(tmp_path, "canary", "random+uniform", "auc") == [""] * 3
    (line,) = latest(tmp_path)["drift"]
    assert line.startswith(f"{STRATEGY}: ROC-AUC ")
    assert made_up.written[-3:] == ["write_report", "write_gate", "history_page"]  # evidence of the one regression


def test_a_machine_that_drifts_moves_the_canary_and_is_named(night, made_up, tmp_path):
    made_up.noise = 0.001
    assert night()[0] == 0
    made_up.shift = {("*", "*", "auc"): -0.05}
    made_up.versions = {"torch": "9.9.9"}
    night()
    code, out, _ = night()
    assert code == 1
    assert "CANARY random+uniform MOVED" in out
    assert "0 of 8 runs identical bit for bit: suspect the machine or libraries before any strategy" in out
    assert "made with: torch 2.13.0 -> 9.9.9" in out
    assert states(tmp_path, "canary", "random+uniform", "auc") == ["", "outside", "drift"]


def test_a_candidate_is_held_against_another_strategy(night, tmp_path):
    code, out, _ = night("--against", "random+uniform", "--margin", "auc=.2", candidate="random+invprop")
    assert code == 0
    assert "PASS: random+invprop is worse by less than 0.2 than random+uniform @ main" in out
    (one,) = history(tmp_path)
    assert [it.name for it in one.comparisons] == ["random+invprop:bins=10 against random+uniform", "random+uniform"]


def test_an_acknowledged_regression_of_one_task_fails_nothing_until_it_expires(night, made_up, bench, tmp_path):
    made_up.noise = 0.001
    loose = ("--margin", "auc=.02")  # the suite's mean stays, one task falls by more than its own margin of .04
    assert night(*loose)[0] == 0
    made_up.shift = {("margin+invprop", "toy/law", "auc"): -0.06, ("margin+invprop", "toy/food", "auc"): 0.06}
    code, out, _ = night(*loose)
    assert code == 1
    assert "toy/law" in history(tmp_path)[-1].of("gate")[0].headline
    known = ["--task", "toy/law", "--metric", "auc", "--candidate", STRATEGY, "--reason", "issue 12", "--size", ".08"]
    assert bench("baseline", "acknowledge", "main", *known, "--until", "2999-01-31")[0] == 0
    code, out, _ = night(*loose)
    assert code == 0
    (judged,) = [it for it in history(tmp_path)[-1].of("gate") if it.candidate == STRATEGY]
    assert judged.outcome == "established"
    assert any(
        f"acknowledged: auc on toy/law of {STRATEGY}, up to 0.08, until 2999-01-31: issue 12" in it
        for it in judged.lines
    )
    path = tmp_path / "baselines" / "main.acknowledged.json"
    path.write_text(path.read_text().replace("2999-01-31", "2020-01-31"))
    code, out, _ = night(*loose)
    assert code == 1
    assert "acknowledged no longer" in out


def test_what_the_baseline_does_not_know_is_said(night, tmp_path):
    (tmp_path / "grid.yaml").write_text((tmp_path / "grid.yaml").read_text().replace("margin", "entropy"))
    code, out, _ = night(candidate="")
    assert code == 0
    assert "not judged, since the baseline has no runs of it: entropy+uniform" in out


def test_a_baseline_that_knows_nothing_of_tonight_is_no_pass(night, tmp_path):
    text = (tmp_path / "grid.yaml").read_text()
    (tmp_path / "grid.yaml").write_text(text.replace("margin", "entropy").replace("- random\n", ""))
    code, _, err = night(candidate="")
    assert code == 2
    assert "the baseline main has runs of none of tonight's strategies: entropy+uniform, entropy+invprop" in err
    assert not (tmp_path / "nightly").exists()


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["--baseline", "gone"], "unknown baseline 'gone'"),
        (["--candidate", "marginn+uniform"], "unknown strategy of tonight's grid 'marginn+uniform'"),
        (["--against", "dal+uniform"], "the store has no runs of dal+uniform"),
        (["--margin", "f7=3"], "unknown metric 'f7'"),
        (["--seeds", "1"], "at least two seeds"),
        (["--tasks", "gone"], "unknown dataset 'gone'"),
        (["--set", "loop.rounds=3"], "nothing of tonight could be held against the baseline main: "),
    ],
)
def test_whatever_is_wrong_is_said_before_anything_is_run(night, made_up, tmp_path, arguments, fragment):
    code, _, err = night(*arguments)
    assert code == 2
    assert fragment in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "nightly").exists()
    assert made_up.executed == []
