"""What the store promises of packed runs: they are what they were, whatever happens to compaction or to a pack."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.errors import StoreError
from bench.store import Store, compact, packs
from bench.store.codec import decode_probabilities, decode_record

PROBABILITIES = np.linspace(0, 1, 30, dtype=np.float32).reshape(3, 10)
RUNS = 7


@pytest.fixture
def filled(store, a_record) -> Store:
    """A store of seven runs, each with probabilities of its own."""
    for seed in range(RUNS):
        store.write(a_record(seed), PROBABILITIES + np.float32(seed))
    return store


@pytest.fixture
def _small(monkeypatch):
    """Packs of two or three runs, and row groups of one or two."""
    monkeypatch.setattr(compact, "PACK_BYTES", 4_500)
    monkeypatch.setattr(packs, "GROUP_BYTES", 2_500)


def content_of(store: Store) -> dict[str, tuple[bytes, bytes]]:
    return {key: (store.content(key), store.probabilities_content(key)) for key in sorted(store.keys())}


def pack_files(store: Store) -> list[Path]:
    return sorted(store.packs.folder.glob("*"))


def own_files(store: Store) -> list[Path]:
    return [path for path in (store.path / "runs").rglob("*") if path.is_file()]


@pytest.mark.usefixtures("_small")
def test_packed_runs_are_what_they_were(filled):
    before, records = content_of(filled), list(filled.records())
    done = compact.compact(filled)
    assert (done.runs, done.unsound) == (RUNS, 0)
    assert len(pack_files(filled)) == done.packs > 1
    assert own_files(filled) == []
    for store in (filled, Store(filled.path)):  # one that knew the files, and one that never saw them
        assert content_of(store) == before
        assert list(store.records()) == records
        assert store.valid_keys(before) == (set(before), [])
        for record in records:
            assert (store.test_probabilities(record) == PROBABILITIES + record.spec.block.seed).all()
            assert store.file_of(record.key) in pack_files(store)


def test_compaction_twice_is_compaction_once(filled):
    compact.compact(filled)
    before = [path.read_bytes() for path in pack_files(filled)]
    assert compact.compact(filled).runs == 0
    assert [path.read_bytes() for path in pack_files(filled)] == before


def test_small_packs_are_joined_and_full_ones_left_alone(filled, a_record, monkeypatch):
    for seed in range(RUNS, RUNS + 3):
        compact.compact(filled)
        filled.write(a_record(seed), PROBABILITIES + np.float32(seed))
    before, (small,) = content_of(filled), pack_files(filled)
    done = compact.compact(filled)
    assert (done.runs, done.packs) == (1, 1)
    (joined,) = pack_files(filled)
    assert joined != small
    monkeypatch.setattr(packs, "PACK_BYTES", 1)
    filled.write(a_record(99), PROBABILITIES)
    compact.compact(filled)
    assert len(pack_files(filled)) == 2
    assert joined in pack_files(filled)
    assert {key: found for key, found in content_of(filled).items() if key in before} == before


def test_a_small_pack_that_is_damaged_is_left_to_whoever_runs_it_again(filled, a_record):
    compact.compact(filled)
    (bad,) = pack_files(filled)
    flip(bad, 30)
    filled.write(a_record(99), PROBABILITIES)
    compact.compact(filled)
    assert len(pack_files(filled)) == 2
    assert bad in pack_files(filled)


def test_who_reads_while_packs_are_joined_finds_every_run(filled, a_record, monkeypatch):
    compact.compact(filled)
    filled.write(a_record(RUNS), PROBABILITIES)
    before, early, late = content_of(filled), Store(filled.path), Store(filled.path)
    early.packs.places()
    real = packs._places

    def joined_meanwhile(pack):
        monkeypatch.setattr(packs, "_places", real)
        compact.compact(filled)
        return real(pack)

    monkeypatch.setattr(packs, "_places", joined_meanwhile)
    assert late.valid_keys(before) == (set(before), [])
    assert late.unreadable_packs() == []
    for store in (early, late):
        assert {key: (store.content(key), store.probabilities_content(key)) for key in before} == before


def test_runs_that_are_not_sound_keep_their_files(filled):
    bad = sorted(filled.keys())[3]
    path = filled.file_of(bad).with_suffix(".npy")
    path.write_bytes(path.read_bytes()[:-1])
    done = compact.compact(filled)
    assert (done.runs, done.unsound) == (RUNS - 1, 1)
    assert sorted(own_files(filled)) == [path.with_suffix(".json"), path]
    assert filled.valid_keys([bad])[0] == set()


def test_failures_are_not_packed(filled, a_record):
    lost = filled.write(a_record(99, "failed", reason="x"))
    compact.compact(filled)
    assert filled.keys("failed") == {lost.key}


def killed_at_step(number: int, action: Callable[[], object]) -> bool:
    """Run an action in a forked process, killed before its n-th change of a folder; return whether it was killed."""
    child = os.fork()
    if child == 0:  # nothing of pytest may run on here
        left = [number]

        def counted(real):
            def call(*arguments, **options):
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **options)

            return call

        os.replace, Path.unlink, Path.open = counted(os.replace), counted(Path.unlink), counted(Path.open)
        try:
            action()
            os._exit(0)
        finally:
            os._exit(1)  # the action failed
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def after_every_kill(tmp_path, a_record, prepare, action) -> Iterator[Store]:
    """Yield a store of three runs after an action on it was killed before its first step, its second, ... and never."""
    killed, number = True, 0
    while killed:
        store = Store(tmp_path / f"killed-{number}", create=True)
        for seed in range(3):
            store.write(a_record(seed), PROBABILITIES + np.float32(seed))
        prepare(store)
        killed = killed_at_step(number, lambda store=store: action(Store(store.path)))
        yield store
        number += 1
    assert number > 6  # or nothing was tested


@pytest.fixture
def _no_sync(monkeypatch):
    """Kills lose nothing that was handed to the operating system; waiting for the disk only costs time."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.mark.usefixtures("_no_sync")
