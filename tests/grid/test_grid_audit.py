"""The audit passes what a grid stores, and notices each thing that must not be."""

from __future__ import annotations

import io
import json
import shutil

import pytest
from cli_tools import in_process
from grid_tools import override
from rich.console import Console

from bench.grid.stored.audit import audit
from bench.grid.world import World
from bench.store import Store
from imbal_bench.display.stores import show_audit


@pytest.fixture
def store(finished, tmp_path) -> Store:
    shutil.copytree(finished, tmp_path / "store")
    return Store(tmp_path / "store")


@pytest.fixture
def few(store) -> Store:
    """The same with four of its runs."""
    keys = sorted(store.keys())
    for key in (*keys[:2], *keys[6:]):
        for part in (store.file_of(key), store.file_of(key).with_suffix(".npy")):
            part.unlink()
    return store


def tamper(store: Store, change) -> str:
    """Change the JSON of one run, and hide it by removing the record's hash of itself; return its key."""
    key = sorted(store.keys())[:6][-1]
    path = store.file_of(key)
    content = json.loads(path.read_text())
    change(content)
    del content["sha256"]
    path.write_text(json.dumps(content))
    return key


def test_what_a_grid_stores_is_sound(finished, world):
    found = audit(Store(finished), world)
    assert (found.runs, found.wrong, found.unchecked) == (12, [], set())


def test_cold_starts_and_pools_that_run_dry_are_sound(light_spec, run_grid, world, tmp_path):
    loop = {"rounds": 3, "batch": 60}
    spec = override(light_spec, algorithms=["random"], starts=["cold", "warm"], loop=loop)
    run_grid(spec, tmp_path / "store")
    found = audit(Store(tmp_path / "store"), world)
    assert (found.runs, found.wrong, found.unchecked) == (6, [], set())


def swap(entry, value):
    def change(content):
        content["rounds"][entry]["selected"][0] = value(content)

    return change


def set_to(value, *path):
    def change(content):
        *parents, last = path
        for part in parents:
            content = content[part]
        content[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (swap(1, lambda content: content["rounds"][1]["selected"][1]), "a row is labelled twice"),
        (swap(2, lambda content: content["start_rows"][0]), "a row is labelled twice"),
        (swap(1, lambda content: 599), "a row is not of the pool"),
        (lambda content: content["rounds"][1]["selected"].pop(), "round 1 selects 5 rows"),
        (lambda content: content["rounds"].pop(1), "its rounds are not 0 to 2"),
        (set_to(17, "rounds", 1, "labelled"), "round 1 counts 17 labelled rows, and names 16"),
        (set_to(6, "rounds", 2, "selected_positives"), "round 2 miscounts its positives"),
        (set_to(9, "rounds", 1, "labelled_positives"), "round 1 miscounts its positives"),
        (set_to(0.5, "metrics", "positives_ratio"), "positives_ratio is stored as 0.5, but its rounds give"),
        (set_to("another", "pair_key"), "the runs of 1 blocks do not all have one pair_key"),
        (set_to(3, "spec", "settings", "train", "epochs"), "its name is not the hash of its configuration"),
        (set_to(99, "pool", "test_rows"), "its test probabilities are (3, 90)"),
        (set_to(13, "pool", "positives"), "its pool has other counts than its data gives"),
        (lambda content: content["start_rows"].reverse() or set_to(599, "start_rows", 0)(content), "not of the pool"),
        (set_to("0" * 64, "test_probabilities_sha256"), "does not match the hash in its record"),
        (set_to("failed", "status"), "holds the failed record"),
    ],
)
def test_each_thing_that_must_not_be_is_noticed(few, world, change, line):
    tamper(few, change)
    wrong = audit(few, world).wrong
    assert any(line in found for found in wrong), wrong
    assert all("\n" not in found for found in wrong)


def test_another_start_set_is_noticed(store, world):
    """Another row of the pool that is labelled nowhere takes the place of a start row."""
    key = sorted(store.keys())[5]
    record = store.read(key)
    used = {*record.start_rows, *(row for entry in record.rounds for row in entry.selected)}
    others = {row for other in store.records() for entry in other.rounds for row in entry.selected} - used
    tamper(store, set_to(min(others), "start_rows", 9))
    assert any("its start set is not the one of its seed" in line for line in audit(store, world).wrong)


def test_runs_whose_data_is_not_at_hand_are_checked_as_far_as_possible(store, world, tmp_path):
    tamper(store, swap(1, lambda content: content["rounds"][1]["selected"][1]))
    found = audit(store, World(tmp_path, tmp_path / "cache"))
    assert len(found.wrong) == 1
    assert len(found.unchecked) == 1
    out = io.StringIO()
    show_audit(store.path, found, Console(file=out, width=300))
    assert "12 runs in" in out.getvalue()
    assert "1 wrong" in out.getvalue()
    assert "not held against its data: toy: " in out.getvalue()


def test_doctor_ends_with_exit_code_1_if_a_run_is_wrong(store, world, monkeypatch, capsys):
    tamper(store, set_to("another", "pair_key"))
    where = ("--data-dir", world.data_dir, "--cache-dir", world.cache_dir)
    code, out, _ = in_process(monkeypatch, capsys)("doctor", "--store", store.path, *where)
    assert code == 1
    assert "do not all have one pair_key" in out
