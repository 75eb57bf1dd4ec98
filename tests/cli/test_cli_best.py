"""``best``, the short lists, and JSON for other programs."""

from __future__ import annotations

import importlib.util
import json
import re

import pytest
from conftest import ROOT


@pytest.fixture
def results(tmp_path):
    """A store of synthetic runs at the place where the quickstart leaves one."""
    spec = importlib.util.spec_from_file_location("factory", ROOT / "tests" / "analysis" / "factory.py")
    factory = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(factory)
    return factory.fill(tmp_path / "results" / "quickstart", seeds=range(3)).path


def test_best_says_who_leads_what_to_take_and_what_that_cost_elsewhere(bench, results):
    code, out, err = bench("best", "--ratio", "1/50")
    assert (code, err) == (0, "")
    assert re.search(r"At ratio 1/50, (BADGE|Random)\+InvProp ranks first \(ROC-AUC \.\d{3}\)", out)
    assert "Recommended: " in out
    assert "Chosen on the other datasets and used on the one left out" in out
    assert max(map(len, out.splitlines()[1:7])) <= 80


def test_best_as_json_has_every_strategy_in_its_order(bench, results):
    code, out, _ = bench("best", "--json")
    (one,) = json.loads(out)
    assert code == 0
    assert [own["rank"] for own in one["strategies"]] == [1, 2, 3, 4]
    assert one["answer"].startswith("At ratio 1/50")


@pytest.mark.parametrize(("option", "value"), [("--ratio", "20"), ("--start", "cold")])
def test_a_ratio_or_start_that_was_not_run_is_refused_with_what_was(bench, results, option, value):
    code, _, err = bench("best", option, value)
    assert code == 2
    assert "there is: ratio 1/50, warm start" in err


@pytest.mark.parametrize("kind", ["datasets", "tasks", "algorithms", "weightings", "learners", "metrics", "presets"])
def test_a_list_is_short_and_json_has_all_facts(bench, kind):
    code, out, _ = bench("list", kind, "--json")
    facts = json.loads(out)[kind]
    assert code == 0
    _, short, _ = bench("list", kind)
    for one in facts:
        assert one["name"] in short
    _, whole, _ = bench("list", kind, facts[0]["name"])
    assert all(f"{fact}: {value}" in whole for fact, value in facts[0].items() if value)


def test_a_name_that_is_not_there_is_refused_with_those_that_are(bench):
    code, _, err = bench("list", "algorithms", "bagde")
    assert code == 2
    assert "badge" in err
    assert bench("list", "all", "badge")[0] == 2


def test_status_tells_the_share_done_and_the_time_left(bench, results):
    import time

    from bench.grid.worker.course import Course, write_course
    from bench.store import Store

    store = Store(results)
    keys = (*sorted(store.keys()), *(f"{number:032x}" for number in range(24)))
    write_course(store, Course(grid="tiny", keys=keys, left_s=90.0, time=time.time()))
    _, out, _ = bench("status")
    assert "24 of 48 runs, 50%, about 1:30 left" in out
    write_course(store, Course(grid="tiny", keys=keys, left_s=90.0, time=time.time() - 1e6))
    assert "left" not in bench("status")[1]
    found = json.loads(bench("status", "--json")[1])
    assert found["grids"] == [{"grid": "tiny", "done": 24, "total": 48, "left_s": None}]


def test_a_strategy_whose_runs_are_not_complete_has_no_difference(bench):
    code, out, err = bench("best", "--store", ROOT / "reports" / "fine-tune")
    assert (code, err) == (0, "")
    assert "DAL+InvProp" in out
    assert "nan" not in out