def test_compaction_killed_at_any_step_loses_and_doubles_nothing(tmp_path, a_record):
    before = None

    def prepare(store):
        """Leave a small pack of two runs, and a third."""
        third = content_of(store)[a_record(2).key]
        store.set_aside(a_record(2).key)
        compact.compact(store)
        store.put(a_record(2).key, *third)

    for store in after_every_kill(tmp_path, a_record, prepare, compact.compact):
        before = before or content_of(store)
        assert content_of(store) == before
        assert store.valid_keys(before) == (set(before), [])
        compact.compact(store)
        assert own_files(store) == []
        assert content_of(store) == before
        packed = pa.concat_tables(pq.read_table(pack) for pack in store.packs.folder.glob("*.parquet"))
        assert sorted(packed["key"].to_pylist()) == sorted(before)
        assert len(list(store.packs.folder.glob("*.parquet"))) == 1


@pytest.mark.usefixtures("_no_sync")
def test_giving_up_a_damaged_pack_killed_at_any_step_loses_no_sound_run(tmp_path, a_record):
    def damage(store):
        compact.compact(store)
        (pack,) = pack_files(store)
        pack.rename(pack.with_name("0" * 32 + ".parquet"))  # what only the hash in its name can notice

    for killed in after_every_kill(tmp_path, a_record, damage, lambda store: store.valid_keys(store.keys())):
        store = Store(killed.path)
        before = content_of(store)
        assert len(before) == 3
        assert store.valid_keys(before)[0] == set(before)
        assert content_of(store) == before
        assert pack_files(store) == []


def flip(path: Path, at: int) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])


@pytest.mark.usefixtures("_small", "_no_sync")
@pytest.mark.parametrize("share", [k / 12 for k in range(12)])
@pytest.mark.parametrize("old", [False, True], ids=["", "older than the hash of a record"])
def test_a_flipped_bit_in_a_pack_is_noticed_and_costs_at_most_the_runs_it_is_in(filled, share, old):
    for record in list(filled.records()) if old else ():
        path = filled.own_file(record.key)
        path.write_bytes(path.read_bytes().replace(f',\n "sha256": "{record.sha256}"'.encode(), b""))
        assert not filled.read(record.key).sha256
    before = content_of(filled)
    compact.compact(filled)
    pack = pack_files(filled)[0]
    inside = set(pq.read_table(pack)["key"].to_pylist())
    flip(pack, int(share * pack.stat().st_size))
    store = Store(filled.path)
    sound, (line,) = store.valid_keys(before)
    assert str(pack) in line
    assert "to be run again" in line
    assert len(line.splitlines()) == 1
    assert set(before) - sound <= inside
    assert store.keys() == sound
    assert content_of(store) == {key: before[key] for key in sound}
    assert [path.stem.partition(".")[0] for path in (store.path / "aside").iterdir()] == [pack.stem]
    assert store.valid_keys(before) == (sound, [])


