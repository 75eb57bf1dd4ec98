"""What a resume reads, and what it may take for granted."""

import json
import os

import numpy as np
import pytest

from bench.errors import CorruptRecordError
from bench.records import RunRecord
from bench.store import Store, codec, compact, notes

PROBABILITIES = np.linspace(0, 1, 30, dtype=np.float32).reshape(3, 10)
LONG_AGO = 1_000_000_000 * 10**9


@pytest.fixture
def filled(store, a_record) -> Store:
    """A store of four runs whose files are older than the ticks of any clock."""
    for seed in range(4):
        age(store, store.write(a_record(seed), PROBABILITIES).key)
    return store


def age(store: Store, key: str) -> None:
    for suffix in (".json", ".npy"):
        os.utime(store.own_file(key).with_suffix(suffix), ns=(LONG_AGO, LONG_AGO))


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """The keys of the records whose files are read from here on."""
    keys, real = [], Store.content
    monkeypatch.setattr(Store, "content", lambda self, key, *rest: (keys.append(key), real(self, key, *rest))[1])
    return keys


def test_what_is_sound_is_read_once(filled, read):
    everything = filled.keys()
    assert filled.valid_keys(everything) == (everything, [])
    assert sorted(read) == sorted(everything)
    read.clear()
    assert Store(filled.path).valid_keys(everything) == (everything, [])
    assert read == []


@pytest.mark.parametrize("suffix", [".json", ".npy"])
def test_a_file_that_changed_is_read_again(filled, read, suffix):
    everything = filled.keys()
    filled.valid_keys(everything)
    bad = min(everything)
    path = filled.own_file(bad).with_suffix(suffix)
    content = path.read_bytes()
    path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])  # of the same size
    read.clear()
    sound, lines = filled.valid_keys(everything)
    assert (sound, len(lines), set(read)) == (everything - {bad}, 1, {bad})


def test_a_run_just_written_is_read_again(store, a_record, read):
    """It could change once more within one tick of the clock, and look the same."""
    key = store.write(a_record(), PROBABILITIES).key
    for _ in range(2):
        store.valid_keys([key])
    assert read == [key, key]


def test_an_alteration_that_no_time_tells_of_is_found_by_whoever_reads(filled):
    everything = filled.keys()
    filled.valid_keys(everything)
    bad = min(everything)
    path = filled.own_file(bad).with_suffix(".npy")
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    age(filled, bad)
    assert filled.valid_keys(everything) == (everything, [])  # which is what the notes cost
    with pytest.raises(CorruptRecordError):
        filled.test_probabilities(filled.read(bad))


@pytest.mark.parametrize("content", [b"", b"\xff", b"[1]", b'{"x": 1}', b"[" * 100_000, b"{" + b'"a":{' * 100_000])
def test_notes_that_are_damaged_are_made_anew(filled, read, content):
    everything = filled.keys()
    filled.valid_keys(everything)
    (filled.path / "sound.json").write_bytes(content)
    read.clear()
    assert filled.valid_keys(everything) == (everything, [])
    assert sorted(read) == sorted(everything)
    assert json.loads((filled.path / "sound.json").read_bytes()).keys() >= everything


def test_a_pack_is_read_whole_once(filled, monkeypatch):
    compact.compact(filled)
    (pack,) = filled.packs.folder.iterdir()
    os.utime(pack, ns=(LONG_AGO, LONG_AGO))
    everything, looks = filled.keys(), []
    monkeypatch.setattr("bench.store.store.is_whole", lambda path: looks.append(path) or True)
    for _ in range(2):
        assert Store(filled.path).valid_keys(everything) == (everything, [])
    assert looks == [pack]


def test_notes_are_of_files_as_they_were_before_they_were_read(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x")
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    seen = notes.look(path)
    assert seen == [1, LONG_AGO]
    assert notes.look(path, tmp_path / "missing") == []
    kept = notes.Notes(tmp_path / "notes")
    assert not kept.holds("a", [])
    kept.add("a", seen)
    kept.save()
    assert notes.Notes(tmp_path / "notes").holds("a", seen)
    assert not notes.Notes(tmp_path / "notes").holds("a", [1, LONG_AGO + 1])


# The hash that a record carries


def test_a_flipped_bit_anywhere_in_a_record_is_noticed(store, a_record):
    stored = store.write(a_record(seconds=1.25, reason="äöü"), PROBABILITIES)
    path = store.own_file(stored.key)
    content = path.read_bytes()
    for at in range(0, len(content) - 1, 11):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(CorruptRecordError):
            store.read(stored.key)


def test_what_carries_its_hash_is_not_parsed(filled, monkeypatch):
    """Which is what a first resume of 20,000 runs would spend most of its time on."""
    everything = filled.keys()
    monkeypatch.setattr(RunRecord, "model_validate_json", lambda _: pytest.fail("a record was parsed"))
    assert filled.valid_keys(everything) == (everything, [])


def test_only_the_bytes_that_were_written_pass_unparsed(store, a_record):
    """Whatever a text in the record quotes; and of another version, status or name they are to be parsed."""
    quoted = '\n "key": "x",\n "status": "ok",\n "sha256": "' + "0" * 64 + '"\n}\n'
    stored = store.write(a_record(reason=quoted), PROBABILITIES)
    content, probabilities = store.content(stored.key), store.probabilities_content(stored.key)
    assert codec.is_as_written(content, probabilities, stored.key)
    assert not codec.is_as_written(content, probabilities, "x")
    assert not codec.is_as_written(content, probabilities[:-1], stored.key)
    for at in range(0, len(content), 7):
        assert not codec.is_as_written(
            content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :], probabilities, stored.key
        )
    for other in ({"schema_version": 4}, {"status": "failed"}, {"key": "y"}):
        _, content = codec.encode_record(stored.model_copy(update=other))
        assert not codec.is_as_written(content, probabilities, stored.key)


def test_a_record_older_than_the_hash_is_read(store, a_record):
    stored = store.write(a_record(), PROBABILITIES)
    path = store.own_file(stored.key)
    old = json.loads(path.read_bytes())
    del old["sha256"]
    path.write_text(json.dumps(old))
    assert store.read(stored.key) == stored.model_copy(update={"sha256": ""})
    assert store.valid_keys([stored.key]) == ({stored.key}, [])


def test_an_option_that_is_called_like_the_hash_does_not_confuse_it(a_record):
    record = a_record()
    part = record.spec.strategy.algorithm.model_copy(update={"options": {"sha256": ""}})
    strategy = record.spec.strategy.model_copy(update={"algorithm": part})
    spec = record.spec.model_copy(update={"strategy": strategy})
    record = record.model_copy(update={"spec": spec, "key": spec.key("f")})
    written, content = codec.encode_record(record)
    assert codec.decode_record(content, record.key, "ok", "x") == written
