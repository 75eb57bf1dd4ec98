"""``imbal-bench check``: what became of each law, for whom, and the exit code."""

from __future__ import annotations

import re

import pytest

from bench.learners.base import LEARNERS
from bench.metrics.base import REGISTRY as METRICS
from bench.registry import load_file
from bench.strategies.base import ALGORITHMS, WEIGHTINGS
from bench.testing import ALGORITHM_LAWS, WEIGHTING_LAWS
from bench.testing.specimens import SPECIMENS
from bench.testing.specimens_of_answers import LogOdds, Repeats
from bench.testing.specimens_of_processes import Remembers

PLUGIN = '''
from {module} import {specimen}

class Mine({specimen}):
    """A specimen under a name of its own."""
    name = "mine"
    waived = {waived}
    {body}
'''
LAWS_THAT_SAY_NOTHING = {
    *("hard_pools_are_survived", "needs_are_declared", "scores_are_multiplied_by_weights"),
    *("state_survives_storage", "a_resumed_run_goes_on_alike"),
}
BROKEN = [(law.__name__, type(part).__name__) for law, part in SPECIMENS if type(part) in (Repeats, Remembers, LogOdds)]


@pytest.fixture(autouse=True)
def _registries_restored(monkeypatch):
    for registry in (ALGORITHMS, WEIGHTINGS):
        monkeypatch.setattr(registry, "_found", dict(registry.items()))
        monkeypatch.setattr(registry, "_broken", dict(registry._broken))


@pytest.fixture
def plugin(tmp_path):
    """Write a plug-in ``mine`` that inherits a specimen; return its path."""

    def write(specimen, waived=(), body="pass"):
        path = tmp_path / "mine.py"
        (module,) = {type(part).__module__ for _, part in SPECIMENS if type(part).__name__ == specimen}
        path.write_text(PLUGIN.format(module=module, specimen=specimen, waived=dict(waived), body=body))
        return path

    return write


def rows(text):
    """Return law -> (verdict, why) of the one table that was printed; a long sentence goes on in the next line."""
    verdicts = {}
    for line in text.splitlines():
        if line.count("│") == 2:
            law, verdict, why = (cell.strip() for cell in line.split("│"))
            if law:
                assert law not in verdicts
                verdicts[law] = (verdict, why)
            else:
                last, (verdict, begun) = verdicts.popitem()
                verdicts[last] = (verdict, f"{begun} {why}")
    return verdicts


@pytest.mark.parametrize(("name", "laws"), [("margin", ALGORITHM_LAWS), ("invprop", WEIGHTING_LAWS)])
def test_every_law_is_shown_to_hold(bench, name, laws):
    code, out, err = bench("check", name)
    assert (code, err) == (0, "")
    assert rows(out) == {law.__name__: ("holds", "") for law in laws}
    assert out.strip().endswith("1 checked, all laws hold")


@pytest.mark.parametrize(
    ("law", "specimen"), [BROKEN[0], *(pytest.param(*one, marks=pytest.mark.slow) for one in BROKEN[1:])]
)
def test_a_broken_plug_in_is_told_which_law_it_breaks(bench, plugin, law, specimen):
    code, out, err = bench("check", "mine", "--plugin", plugin(specimen))
    assert (code, err) == (1, "")
    verdict, why = rows(out)[law]
    assert verdict == "broken"
    assert why.startswith(("mine ", "mine: "))
    assert out.strip().endswith("1 checked, laws broken by: mine")


def test_a_waived_law_is_shown_with_its_reason_and_breaks_nothing(bench, plugin):
    path = plugin("RaisesWeights", {"zero_weights_come_last": "weights [are] for others"})
    code, out, _ = bench("check", "mine", "--plugin", path)
    assert code == 0
    assert rows(out)["zero_weights_come_last"] == ("waived", "weights [are] for others")
    assert {verdict for verdict, _ in rows(out).values()} == {"holds", "waived"}


def test_a_waiver_without_a_reason_waives_nothing(bench, plugin):
    code, out, _ = bench("check", "mine", "--plugin", plugin("RaisesWeights", {"zero_weights_come_last": ""}))
    assert code == 1
    assert rows(out)["zero_weights_come_last"][0] == "broken"


def test_an_exception_breaks_the_law_it_was_raised_under(bench, plugin):
    path = plugin("RaisesWeights", body="def select(self, view, w, k): raise ZeroDivisionError('by\\n  hand')")
    code, out, err = bench("check", "mine", "--plugin", path)
    assert (code, err) == (1, "")
    assert rows(out)["same_seed_same_answer"] == ("broken", "mine raises ZeroDivisionError: by hand")
    # These say nothing of a part that fails on any pool, or of one that has no scores or state.
    holds = {law for law, (verdict, _) in rows(out).items() if verdict == "holds"}
    assert holds == LAWS_THAT_SAY_NOTHING


def test_several_names_are_checked_once_each_and_the_broken_one_is_named(bench, plugin):
    code, out, _ = bench("check", "uniform", "mine", "random", "uniform", "--plugin", plugin("RaisesWeights"))
    assert code == 1
    assert re.findall(r"^(\w+) \((\w+)\)", out, re.MULTILINE) == [
        ("uniform", "weighting"),
        ("mine", "algorithm"),
        ("random", "algorithm"),
    ]
    assert out.strip().endswith("3 checked, laws broken by: mine")


@pytest.fixture
def _few_parts(monkeypatch):
    """As if the package held these alone, for speed."""
    monkeypatch.setattr(ALGORITHMS, "_found", {"random": ALGORITHMS.get("random")})
    monkeypatch.setattr(WEIGHTINGS, "_found", {"uniform": WEIGHTINGS.get("uniform")})
    monkeypatch.setattr(LEARNERS, "_found", {"tfidf": LEARNERS.get("tfidf")})
    monkeypatch.setattr(METRICS, "_found", {"positives_ratio": METRICS.get("positives_ratio")})


@pytest.mark.usefixtures("_few_parts")
def test_without_names_all_are_checked_the_plug_in_too(bench, plugin):
    code, out, _ = bench("check", "--plugin", plugin("TakesTheFirst"))
    assert code == 1
    assert set(re.findall(r"^(\w+) \(", out, re.MULTILINE)) == {"random", "uniform", "tfidf", "positives_ratio", "mine"}
    assert out.strip().endswith("5 checked, laws broken by: mine")


@pytest.mark.usefixtures("_few_parts")
def test_what_failed_to_load_does_not_escape(bench):
    for registry in (ALGORITHMS, WEIGHTINGS):
        registry._broken["bench/strategies/torn.py"] = "SyntaxError: invalid syntax"
    line = "bench/strategies/torn.py failed to load: SyntaxError: invalid syntax"
    code, out, _ = bench("check")
    assert code == 1
    assert out.count(line) == 1
    assert bench("check", "random")[0] == 0
    code, _, err = bench("check", "torn")
    assert code == 2
    assert line in err


def test_a_plug_in_may_be_loaded_and_checked_again(bench, plugin):
    path = plugin("RaisesWeights")
    load_file(path)
    assert bench("check", "mine", "--plugin", path)[1] == bench("check", "mine", "--plugin", path)[1]
