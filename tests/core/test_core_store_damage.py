"""What the store promises of damaged files and of folders that are no store: no result, one line, nothing lost."""

import hashlib
import json
import pickle

import numpy as np
import pytest

from bench.errors import CorruptRecordError, StoreError
from bench.records import SCHEMA_VERSION, RunRecord
from bench.store import Store, marker

PROBABILITIES = np.linspace(0, 1, 30, dtype=np.float32).reshape(3, 10)


def damaged(store: Store, record: RunRecord, suffix: str, change) -> None:
    path = store.file_of(record.key).with_suffix(suffix)
    path.write_bytes(change(path.read_bytes()))


def test_a_record_cut_short_anywhere_is_refused(store, a_record):
    stored = store.write(a_record(), PROBABILITIES)
    whole = store.file_of(stored.key).read_bytes()
    for size in range(0, len(whole.rstrip()), 7):
        store.file_of(stored.key).write_bytes(whole[:size])
        with pytest.raises(CorruptRecordError, match="is not a run record"):
            store.read(stored.key)


@pytest.mark.parametrize("at", range(0, 240, 20))
def test_a_flipped_bit_anywhere_in_the_probabilities_is_noticed(store, at, a_record):
    stored = store.write(a_record(), PROBABILITIES)
    damaged(store, stored, ".npy", lambda content: content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    with pytest.raises(CorruptRecordError, match="does not match the hash in its record"):
        store.test_probabilities(stored)


def edited(**fields):
    return lambda content: json.dumps({**json.loads(content), **fields}).encode()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: b"", "is not a run record"),
        (lambda content: b'{"weather": "fine"}', "is not a run record, see field "),
        (lambda content: b"[1, 2]", "is not a run record"),
        (lambda content: b"\x80\x04\xff", "is not a run record"),
        (lambda content: b"[" * 100_000, "is not a run record"),
        (edited(**{"two\nlines": 1}), r"see field 'two\nlines': Extra inputs are not permitted"),
        (edited(schema_version=SCHEMA_VERSION + 1), "see field 'schema_version': Input should be 3"),
        (edited(status="great"), "see field 'status': Input should be 'ok', 'failed' or 'skipped'"),
        (edited(status="failed"), "holds the failed record "),
        (edited(key="another"), "holds the ok record 'another', not its own name"),
    ],
)
def test_a_damaged_record_is_named_in_a_line_set_aside_and_reported(store, change, message, a_record):
    good, bad = store.write(a_record(0), PROBABILITIES), store.write(a_record(1), PROBABILITIES)
    damaged(store, bad, ".json", change)
    with pytest.raises(CorruptRecordError) as caught:
        store.read(bad.key)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert str(store.file_of(bad.key)) in str(caught.value)

    content = store.file_of(bad.key).read_bytes()
    assert store.valid_keys([good.key, bad.key, "not stored"]) == (
        {good.key},
        [f"{caught.value}; set aside and to be run again"],
    )
    assert store.keys() == {good.key}
    aside = sorted((store.path / "aside").iterdir())
    assert [path.suffix for path in aside] == [".json", ".npy"]
    assert aside[0].read_bytes() == content
    assert store.valid_keys([good.key, bad.key]) == ({good.key}, [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "does not match the hash"),
        (lambda path: path.unlink(), "No such file"),
    ],
)
def test_a_run_without_its_probabilities_is_set_aside(store, change, message, a_record):
    bad = store.write(a_record(), PROBABILITIES)
    change(store.file_of(bad.key).with_suffix(".npy"))
    sound, (line,) = store.valid_keys([bad.key])
    assert sound == set()
    assert message in line
    assert store.keys() == set()


def test_a_run_can_be_set_aside_more_than_once_and_run_again(store, a_record):
    for _ in range(2):
        bad = store.write(a_record(), PROBABILITIES)
        damaged(store, bad, ".json", lambda content: content[:-20])
        store.valid_keys([bad.key])
    assert len(list((store.path / "aside").iterdir())) == 4
    good = store.write(a_record(), PROBABILITIES)
    assert store.valid_keys([good.key]) == ({good.key}, [])


def test_only_what_is_wanted_is_looked_at(store, a_record):
    bad = store.write(a_record(), PROBABILITIES)
    damaged(store, bad, ".json", lambda content: b"")
    assert store.valid_keys(["another"]) == (set(), [])
    assert store.keys() == {bad.key}


