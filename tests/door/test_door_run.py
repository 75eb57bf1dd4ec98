"""``ib.run``: exactly what was asked for is run, once; whatever fails is said; strategies may be objects."""

from __future__ import annotations

import importlib.util
import sys
import warnings

import numpy as np
import pytest
from door_tools import near
from grid_tools import science

import imbal_bench as ib
from bench.errors import PluginError, SpecError, StoreError, UnknownNameError
from bench.store import Store

PAIRS = ["random+uniform", "margin+invprop:bins=5"]


def results(runs: ib.Runs) -> list[dict[str, object]]:
    """Return what is stored of runs, without what may differ between two executions, or is no result."""
    store = Store(runs.store)
    found = [science(store.read(key)) for key in sorted(runs.specs)]
    return [
        {name: one[name] for name in ("rounds", "metrics", "start_rows", "test_probabilities_sha256")} for one in found
    ]


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write and import a module of a user's own; it may be written anew."""

    def write(name="mine", **what):
        path = tmp_path / f"{name}.py"
        path.write_text(near(**what))
        spec = importlib.util.spec_from_file_location(name, path)
        made = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, made)
        spec.loader.exec_module(made)
        return made

    return write


def test_exactly_the_given_strategies_are_run_and_a_second_call_runs_nothing(tiny, tmp_path):
    runs = tiny(strategies=PAIRS, seeds=np.arange(2))
    assert {(run.strategy.algorithm.as_typed, run.strategy.weighting.as_typed) for run in runs.specs.values()} == {
        ("random", "uniform"),
        ("margin", "invprop:bins=5"),
    }
    assert (len(runs), runs.missing, runs.failures) == (4, 0, ())
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "results" / "python" / "runs").rglob("*.json")}
    assert len(files) == 4
    again = tiny(strategies=PAIRS, seeds=2)
    assert again.specs.keys() == runs.specs.keys()
    assert {path: path.stat().st_mtime_ns for path in files} == files


def test_frames_hold_a_line_a_metric_and_a_line_a_round(tiny):
    runs = tiny(strategies=PAIRS, seeds=2)
    store = Store(runs.store)
    records = {key: store.read(key) for key in runs.specs}
    frame = runs.frame()
    told = {(row.key, row.metric): row.value for row in frame.itertuples()}
    assert told == {
        (key, name): value
        for key, record in records.items()
        for name, value in record.outcome.items()
        if not np.isnan(value)
    }
    assert set(frame["strategy"]) == set(PAIRS)
    assert set(frame["ratio"]) == {10}
    rounds = runs.rounds()
    assert len(rounds) == 4 * 3
    for row in rounds.itertuples():
        one = records[row.key].rounds[row.round]
        assert (row.labelled, row.labelled_positives, row.auc) == (
            one.labelled,
            one.labelled_positives,
            one.metrics["auc"],
        )


def test_other_runs_of_the_store_are_not_among_them(tiny):
    tiny(strategies="margin+uniform", seeds=1)
    runs = tiny(strategies="random+uniform", seeds=1)
    assert set(runs.frame()["strategy"]) == set(runs.rounds()["strategy"]) == {"random+uniform"}


def test_what_it_holds_is_said_in_two_lines_and_in_a_table(tiny):
    runs = tiny(strategies=PAIRS, seeds=2)
    assert repr(runs).splitlines() == [
        "4 runs in results/python: toy/law x 1 ratios x 2 seeds, tfidf",
        "random+uniform, margin+invprop:bins=5",
    ]
    mean = runs.frame().query("metric == 'auc' and strategy == 'random+uniform'")["value"].mean()
    assert f"{mean:.4f}" in runs._repr_html_()


