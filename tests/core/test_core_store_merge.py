"""What merging promises: nothing that was there changes, nothing from elsewhere is lost, unlike results are told."""

import os

import numpy as np
import pytest
from typer.testing import CliRunner

from bench.errors import StoreError
from bench.records import Provenance, Round, RunRecord
from bench.store import Store, replicates
from bench.store.codec import encode_record
from bench.store.compact import LOCK, compact
from bench.store.merge import merge
from imbal_bench.cli import app

PROBABILITIES = np.linspace(0, 1, 30, dtype=np.float32).reshape(3, 10)


def made_on(device: str) -> Provenance:
    same = dict.fromkeys(("finished", "precision", "data_source", "model_source", "lm_head"), "x")
    return Provenance(**same, host=device, device=device, threads=1, versions={}, git_commit=None, git_dirty=None)


def entry(*selected: int, seconds: float = 1.0) -> Round:
    same = {"round": 1, "labelled": 9, "labelled_positives": 1, "metrics": {"balanced_accuracy": 0.5, "auc": 0.5}}
    return Round(selected=selected, seconds={"fit": seconds}, **same)


@pytest.fixture
def stores(tmp_path) -> list[Store]:
    return [Store(tmp_path / name, create=True) for name in ("here", "there", "elsewhere")]


@pytest.fixture
def put(a_record):
    """A function that stores the run of a seed as some device had it."""

    def put(store: Store, seed: int, device: str = "cpu", *, shift: float = 0.0, picks=(1, 2), **fields) -> RunRecord:
        record = a_record(seed, provenance=made_on(device), rounds=(entry(*picks, seconds=len(device)),), **fields)
        return store.write(record, PROBABILITIES + np.float32(shift))

    return put


def contents(store: Store) -> dict[str, bytes]:
    return {record.key: store.content(record.key) for record in store.records()}


def files(store: Store) -> dict[str, bytes]:
    found = (path for path in store.path.rglob("*") if path.is_file() and path.parent.name != "locks")
    return {str(path.relative_to(store.path)): path.read_bytes() for path in found}


def test_runs_that_a_store_has_not_are_added_as_they_are(stores, put):
    here, there, elsewhere = stores
    put(here, 0)
    put(there, 1)
    compact(there)
    put(there, 2)
    put(elsewhere, 3)
    before = [contents(store) for store in stores]
    found = merge(here, [there, elsewhere])
    assert (found.new, found.conflicts, found.unreadable) == (3, [], [])
    assert contents(here) == before[0] | before[1] | before[2]
    assert here.valid_keys(here.keys()) == (here.keys(), [])


def test_merging_twice_is_merging_once(stores, put):
    here, there, _ = stores
    put(here, 0)
    put(there, 0, "gpu", shift=0.5)
    put(there, 1)
    first = merge(here, [there])
    before = files(here)
    second = merge(here, [there])
    assert files(here) == before
    assert (second.new, second.known) == (0, 1)
    assert (second.agreements, second.conflicts) == (first.agreements, first.conflicts)


def test_a_copy_of_a_store_adds_nothing(stores, put):
    here, there, _ = stores
    put(here, 0)
    merge(there, [here])
    before = files(here)
    found = merge(here, [there])
    assert (found.new, found.known, found.agreements) == (0, 1, {})
    assert files(here) == before


def test_a_run_whose_first_model_is_not_that_of_its_block_is_refused(stores, put):
    """Beside the store's own runs it would look like a pair; what was made elsewhere of other blocks is welcome."""
    here, there, _ = stores
    block = {"pair_key": "block", "control": (0.2, 0.8)}
    put(here, 0, **block)
    put(there, 1, "gpu", **(block | {"control": (0.2, 0.9)}))
    put(there, 2, "gpu", **(block | {"control": (0.2, 0.80001)}))
    put(there, 3, "gpu", pair_key="another block", control=(0.7, 0.1))
    before = files(here)
    dry = merge(here, [there], dry_run=True)
    assert files(here) == before
    found = merge(here, [there])
    assert (found.new, len(found.refused)) == (dry.new, len(dry.refused)) == (2, 1)
    assert "seed 1" in found.refused[0]
    assert "device cpu and gpu" in found.refused[0]
    result = CliRunner().invoke(app, ["store", "merge", str(here.path), str(there.path)])
    assert result.exit_code == 1
    assert "refused: sst2/größe 1/50 seed 1 warm random+uniform" in result.output


@pytest.mark.parametrize(
    ("change", "degree"),
    [
        ({}, "bit for bit"),
        ({"shift": 1e-4}, "within tolerance"),
        ({"shift": 0.1}, "same picks"),
        ({"picks": (2, 1)}, "other picks"),
        ({"picks": (1, 3), "shift": 0.5}, "other picks"),
        ({"pair_key": "another"}, "other facts"),
        ({"start_rows": (7,)}, "other facts"),
    ],
)
def test_another_result_is_kept_beside_and_told_unless_it_is_the_same(stores, put, change, degree):
    here, there, _ = stores
    own, other = put(here, 0), put(there, 0, "gpu", **change)
    before = files(here)
    found = merge(here, [there])
    assert found.agreements == {degree: 1}
    assert (found.new, found.known, found.unreadable) == (0, 0, [])
    assert before.items() <= files(here).items()
    assert (here.keys(), here.read(own.key)) == ({own.key}, own)
    kept = [path for path in (here.path / "replicates").iterdir() if path.suffix == ".json"]
    assert [path.read_bytes() for path in kept] == [there.content(other.key)]
    assert len(found.conflicts) == (degree != "bit for bit")
    for line in found.conflicts:
        assert degree in line
        assert str(here.file_of(own.key)) in line
        assert str(there.file_of(own.key)) in line
    ((first, second, agreement),) = replicates.agreements(here)
    assert (first, second, agreement.degree) == (own, other, degree)
    assert agreement.difference == pytest.approx(change.get("shift", 0.0), rel=1e-3)


