"""``imbal-bench power``: from stored runs to seeds, tasks and hours."""

import importlib.util
import json
import re

import pytest
from conftest import ROOT

from bench.grid.cost.rates import LinearLaw, Rates, save


@pytest.fixture
def store(tmp_path):
    """A store of synthetic runs that took 9 s each, made by the tests of analysis."""
    spec = importlib.util.spec_from_file_location("analysis_factory", ROOT / "tests" / "analysis" / "factory.py")
    factory = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(factory)
    factory.fill(tmp_path / "store", seeds=range(3))
    return "store"


def test_seeds_and_their_price_from_the_mean_of_stored_runs(bench, store, tmp_path):
    code, out, err = bench("power", "--store", store, "--margin", "0.004", "--json", "power.json")
    assert (code, err) == (0, "")
    assert "InvProp - Uniform, auc, ratio 1/50, warm start, BADGE, Random" in out
    assert "0:09 a run, from the mean of 24 stored runs on cpu, without what their blocks share" in out
    written = json.loads((tmp_path / "power.json").read_text())
    assert written["seconds_per_run"] == 9.0
    suite = written["questions"][0]
    assert suite["by_seeds"]["runs"] == 2 * 2 * 2 * suite["by_seeds"]["seeds"]
    seeds, more = re.search(r"fixed-suite +│ 3 seeds +│ [\d.]+ +│ [\d.]+ +│ (\d+) \((\d+) more runs", out).groups()
    assert (int(seeds), int(more)) == (suite["by_seeds"]["seeds"], suite["by_seeds"]["more"])
    assert int(more) == (int(seeds) - 3) * 8


def test_a_calibration_prices_runs_where_there_is_one(bench, store, tmp_path):
    """A law that takes 7 s for each query, and nothing for the rest: 2 rounds are 14 s."""
    laws = {f"select {name}": LinearLaw(call=7.0) for name in ("random", "badge")}
    laws |= {stage: LinearLaw() for stage in ("start", "fit", "score")}
    made = {"device": "d", "threads": 1, "origin": "a calibration by hand", "flops_per_token": 1, "flops_per_s": 1}
    save(Rates(model="google-bert/bert-base-uncased", laws=laws, **made), tmp_path / "rates.json")
    code, out, err = bench("power", "--store", store, "--calibration", "rates.json")
    assert (code, err) == (0, "")
    assert "0:14 a run, from a calibration by hand." in out


def test_a_calibration_of_another_model_is_not_used_and_that_is_said(bench, store, tmp_path):
    made = {"device": "d", "threads": 1, "origin": "o", "flops_per_token": 1, "flops_per_s": 1}
    save(Rates(model="other", laws={}, **made), tmp_path / "rates.json")
    code, out, _ = bench("power", "--store", store, "--calibration", "rates.json")
    assert code == 0
    assert "0:09 a run, from the mean of 24 stored runs" in out
    assert "no forecast: rates.json was calibrated with other" in out


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["--margin", "0"], "give one above 0"),
        (["--arms", "invprop"], "give two weightings"),
        (["--metric", "acc"], "unknown metric 'acc'"),
        (["--metric", "f1"], "no run here has the metric f1_at_half; imbal-bench rescore STORE --metrics f1_at_half"),
        (["--store", "nowhere"], "no result store at nowhere"),
    ],
)
def test_wrong_questions_are_one_line(bench, store, arguments, fragment):
    code, out, err = bench("power", "--store", store, *arguments)
    assert (code, out) == (2, "")
    assert fragment in err
    assert len(err.splitlines()) == 1
