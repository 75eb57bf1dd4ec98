"""``imbal-bench regress``: exit codes on stored runs, bad input, and real runs of tiny models look by look."""

from __future__ import annotations

import html
import json

import pytest
import yaml
from gate_tools import TASKS, factory, fill

import reports.gate
from bench.config import GridSpec
from bench.store import Store
from bench.strategies.base import ALGORITHMS, WEIGHTINGS

ARMS = ["--candidate", "random+invprop", "--baseline", "random+uniform"]
STORED = [*ARMS, "--spec", "stored.yaml", "--store", "s", "--no-run", "--seeds", "10", "--collapses", "1"]


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch):
    """Figures take seconds to draw, and are tested elsewhere."""
    monkeypatch.setattr(reports.gate, "drawn_of", lambda verdict: ())


@pytest.fixture
def stored(tmp_path):
    """The grid of the synthetic stores as a file, and a function that fills the store ``s`` or another."""
    settings = factory.SETTINGS.model_dump(mode="json")
    grid = {"tasks": ["/".join(task) for task in TASKS], "ratios": [50], **settings}
    (tmp_path / "stored.yaml").write_text(yaml.safe_dump(grid))
    return lambda effect=0.0, name="s", **how: fill(tmp_path / name, effect, **how)


@pytest.mark.parametrize(
    ("effect", "claim", "code", "word"),
    [
        (0.0, "noninferior", 0, "PASS"),
        (0.03, "superior", 0, "PASS"),
        (-0.05, "noninferior", 1, "REGRESSION"),
        (0.0, "superior", 3, "INCONCLUSIVE"),
    ],
)
def test_the_exit_code_and_the_first_line_are_the_verdict(bench, stored, effect, claim, code, word):
    stored(effect)
    got, out, err = bench("regress", *STORED, "--margin", "ba=.02,auc=.01", "--claim", claim)
    assert (got, err) == (code, "")
    assert out.startswith(f"{word}: ")


def test_files_are_written_and_the_plan_is_on_record(bench, stored, tmp_path):
    stored()
    code, out, _ = bench("regress", *STORED, "--margin", "auc=.01", "--out", "o")
    assert code == 0
    verdict = json.loads((tmp_path / "o" / "gate.json").read_text())
    assert verdict["plan"]["margins"] == {"auc": 0.01}
    assert verdict["plan"]["settings"]["loop"]["rounds"] == factory.SETTINGS.loop.rounds
    assert verdict["plan_hash"] in (tmp_path / "s" / "gates" / "ledger.jsonl").read_text()
    assert str(tmp_path / "o" / "gate.html") in out
    other, out, _ = bench("regress", *STORED, "--margin", "auc=.05")
    assert other == 4
    assert "these runs were analysed before under another plan" in out
    again, out, _ = bench("regress", *STORED, "--margin", "auc=.05", "--again", "another reader's margin", "--out", "o")
    assert again == 3
    for suffix in ("json", "xml", "md", "html"):
        text = html.unescape((tmp_path / "o" / f"gate.{suffix}").read_text()).replace("\\", "")
        assert "another reader's margin" in text, suffix


def test_a_missing_seed_is_4_and_a_sequential_plan_stops_before_it(bench, stored):
    stored(0.05, seeds=range(4))
    code, out, _ = bench("regress", *STORED, "--margin", "auc=.01")
    assert code == 4
    assert out.startswith("NO VERDICT on random+invprop against random+uniform: runs are missing")
    code, out, _ = bench("regress", *STORED, "--margin", "auc=.01", "--sequential", "obf:4,7,10")
    assert code == 0
    assert "analysis 1 of 3, 4 seeds" in out
    assert "saved: 48 runs" in out


def test_the_baseline_may_lie_in_another_store(bench, stored):
    stored(-0.05)
    stored(0.0, name="old", noise=0.006)
    arms = ["--candidate", "random+invprop", "--baseline", "random+invprop@old"]
    code, out, _ = bench("regress", *STORED, *arms, "--margin", "auc=.01")
    assert code == 1
    assert "worse than random+invprop @ " in out