@pytest.mark.usefixtures("_no_sync")
@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_a_pack_cut_short_is_set_aside(filled, keep):
    before = content_of(filled)
    compact.compact(filled)
    (pack,) = pack_files(filled)
    pack.write_bytes(pack.read_bytes()[:keep])
    store = Store(filled.path)
    assert len(store.unreadable_packs()) == len(store.packs.wrong()) == 1
    sound, (line,) = store.valid_keys(before)
    assert (sound, store.keys()) == (set(), set())
    assert "cannot be read as a pack" in line


def test_a_damaged_pack_is_told_of_without_being_touched(filled):
    compact.compact(filled)
    (pack,) = pack_files(filled)
    assert filled.packs.wrong() == []
    flip(pack, 30)
    assert filled.packs.wrong() == [f"{pack} does not match the hash in its name"]
    assert pack.exists()


HOSTILE = ("../../outside", "/outside", "..", "", "A" * 32, "0" * 31 + "\n")


@pytest.mark.parametrize("name", HOSTILE)
def test_names_in_a_pack_cannot_leave_the_store(filled, name, tmp_path):
    """A pack from elsewhere, whose damage would make its runs files of those names."""
    key = min(filled.keys())
    run = packs.PackedRun(name, filled.content(key), filled.probabilities_content(key))
    pack = packs.write_pack(filled.packs.folder, [run])
    pack.rename(pack.with_name("0" * 32 + ".parquet"))
    before = content_of(filled)
    _, (line,) = filled.valid_keys(before)
    assert "names that are no keys" in line
    assert content_of(filled) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store"]


def test_a_pack_of_other_columns_is_refused(filled):
    filled.packs.folder.mkdir()
    pq.write_table(pa.table({"key": ["0" * 32], "record": [b""]}), filled.packs.folder / "x.parquet")
    assert "it has other columns" in filled.unreadable_packs()[0]


def test_a_disk_that_fails_is_no_fault_of_the_pack(filled, monkeypatch):
    compact.compact(filled)

    def fails(*_, **__):
        raise OSError(5, "Input/output error")

    store = Store(filled.path)
    monkeypatch.setattr(pq, "ParquetFile", fails)
    with pytest.raises(StoreError, match=r"cannot read .*Input/output error"):
        store.valid_keys(store.own_keys())
    monkeypatch.undo()
    assert store.valid_keys(store.keys()) == (filled.keys(), [])
    assert len(store.keys()) == RUNS


def test_a_run_of_its_own_counts_before_a_packed_one(filled, a_record):
    compact.compact(filled)
    newer = filled.write(a_record(0, seconds=2.0), PROBABILITIES)
    compact.compact(filled)
    assert filled.read(newer.key) == newer
    assert (filled.test_probabilities(newer) == PROBABILITIES).all()


def test_runs_that_end_while_others_are_packed_stay(filled, a_record, monkeypatch):
    real = compact.write_pack

    def meanwhile(*arguments):
        filled.write(a_record(50), PROBABILITIES)
        return real(*arguments)

    monkeypatch.setattr(compact, "write_pack", meanwhile)
    compact.compact(filled)
    assert len(filled.keys()) == RUNS + 1
    assert filled.valid_keys(filled.keys()) == (filled.keys(), [])


def test_only_one_process_compacts(filled):
    with filled.claim(compact.LOCK), pytest.raises(StoreError, match="by another process; try again later"):
        compact.compact(filled)
    assert pack_files(filled) == []


def test_the_bytes_in_a_pack_are_checked_like_files(filled):
    compact.compact(filled)
    for key, (record, probabilities) in content_of(filled).items():
        decode_probabilities(probabilities, decode_record(record, key, "ok", "x"), "x")