def test_a_failed_run_is_reported_warned_of_and_tried_again(tiny, module):
    bad = module(body="raise ZeroDivisionError('by hand')")
    with pytest.warns(RuntimeWarning, match="1 of 2 runs failed, such as toy/law.*ZeroDivisionError: by hand"):
        runs = tiny(strategies=["random+uniform", bad.Near], seeds=1)
    assert (len(runs), runs.missing) == (1, 1)
    (line,) = runs.failures
    assert line.endswith("ZeroDivisionError: by hand")
    assert "1 missing" in repr(runs)
    assert set(runs.frame()["strategy"]) == {"random+uniform"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(tiny(strategies=["random+uniform", module().Near], seeds=1)) == 2


def test_where_every_run_failed_frames_are_empty_and_there_is_no_test(tiny, module):
    bad = module(body="raise ZeroDivisionError('by hand')")
    with pytest.warns(RuntimeWarning, match="4 of 4 runs failed"):
        runs = tiny(strategies=[bad.Near, (bad.Near, "invprop")], seeds=2)
    assert (len(runs.frame()), len(runs.rounds())) == (0, 0)
    assert "0 runs in results/python, 4 missing" in repr(runs)
    assert "<table" in runs._repr_html_()
    found = ib.compare(runs, bad.Near, "near+invprop", metric="auc")
    assert "2 of 2 pairs missing" in str(found)
    with pytest.raises(StoreError, match="holds no finished runs"):
        ib.report(runs)


def test_what_is_infeasible_is_warned_of(tiny):
    with pytest.warns(UserWarning, match="skipped: toy/law at ratio 1/100 leaves"):
        runs = tiny(strategies="random+uniform", ratios=[10, 100], seeds=1)
    assert len(runs) == 1
    assert len(runs.skipped) == 1


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"strategies": "badge"}, SpecError, "give a name such as 'badge\\+invprop'"),
        ({"strategies": "bagde+invprop"}, UnknownNameError, "Did you mean 'badge'"),
        ({"strategies": "margin+invprop:bin=5"}, UnknownNameError, "unknown option.*'bin'"),
        ({"strategies": "margin+invprop:bins"}, SpecError, "must read name or name:option=value"),
        ({"strategies": ["random+uniform"] * 2}, SpecError, "twice"),
        ({"strategies": ["margin+invprop", "margin+invprop:bins=10"]}, SpecError, "is named twice"),
        ({"strategies": [3]}, SpecError, "strategy 3: give a name"),
        ({"strategies": [("random", "uniform", "x")]}, SpecError, "give a name"),
        ({"strategies": [(object(), "uniform")]}, SpecError, "neither a name nor of Algorithm"),
        ({"pool_limt": 3}, UnknownNameError, "unknown argument 'pool_limt'. Did you mean 'pool_limit'"),
        ({"loop": {"round": 3}}, SpecError, "ib.run: unknown field 'loop.round'"),
        ({"loop_rounds": "3"}, SpecError, "'loop.rounds' is '3': give an integer, without quotes"),
        ({"ratios": 1}, SpecError, "an integer from 2"),
        ({"seeds": 0}, SpecError, "seeds"),
        ({"learner": "tfidff"}, UnknownNameError, "Did you mean 'tfidf'"),
        ({"executor": "inline", "jobs": 2}, SpecError, "--executor inline is one worker"),
    ],
)
def test_whatever_is_wrong_is_one_line_before_anything_is_run(tiny, tmp_path, given, error, says):
    with pytest.raises(error, match=says) as caught:
        tiny(**{"strategies": "random+uniform", "seeds": 1, **given})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "results").exists()


def test_settings_are_those_of_a_specification_and_a_grid_may_be_given(tiny, tmp_path):
    (tmp_path / "grid.yaml").write_text("tasks: toy/law\nratios: 10\nlearners: tfidf\nloop: {rounds: 1, batch: 6}\n")
    runs = ib.run("grid.yaml", seeds=1, strategies="random+uniform", pool={"limit": 120}, loop_batch=7)
    (record,) = map(Store(runs.store).read, runs.specs)
    assert (record.spec.settings.loop.rounds, record.spec.settings.loop.batch, record.pool.rows) == (1, 7, 120)
    assert runs.store.name == "grid"


# Strategies as objects


