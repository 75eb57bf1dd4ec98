"""A report after further runs: byte for byte the one that would be made from scratch, with only the news drawn."""

import shutil

import pytest

import reports
from analysis import Cache
from bench.store import Store
from reports.picture import pictures


@pytest.fixture
def drawn(figures_as_hashes):
    """The names of the figures that are drawn from now on."""
    return figures_as_hashes


@pytest.fixture
def store(factory, tmp_path):
    for ratio in (10, 50):
        factory.fill(tmp_path / "store", ratio=ratio, seeds=range(2), tasks=[("ag_news", "Sports")])
    return Store(tmp_path / "store")


def content(store, out):
    files = reports.write_report(reports.read_report(store.path), out)
    paths = [files.html, *files.tables, *files.figures, *files.runs]
    return {path.relative_to(out): path.read_bytes() for path in paths}


def from_scratch(store, tmp_path):
    shutil.copytree(store.path, tmp_path / "copy", ignore=shutil.ignore_patterns("index"))
    return content(Store(tmp_path / "copy"), tmp_path / "other")


def further(factory, store):
    """A new run, a changed one, a lost one and a failure, all at ratio 10."""
    store.write(factory.a_run("random", "uniform", ratio=10, seed=3, auc=0.7))
    store.write(factory.a_run("random", "invprop", ratio=10, auc=0.9))
    store.file_of(factory.a_run("badge", "uniform", ratio=10, seed=1).key).unlink()
    store.write(factory.a_run("badge", "invprop", ratio=10, seed=3, status="failed", reason="NaN loss"))


def test_an_incremental_report_is_the_one_from_scratch_and_draws_the_news_only(store, factory, drawn, tmp_path):
    first = content(store, tmp_path / "out")
    every = set(drawn)
    drawn.clear()
    assert content(store, tmp_path / "out") == first
    assert drawn == []
    further(factory, store)
    second = content(store, tmp_path / "out")
    assert second != first
    assert not [name for name in drawn if "ratio50" in name]
    assert {name for name in every if "ratio10" in name} <= set(drawn)
    assert second == from_scratch(store, tmp_path)


def test_damaged_figures_are_drawn_again_and_unwanted_ones_go(store, factory, drawn, tmp_path):
    first = content(store, tmp_path / "out")
    kept = store.path / "index" / "figures"
    for path in kept.iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    (kept / "of another day").write_bytes(b"")
    drawn.clear()
    assert content(store, tmp_path / "out") == first
    assert len(drawn) == len(set(drawn)) == len(list(kept.iterdir()))


def test_other_code_draws_again(store, drawn, tmp_path, monkeypatch):
    figures = [figure for section in reports.read_report(store.path).sections for figure in section.figures]
    kept = Cache(tmp_path / "kept")
    pictures(figures, kept)
    monkeypatch.setattr("reports.picture._code", lambda: "another")
    assert pictures(figures, kept) == pictures(figures, kept)
    assert drawn == [figure.name for figure in figures] * 2
