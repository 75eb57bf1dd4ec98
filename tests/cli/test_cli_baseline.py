"""``imbal-bench baseline``: save, list, show, compare, acknowledge."""

import importlib.util

import pytest
import yaml
from conftest import ROOT
from gate_tools import TASKS, fill
from gate_tools import factory as made_up

import reports.gate
from bench.store import Baseline

KNOWN = ["acknowledge", "first", "--metric", "auc", "--reason", "r", "--size", ".1"]


@pytest.fixture
def factory():
    spec = importlib.util.spec_from_file_location("analysis_factory", ROOT / "tests" / "analysis" / "factory.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def saved(bench, factory, tmp_path):
    """A store of synthetic runs, and its baseline ``first``."""
    factory.fill(tmp_path / "store", seeds=range(2))
    code, out, err = bench("baseline", "save", "first", "--store", "store", "--note", "as of [now]")
    assert (code, err) == (0, "")
    assert out.startswith("16 runs saved in baselines/first.jsonl.gz")
    return "first"


def test_what_was_saved_is_listed_and_shown(bench, saved):
    code, out, _ = bench("baseline", "list")
    assert code == 0
    assert "first" in out
    assert "as of [now]" in out
    code, out, _ = bench("baseline", "show", saved)
    assert code == 0
    for fact in ("ag_news/Sports, sst2/positive", "badge+invprop", "1/50, warm", "abc1234 with local changes", "0, 1"):
        assert fact in out


def test_a_folder_without_baselines_is_no_error(bench):
    assert bench("baseline", "list", "--baselines", "nowhere")[:2] == (
        0,
        "no baselines in nowhere; `baseline save NAME` makes one\n",
    )


def test_a_tampered_one_is_named_and_ends_with_1(bench, saved, tmp_path):
    path = tmp_path / "baselines" / "first.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-20])
    code, out, _ = bench("baseline", "list")
    assert code == 1
    assert "baselines/first.jsonl.gz is no baseline that this version can read" in out


def test_compare_says_what_differs(bench, saved, factory, tmp_path):
    code, out, _ = bench("baseline", "compare", saved, "--store", "store")
    assert code == 0
    assert "16 are identical bit for bit, 0 differ, 0 are missing" in out
    made = factory.MADE.model_copy(update={"device": "cuda:0"})
    factory.fill(tmp_path / "other", seeds=range(2), tasks=[("ag_news", "Sports")], effect=0.1, made=made)
    code, out, _ = bench("baseline", "compare", saved, "--store", "other")
    assert code == 0
    assert "4 are identical bit for bit, 4 differ, 8 are missing" in out
    assert "8 missing: not in the store" in out
    assert "(+0.050000)" in out
    assert "... and 2 smaller changes" in out
    assert "cuda:0" in out


def test_a_failed_run_is_said_not_to_be_in_it(bench, factory, tmp_path):
    store = factory.fill(tmp_path / "store", seeds=[0])
    store.write(factory.a_run("dal", status="failed", reason="NaN loss"))
    assert "1 failed runs of the store are not in it" in bench("baseline", "save", "first", "--store", "store")[1]


def test_acknowledged_regressions_are_shown(bench, saved):
    arguments = ["--task", "sst2/positive", "--metric", "auc", "--reason", "issue 12", "--until", "2999-01-31"]
    arguments += ["--size", ".03"]
    assert bench("baseline", "acknowledge", saved, *arguments)[0] == 0
    assert (
        "acknowledged: auc on sst2/positive, up to 0.03, until 2999-01-31: issue 12"
        in bench("baseline", "show", saved)[1]
    )


def test_regress_takes_a_baseline_by_its_name_and_what_is_acknowledged(bench, tmp_path, monkeypatch):
    """A strategy that fell on one task of four: a regression, accepted until it expires."""
    monkeypatch.setattr(reports.gate, "drawn_of", lambda verdict: ())  # takes seconds, and is tested elsewhere
    grid = {"tasks": ["/".join(task) for task in TASKS], "ratios": [50], **made_up.SETTINGS.model_dump(mode="json")}
    (tmp_path / "stored.yaml").write_text(yaml.safe_dump(grid))
    fill(tmp_path / "old", 0.0, noise=0.004)
    here, harmed, name = tmp_path / "here", "/".join(TASKS[0]), "random+invprop"
    fill(here, lambda task, metric: -0.06 if task == harmed and metric == "auc" else 0.0, noise=0.003)
    assert bench("baseline", "save", "first", "--store", "old")[0] == 0
    asked = ["--candidate", name, "--baseline", f"{name}@first", "--margin", "auc=.02", "--collapses", "1"]
    stored = ["--spec", "stored.yaml", "--store", here, "--no-run", "--seeds", "10"]
    code, out, _ = bench("regress", *asked, *stored)
    assert code == 1
    assert f"{harmed} 1/50 warm" in out
    known = ["--task", harmed, "--metric", "auc", "--reason", "issue 12", "--until", "2999-01-31", "--size", ".08"]
    assert bench("baseline", "acknowledge", "first", *known, "--candidate", name)[0] == 0
    code, out, _ = bench("regress", *asked, *stored)
    assert code == 0
    assert f"{harmed} 1/50 warm, ROC-AUC: " in out
    assert "a loss of up to 0.08 is not tested: acknowledged" in out
    assert f"acknowledged: auc on {harmed} of {name}, up to 0.08, until 2999-01-31: issue 12" in out
    assert f"baseline first: saved {Baseline(tmp_path / 'baselines', 'first').header.created}, sha256" in out
    beside = tmp_path / "baselines" / "first.acknowledged.json"
    beside.write_text(beside.read_text().replace("2999", "2020"))
    code, out, _ = bench("regress", *asked, *stored)
    assert code == 1
    assert "acknowledged no longer: auc" in out


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["save", "first", "--store", "store"], "baselines never change"),
        (["save", "../x", "--store", "store"], "cannot name a baseline"),
        (["save", "second", "--store", "store", "--strategies", "dal+uniform"], "unknown strategy 'dal+uniform'"),
        (["save", "second", "--store", "nowhere"], "no result store at nowhere"),
        (["show", "frist"], "unknown baseline 'frist'. Did you mean 'first'"),
        (["compare", "first", "--store", "nowhere"], "no result store at nowhere"),
        (
            [*KNOWN, "--task", "t", "--until", "2999-01-01"],
            "unknown task of the baseline 't'",
        ),
        (
            [*KNOWN, "--task", "sst2/positive", "--until", "2020-01-01"],
            "is not in the future",
        ),
        (
            [*KNOWN, "--task", "sst2/positive", "--until", "2999-01-01", "--candidate", "badge"],
            "must read algorithm+weighting",
        ),
    ],
)  # fmt: skip
def test_wrong_arguments_are_one_line(bench, saved, arguments, fragment):
    code, out, err = bench("baseline", *arguments)
    assert (code, out) == (2, "")
    assert fragment in err
    assert len(err.splitlines()) == 1