@pytest.mark.usefixtures("_undrawn")
def test_a_class_is_run_as_its_file_would_be_as_a_plug_in(tiny, module, bench, tmp_path):
    mine = module()
    here = tiny(strategies=[mine.Near, (mine.Near(level=0.9), mine.Squared), ("random", mine.Squared())], seeds=1)
    assert [f"{run.strategy.algorithm.as_typed}+{run.strategy.weighting.as_typed}" for run in here.specs.values()] == [
        "near+uniform",
        "near:level=0.9+squared",
        "random+squared",
    ]
    there = tiny(strategies="near:level=0.9+squared", plugins=[tmp_path / "mine.py"], seeds=1, store="other")
    assert there.specs.keys() <= here.specs.keys()
    (own,) = results(there)
    assert own in results(here)
    code, out, _ = bench("report", "--store", here.store)
    assert code == 0
    assert "near" in out


@pytest.mark.slow
def test_a_class_travels_to_worker_processes_with_the_same_results(tiny, module):
    mine = module()
    here = tiny(strategies=[(mine.Near, "invprop")], seeds=2)
    there = tiny(strategies=[(mine.Near, "invprop")], seeds=2, store="other", jobs=2)
    assert there.failures == ()
    assert here.specs.keys() == there.specs.keys()
    assert results(here) == results(there)


def test_another_state_of_the_file_is_another_strategy(tiny, module):
    first = tiny(strategies=module(level=0.5).Near, seeds=1)
    second = tiny(strategies=module(level=0.25).Near, seeds=1)
    third = tiny(strategies="near+uniform", seeds=1)  # by name: as the last call left it
    assert not first.specs.keys() & second.specs.keys()
    assert third.specs.keys() == second.specs.keys()


def notebook(monkeypatch, tmp_path, **what):
    """Define the same classes as a notebook's cell does, whose source can be read and which no file names."""
    import linecache

    code, cell = near(**what), f"<cell {len(linecache.cache)}>"
    linecache.cache[cell] = (len(code), None, code.splitlines(keepends=True), cell)
    main = sys.modules["__main__"]
    exec(compile(code, cell, "exec"), scope := {"__name__": "__main__"})  # noqa: S102 - as a notebook does
    for name in ("Near", "Squared"):
        monkeypatch.setattr(main, name, scope[name], raising=False)
    return scope["Near"]


def test_a_class_of_a_notebook_runs_here_and_is_named_by_what_it_says(tiny, monkeypatch, tmp_path):
    keys = [
        set(tiny(strategies=notebook(monkeypatch, tmp_path, **what), seeds=1).specs)
        for what in ({}, {}, {"level": 0.25}, {"body": "k = int(k)"})
    ]
    assert keys[0] == keys[1]
    assert len(set.union(*keys)) == 3
    with pytest.raises(SpecError, match=r"'near': defined in a notebook.*write it into a \.py file"):
        tiny(strategies=notebook(monkeypatch, tmp_path), seeds=1, jobs=2)


CELL = """
LEVELS = {levels}

def helper(x):
    return x ** LEVELS[1]

class A:
    def f(self, x):
        return helper(x)
"""


def test_code_that_a_class_refers_to_counts_too(monkeypatch, tmp_path):
    import linecache

    from imbal_bench.api.content import content_of

    def version(levels):
        code = CELL.format(levels=levels)
        cell = f"<cell {levels} {len(linecache.cache)}>"
        linecache.cache[cell] = (len(code), None, code.splitlines(keepends=True), cell)
        exec(compile(code, cell, "exec"), scope := {"__name__": "__main__"})  # noqa: S102 - as a notebook does
        return content_of(scope["A"])

    first, again, other = version("[1, 2]"), version("[1, 2]"), version("[1, 3]")
    assert first == again != other
    assert version("[1, {1: frozenset([2])}]") != version("[1, {1: frozenset([3])}]")
    with pytest.raises(SpecError, match="refers to LEVELS, of type range, whose content cannot be identified"):
        version("range(3)")


def test_a_name_that_is_taken_or_missing_is_said(tiny, module):
    mine = module()
    taken = type("Badge", (mine.Near,), {"name": "badge", "__module__": "mine"})
    with pytest.raises(PluginError, match=r"Badge of .*mine.py is not what 'badge' means"):
        tiny(strategies=taken, seeds=1)
    nameless = type("None_", (mine.Near,), {"name": None, "__module__": "mine"})
    with pytest.raises(SpecError, match="no class attribute `name`"):
        tiny(strategies=nameless, seeds=1)
