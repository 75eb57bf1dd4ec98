"""``report`` with its options, and ``explain`` on the command line."""

from __future__ import annotations

import importlib.util
import re

import pytest
from conftest import ROOT


@pytest.fixture
def results(tmp_path):
    """A store of synthetic runs at the place where the quickstart leaves one."""
    spec = importlib.util.spec_from_file_location("factory", ROOT / "tests" / "analysis" / "factory.py")
    factory = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(factory)
    return factory.fill(tmp_path / "results" / "quickstart", seeds=range(2)).path


def test_explain_lists_runs_seeds_values_and_files(bench, results):
    code, out, err = bench("explain", "T4", "50", "auc", "InvProp")
    assert (code, err) == (0, "")
    assert "T4: InvProp vs Uniform per imbalance ratio" in out
    assert "50, ROC-AUC, InvProp: 0." in out
    assert "8 runs behind it" in out
    files = re.findall(r"runs/\w\w/\w{32}\.json", out)
    assert len(set(files)) == 8
    assert all((results / name).is_file() for name in files)


@pytest.mark.usefixtures("_undrawn")
def test_report_prints_the_tables_asked_for_and_writes_the_folder_for_an_article(bench, results, tmp_path):
    asked = ["--paper", tmp_path / "article", "--table", "T4", "--table", "runs"]
    code, out, err = bench("report", "--store", results, *asked)
    assert (code, err) == (0, "")
    assert "T4: InvProp vs Uniform" in out
    assert "runs: What was run" in out
    assert (results / "report" / "tables" / "table4-paper.tex").exists()
    assert f"for an article: {tmp_path / 'article' / 'main.tex'}" in out
    assert (tmp_path / "article" / "tables" / "table3.tex").is_file()
    assert (results / "report" / "report.html").is_file()


def test_the_store_may_be_named_in_either_place(bench, results):
    _, first, _ = bench("explain", results, "T3", "badge", "uniform", "auc")
    _, second, _ = bench("explain", "T3", "badge", "uniform", "auc", "--store", results)
    assert first == second
    assert "4 runs behind it" in first


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        (["explain", "T4", "30", "auc"], ["nothing in T4 is called '30'", "Ratio: 50; "]),
        (["explain", "T4", "50"], ["names 6 cells", "InvProp, Uniform"]),
        (["explain", "T10", "sst2"], ["unknown table 'T10'", "not run: needs ratio 50; start Cold, Warm"]),
        (["report", "--table", "T13"], ["unknown table 'T13'", "T8"]),
    ],
)
def test_a_wrong_address_is_one_line(bench, results, arguments, fragments):
    code, _, err = bench(*arguments)
    assert code == 2
    (line,) = err.strip().splitlines()
    assert line.startswith("imbal-bench: ")
    for fragment in fragments:
        assert fragment in line