def test_a_run_that_another_process_set_aside_meanwhile_is_just_missing(store, monkeypatch, a_record):
    stored = store.write(a_record(), PROBABILITIES)
    listed = store.own_keys()
    store.set_aside(stored.key)
    monkeypatch.setattr(store, "own_keys", lambda: listed)
    assert store.valid_keys([stored.key]) == (set(), [])
    store.set_aside(stored.key)  # nothing is left to be moved


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize(
    "content", [pickle.dumps(Bomb()), b"", b"PK\x03\x04", b"\x93NUMPY"], ids=["pickle", "empty", "zip", "cut"]
)
def test_probabilities_that_are_no_array_are_refused_even_with_the_right_hash(store, content, a_record):
    record = store.write(a_record(test_probabilities_sha256=hashlib.sha256(content).hexdigest()))
    store.file_of(record.key).with_suffix(".npy").write_bytes(content)
    with pytest.raises(CorruptRecordError, match="is not a NumPy array of numbers"):
        store.test_probabilities(record)


def test_an_array_of_pickled_objects_is_refused_even_with_the_right_hash(store, a_record):
    path = store.file_of(a_record().key).with_suffix(".npy")
    path.parent.mkdir(parents=True)
    np.save(path, np.array([Bomb()], dtype=object), allow_pickle=True)
    record = store.write(a_record(test_probabilities_sha256=hashlib.sha256(path.read_bytes()).hexdigest()))
    with pytest.raises(CorruptRecordError, match="is not a NumPy array of numbers"):
        store.test_probabilities(record)


def test_objects_cannot_be_stored_as_probabilities(store, a_record):
    with pytest.raises(TypeError):
        store.write(a_record(), np.array([Bomb()], dtype=object))
    assert store.keys() == set()


# Folders that are no store, or not ours


def test_a_store_is_made_only_when_asked_for(tmp_path):
    with pytest.raises(StoreError, match=r"no result store at .*run a grid first"):
        Store(tmp_path / "deep" / "store")
    assert list(tmp_path.iterdir()) == []
    Store(tmp_path / "deep" / "store", create=True)
    assert Store(tmp_path / "deep" / "store").keys() == set()


def test_an_empty_folder_becomes_a_store_and_stays_one(tmp_path, a_record):
    Store(tmp_path, create=True).write(a_record(), PROBABILITIES)
    assert Store(tmp_path, create=True).keys() == {a_record().key}


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(StoreError, match="neither empty nor a result store"):
        Store(tmp_path, create=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_a_killed_process_left_of_the_marker_does_not_make_a_folder_foreign(tmp_path):
    (tmp_path / ".store.json.4711.tmp").touch()
    assert Store(tmp_path, create=True).keys() == set()


def test_a_marker_that_another_process_writes_meanwhile_is_accepted(tmp_path, monkeypatch, a_record):
    Store(tmp_path, create=True).write(a_record(), PROBABILITIES)
    asked = iter([None])  # the first look comes before the other process has written
    real = marker.schema_version
    monkeypatch.setattr(marker, "schema_version", lambda folder: next(asked, real(folder)))
    assert Store(tmp_path, create=True).keys() == {a_record().key}


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"schema_version": 1}', "which keeps everything: imbal-bench store migrate --store "),
        (b'{"schema_version": 2}', "which keeps everything: imbal-bench store migrate --store "),
        (b'{"schema_version": 4}', "its schema is 4, this one reads and writes 3"),
        (b'{"schema_version": 12}', "its schema is 12, this one reads and writes 3"),
        (b'{"schema_version": "1"}', "its schema is '1'"),
        (b"", "does not mark a result store"),
        (b"\xff\xfe\x00", "does not mark a result store"),
        (b"[1]\n[2]", "does not mark a result store"),
        (b'["schema_version"]', "does not mark a result store"),
        (b'{"version": 1}', "does not mark a result store"),
    ],
)
def test_a_store_of_another_version_is_refused_and_left_alone(tmp_path, content, message, create):
    (tmp_path / "store.json").write_bytes(content)
    with pytest.raises(StoreError) as caught:
        Store(tmp_path, create=create)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert (tmp_path / "store.json").read_bytes() == content
    assert len(list(tmp_path.iterdir())) == 1


def test_another_spelling_of_the_marker_is_accepted(tmp_path):
    (tmp_path / "store.json").write_text(f'{{"made_by": "hand",\n"schema_version":{SCHEMA_VERSION}}}')
    assert Store(tmp_path).keys() == set()


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("path", ["file", "file/store", "~surely-no-user/store"])
def test_a_path_that_cannot_be_a_folder_is_one_line(tmp_path, monkeypatch, path, create):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "~surely-no-user").touch()
    with pytest.raises(StoreError) as caught:
        Store(path, create=create)
    assert path in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