def test_replicates_travel_and_are_not_doubled(stores, put):
    here, there, elsewhere = stores
    for store, device in zip(stores, ("cpu", "gpu", "tpu"), strict=True):
        put(store, 0, device)
    merge(here, [there])
    merge(elsewhere, [here])
    names = sorted(path.name for path in (elsewhere.path / "replicates").glob("*.json"))
    assert len(names) == 2
    merge(elsewhere, [there, here])
    assert sorted(path.name for path in (elsewhere.path / "replicates").glob("*.json")) == names


def test_a_dry_run_tells_the_same_and_writes_nothing(stores, put):
    here, there, elsewhere = stores
    put(here, 0)
    put(there, 0, "gpu", shift=0.5)
    put(there, 1)
    put(elsewhere, 1, "gpu", picks=(3, 4))
    put(elsewhere, 2, status="failed", reason="x")
    before = files(here)
    would = merge(here, [there, elsewhere], dry_run=True)
    assert files(here) == before
    does = merge(here, [there, elsewhere])
    assert (would.new, would.agreements) == (does.new, does.agreements) == (1, {"same picks": 1, "other picks": 1})
    assert would.unfinished == does.unfinished == 1
    assert len(would.conflicts) == len(does.conflicts) == 2


def test_failures_are_added_only_for_runs_of_which_nothing_is_known(stores, a_record, put):
    here, there, _ = stores
    put(here, 0)
    here.write(a_record(1, "failed", reason="here"))
    for seed in range(3):
        there.write(a_record(seed, "failed", reason="there"))
    assert merge(here, [there]).unfinished == 1
    assert {record.reason for record in here.records("failed")} == {"here", "there"}
    assert len(here.keys("failed")) == 2


def test_damaged_runs_are_left_out_and_told(stores, put):
    here, there, _ = stores
    key = put(there, 0).key
    good = put(there, 1).key
    path = there.own_file(key).with_suffix(".npy")
    path.write_bytes(path.read_bytes()[:-1])
    found = merge(here, [there])
    assert here.keys() == {good}
    assert found.unreadable == [f"what goes with {path.with_suffix('.json')} does not match the hash in its record"]
    assert there.keys() == {key, good}  # a source is only read


def test_a_run_under_the_name_of_another_configuration_is_left_out(stores, a_record):
    here, there, _ = stores
    record, content = encode_record(a_record().model_copy(update={"fingerprint": "forged"}))
    there.put(record.key, content, b"")
    assert "is not the hash of its configuration" in merge(here, [there]).unreadable[0]
    assert here.keys() == set()


def test_an_own_run_that_is_damaged_is_told_and_left_alone(stores, put):
    here, there, _ = stores
    key = put(here, 0).key
    put(there, 0, "gpu")
    here.own_file(key).write_bytes(b"damaged")
    before = files(here)
    assert str(here.own_file(key)) in merge(here, [there]).unreadable[0]
    assert files(here) == before


def test_a_store_is_not_merged_into_itself_nor_by_two_at_a_time(stores):
    here, there, _ = stores
    with pytest.raises(StoreError, match="cannot be merged into itself"):
        merge(here, [there, Store(there.path / ".." / "here")])
    with here.claim(LOCK), pytest.raises(StoreError, match="by another process"):
        merge(here, [there])


def test_a_merge_that_is_stopped_goes_on(stores, put, monkeypatch):
    here, there, _ = stores
    wanted = {put(there, seed).key for seed in range(4)}
    real, calls = os.replace, []

    def full(*paths):
        calls.append(paths)
        if len(calls) == 4:
            raise OSError(28, "No space left on device")
        real(*paths)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StoreError, match="No space left"):
        merge(here, [there])
    assert here.valid_keys(wanted) == (here.keys(), [])
    assert len(here.keys()) == 1
    monkeypatch.undo()
    assert merge(here, [there]).new == 3
    assert here.keys() == wanted


def command(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [*map(str, arguments)])
    assert done.exit_code == code, done.output
    return done.output


def test_the_commands_say_what_they_did(stores, put, tmp_path):
    here, there, _ = stores
    new = tmp_path / "new"
    put(here, 0)
    put(there, 0, "gpu", shift=0.5)
    put(there, 1)
    assert "added 1 runs" in command("store", "merge", new, here.path)
    said = command("store", "merge", new, there.path, code=1)
    assert "conflict: sst2/größe 1/50 seed 0 warm random+uniform: " in said
    assert "other results of runs that were there: 1 same picks" in said
    assert "2 runs moved out of files of their own" in command("store", "compact", "--store", new)
    said = command("store", "replicates", "--store", new)
    assert "cpu, x, 1 threads, torch unknown | gpu, x, 1 threads, torch unknown: 1 same picks; " in said
    assert "has no replicates" in command("store", "replicates", "--store", there.path)
    (new / "packed" / "x.parquet").touch()
    said = command("status", "--store", new)
    assert "1; imbal-bench store replicates" in said
    assert "1; imbal-bench doctor names them" in said
