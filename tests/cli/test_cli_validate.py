"""The command that tries the suite's own tests."""

import importlib.util
import re

import pytest
from conftest import ROOT


@pytest.fixture
def store(tmp_path):
    """A store of synthetic runs, made by the tests of analysis."""
    spec = importlib.util.spec_from_file_location("analysis_factory", ROOT / "tests" / "analysis" / "factory.py")
    factory = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(factory)
    factory.fill(tmp_path / "store", seeds=range(3))
    return "store"


def rows(text):
    return re.findall(
        r"^(fixed-suite|new-tasks|new-datasets) +│ (pooled t|t over \w+) +│ (\d+) +│ ([\d.]+) ", text, re.MULTILINE
    )


def test_without_a_store_the_papers_shape_is_tried(bench):
    code, out, err = bench("validate", "--simulations", "400")
    assert (code, err) == (0, "")
    assert "14 tasks (4, 3, 5, 2 per dataset) x 10 seeds x 1 algorithms" in out
    found = {(question, test): (int(n), float(rate)) for question, test, n, rate in rows(out)}
    assert len(found) == 6
    assert found["fixed-suite", "pooled t"] == (140, pytest.approx(0, abs=0.02))
    assert found["fixed-suite", "t over seeds"] == (10, pytest.approx(0.05, abs=0.035))
    assert found["new-tasks", "pooled t"] == (140, pytest.approx(0.28, abs=0.08))
    assert found["new-tasks", "t over tasks"] == (14, pytest.approx(0.05, abs=0.035))
    assert "Model: a difference is the effect plus normal terms" in out


def test_a_store_gives_shape_and_spread_and_options_replace_them(bench, store):
    code, out, _ = bench("validate", store, "--simulations", "100")
    assert code == 0
    assert "2 tasks (1, 1 per dataset) x 3 seeds x 2 algorithms" in out
    assert "InvProp - Uniform, auc, ratio 1/50, warm start, BADGE, Random" in out
    options = ["--tasks", "3,1", "--seeds", "7", "--algorithms", "1", "--sd", "task=0.5", "--effect", "0.25"]
    code, out, _ = bench("validate", store, "--simulations", "100", *options)
    assert code == 0
    assert "4 tasks (3, 1 per dataset) x 7 seeds x 1 algorithms" in out
    assert "task 0.5" in out
    assert out.count("0.2500") == 6


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["nowhere"], "no result store at nowhere"),
        (["store", "--arms", "invprop,posprob"], "unknown weighting 'posprob'"),
        (["store", "--condition", "ratio10-warm"], "unknown condition 'ratio10-warm'"),
        (["--sd", "task=wide"], "'task=wide' must give a standard deviation"),
        (["--sd", "task=0", "--sd", "residual=0"], "all standard deviations are 0"),
    ],
)
def test_wrong_arguments_are_one_line(bench, store, arguments, fragment):
    code, _, err = bench("validate", *arguments)
    assert code == 2
    (line,) = err.strip().splitlines()
    assert line.startswith("imbal-bench: ")
    assert fragment in line