def test_a_plan_can_be_tried_on_simulated_grids(bench, stored):
    stored()
    code, out, _ = bench("regress", *STORED, "--margin", "auc=.01", "--simulate", "--simulations", "40")
    assert code == 0
    assert "auc at the edge of the claim (-0.01)" in out
    assert "one task worse by twice its margin" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--margin", "acc=.1"], "unknown metric 'acc'"),
        (["--margin", "auc=0"], "needs margins above 0"),
        (["--margin", "auc=.01", "--sequential", "obf:4,12"], "the grid has 10"),
        (["--margin", "auc=.01", "--candidate", "random"], "must read algorithm+weighting"),
        (["--margin", "auc=.01", "--candidate", "random+uniform"], "the same"),
        (["--margin", "auc=.01", "--candidate", "badge+uniform"], "no runs of badge+uniform"),
        (["--margin", "auc=.01", "--baseline", "random+uniform@gone"], "no result store at gone"),
        (["--margin", "auc=.01", "--store", "gone"], "no result store at gone"),
        (["--margin", "auc=.01", "--spec", "gone.yaml"], "no specification file 'gone.yaml'"),
        (["--margin", "auc=.01", "--level", "0.7"], "alpha"),
        (["--margin", "auc=7"], "its values range from 0 to 1"),
        (["--margin", "auc=.01", "--estimand", "new-datasets"], "and there are 2"),
        (["--margin", "auc=.01", "--last-rounds", "9"], "runs have 2 rounds"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(bench, stored, tmp_path, arguments, says):
    stored(seeds=range(2))
    code, _, err = bench("regress", *STORED, *arguments)
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert err.startswith("imbal-bench: ")
    assert says in err
    assert not (tmp_path / "s" / "gates").exists()


def test_a_wrong_plan_leaves_no_store_behind(bench, stored, tmp_path):
    run = [argument for argument in STORED if argument != "--no-run"]
    spec = ["--tasks", "toy/law", "--ratios", "10", "--margin", "auc=0"]
    assert bench("regress", *run, *spec)[0] == 2
    assert not (tmp_path / "s").exists()


def test_nothing_is_run_against_a_baseline_on_other_data(bench, stored, tmp_path, monkeypatch):
    stored(name="old", arms=("uniform",), tasks=[("toy", "law")], seeds=range(2), ratio=10)
    monkeypatch.setattr("bench.grid.expansion.expand.pinned", lambda model, _: model)  # as the made-up runs have it
    monkeypatch.setattr("bench.grid.driver.execute.execute", lambda *_: pytest.fail("a grid was run"))
    monkeypatch.setattr("bench.grid.driver.preflight.preflight", lambda *_: pytest.fail("a grid was about to be run"))
    asked = ["--candidate", "random+invprop", "--baseline", "random+uniform@old", "--margin", "auc=.01"]
    where = ["--spec", "stored.yaml", "--tasks", "toy/law", "--ratios", "10", "--seeds", "2", "--store", "s"]
    code, out, err = bench("regress", *asked, *where)
    assert (code, err) == (4, "")
    assert "- toy: the candidate would run on data " in out
    assert ", the baseline ran on data ffffffff; these are other texts" in out


# Real runs of tiny models.

PLUGIN = '''
"""Strategies that are bad on purpose."""
from dataclasses import dataclass

import numpy as np

from bench.strategies.base import Algorithm, Weighting


@dataclass(frozen=True)
class Mine(Algorithm):
    name = "mine"
    title = paper = "Mine"

    def select(self, view, w, k):
        {select}


@dataclass(frozen=True)
class Torn(Weighting):
    name = "torn"
    title = paper = "Torn"

    def weights(self, view):
        return np.full(view.size, {weight})
'''


@pytest.fixture
def tiny(tmp_path, tiny_bert, monkeypatch):
    """The arguments of a tiny grid with two seeds, in a specification of its own."""
    spec = GridSpec.model_validate(
        {
            "tasks": ["toy/law"],
            "ratios": [10],
            "seeds": 4,
            "loop": {"rounds": 1, "batch": 6},
            "pool": {"limit": 120},
            "model": {"name": str(tiny_bert), "max_length": 32},
            "train": {"learning_rate": 2e-3, "epochs": 1},
        }
    )
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(spec.model_dump(mode="json")))
    for registry in (ALGORITHMS, WEIGHTINGS):
        monkeypatch.setattr(registry, "_found", dict(registry.items()))
    return ["--spec", "tiny.yaml", "--store", "s", "--threads", "1"]


@pytest.mark.slow
def test_blocks_after_a_decision_are_never_started(bench, tiny, tmp_path):
    """A wide margin is decided at the first look: of the ten seeds two were run, both arms, and the plan is kept."""
    wide = ["--margin", "auc=.9,ba=.9", "--collapses", "1"]
    plan = [*wide, "--sequential", "obf:2,4", "--futility", "0", "--level", "0.4"]
    code, out, _ = bench("regress", *ARMS, *tiny, *plan)
    assert code == 0, out
    store = Store(tmp_path / "s")
    assert {record.spec.block.seed for record in store.records()} == {0, 1}
    assert len(store.keys()) == 4
    assert "saved: 4 runs" in out
    code, out, _ = bench("regress", *ARMS, *tiny, *plan, "--no-run")
    assert (code, len(store.keys())) == (0, 4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("select", "weight", "candidate", "says"),
    [
        ("raise ZeroDivisionError('by hand')", "1.0", "mine+uniform", "ZeroDivisionError: by hand"),
        ("return np.zeros(k, dtype=int)", "1.0", "mine+uniform", "distinct rows"),
        ("return np.arange(k)", "np.nan", "mine+torn", "finite"),
    ],
    ids=["crashes", "duplicates", "nan"],
)
def test_a_candidate_that_is_broken_gives_one_line_and_no_verdict(
    bench, tiny, tmp_path, select, weight, candidate, says
):
    (tmp_path / "mine.py").write_text(PLUGIN.format(select=select, weight=weight))
    arms = ["--candidate", candidate, "--baseline", "random+uniform", "--plugin", "mine.py", "--seeds", "2"]
    code, out, err = bench("regress", *arms, *tiny, "--margin", "auc=.5")
    assert (code, err) == (4, "")
    assert f"NO VERDICT on {candidate} against random+uniform: runs failed\n" in out
    (line,) = [line for line in out.splitlines() if line.startswith("- ")]
    assert f"2 runs of the candidate {candidate} failed" in line
    assert says in line


@pytest.mark.slow
def test_the_gate_tries_itself_and_writes_what_it_finds(bench, tmp_path):
    code, out, err = bench("validate", "--gate", "--simulations", "2", "--markdown", "errors.md")
    assert code == 0, err
    page = (tmp_path / "errors.md").read_text("utf-8")
    for name in ("collapsing", "unequal variances", "evalue", "betting"):
        assert name in out
        assert name in page
    cells = [line.split("|") for line in page.splitlines() if line.startswith("| normal")]
    assert len(cells) == 40  # 4 and 14 tasks, 3 to 30 seeds, five plans
