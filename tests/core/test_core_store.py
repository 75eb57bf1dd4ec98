"""What the store promises of its content: it comes back as it was, and what is damaged is never a result."""

import hashlib
import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import CorruptRecordError, StoreError
from bench.records import (
    SCHEMA_VERSION,
    Block,
    Component,
    PoolFacts,
    Provenance,
    Round,
    RunRecord,
    RunSpec,
    Settings,
    Strategy,
    Task,
)
from bench.store import Store

names = st.text(st.characters(codec="utf-8"), max_size=12)
counts = st.integers(0, 2**63)
numbers = st.floats()  # with NaN and infinities: a metric may not exist
options = st.dictionaries(
    names, st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | names, max_size=3
)
components = st.builds(Component, name=names, options=options, version=names)
blocks = st.builds(
    Block,
    task=st.builds(Task, dataset=names, positive=names),
    ratio=st.integers(2, 1000),
    seed=st.integers(0, 99),
    start=st.sampled_from(["warm", "cold"]),
)
specs = st.builds(
    RunSpec,
    block=blocks,
    strategy=st.builds(Strategy, algorithm=components, weighting=components),
    settings=st.just(Settings()),
)
rounds = st.builds(
    Round,
    round=st.integers(0, 9),
    labelled=counts,
    labelled_positives=counts,
    selected=st.lists(counts, max_size=3).map(tuple),
    selected_p=st.none() | st.lists(numbers, max_size=3).map(tuple),
    selected_w=st.lists(numbers, max_size=3).map(tuple),
    selected_positives=counts,
    balanced_accuracy=numbers,
    auc=numbers,
    seconds=st.dictionaries(names, numbers, max_size=2),
    rows=st.dictionaries(names, counts, max_size=2),
    peak_memory_mb=numbers,
)
provenances = st.builds(
    Provenance,
    **dict.fromkeys(
        ("finished", "host", "device", "precision", "data_source", "model_source", "model_fingerprint", "lm_head"),
        names,
    ),
    threads=st.integers(1, 99),
    versions=st.dictionaries(names, names, max_size=2),
    git_commit=st.none() | names,
    git_dirty=st.none() | st.booleans(),
)


@st.composite
def run_records(draw):
    spec, fingerprint = draw(specs), draw(names)
    return RunRecord(
        key=spec.key(fingerprint),
        spec=spec,
        status=draw(st.sampled_from(["ok", "failed", "skipped"])),
        reason=draw(names),
        fingerprint=fingerprint,
        pair_key=draw(names),
        pool=draw(st.none() | st.builds(PoolFacts, **dict.fromkeys(PoolFacts.model_fields, counts))),
        start_rows=tuple(draw(st.lists(counts, max_size=3))),
        rounds=tuple(draw(st.lists(rounds, max_size=2))),
        positives_ratio=draw(st.none() | numbers),
        seconds=draw(numbers),
        provenance=draw(st.none() | provenances),
    )


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("shared") / "store", create=True)


PROBABILITIES = np.linspace(0, 1, 30, dtype=np.float32).reshape(3, 10)


def damaged(store: Store, record: RunRecord, suffix: str, change) -> None:
    path = store.file_of(record.key).with_suffix(suffix)
    path.write_bytes(change(path.read_bytes()))


# Round trips


@settings(max_examples=60, deadline=None)
@given(record=run_records())
def test_a_record_comes_back_as_it_was_written(shared_store, record):
    shared_store.write(record)
    read = shared_store.read(record.key, record.status)
    assert repr(read) == repr(record)  # repr tells 1 from 1.0 from True, and a NaN is equal to a NaN
    assert record.key in shared_store.keys(record.status)
    assert read.spec.key(read.fingerprint) == record.key


@given(values=st.lists(st.lists(st.floats(width=32), min_size=4, max_size=4), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_probabilities_come_back_bit_for_bit(shared_store, values, a_record):
    array = np.array(values, dtype=np.float32)
    stored = shared_store.write(a_record(), array)
    read = shared_store.test_probabilities(shared_store.read(stored.key))
    assert read.dtype == np.float32
    assert read.tobytes() == array.tobytes()
    assert read.shape == array.shape


def test_a_record_that_was_read_can_be_written_again_unchanged(store, a_record):
    stored = store.write(a_record(seconds=math.nan), PROBABILITIES)
    before = store.file_of(stored.key).read_bytes()
    store.write(store.read(stored.key))
    assert store.file_of(stored.key).read_bytes() == before


def test_what_write_returns_is_what_is_stored(store, a_record):
    assert store.write(a_record(), PROBABILITIES) == store.read(a_record().key)


def test_records_are_read_in_the_order_of_their_keys(store, a_record):
    written = [store.write(a_record(seed), PROBABILITIES) for seed in range(9)]
    store.write(a_record(9, "failed", reason="x"))
    assert list(store.records()) == sorted(written, key=lambda record: record.key)
    assert [record.status for record in store.records("failed")] == ["failed"]
    assert list(store.records("skipped")) == []


def test_listing_opens_no_file(store, a_record):
    stored = store.write(a_record(), PROBABILITIES)
    store.file_of(stored.key).write_text("damaged")
    assert store.keys() == {stored.key}


def test_the_files_hold_no_pickle_and_plain_json(store, a_record):
    stored = store.write(a_record(), PROBABILITIES)
    assert json.loads(store.file_of(stored.key).read_text("utf-8"))["schema_version"] == SCHEMA_VERSION
    assert store.file_of(stored.key).with_suffix(".npy").read_bytes().startswith(b"\x93NUMPY")


# Failures are no results


@pytest.mark.parametrize("status", ["failed", "skipped"])
def test_what_is_not_ok_is_never_a_result(store, status, a_record):
    record = store.write(a_record(status=status, reason="out of memory"))
    assert store.keys() == set()
    assert store.keys(status) == {record.key}
    assert store.sound_keys([record.key]) == (set(), [])
    with pytest.raises(StoreError, match="no ok record"):
        store.read(record.key)
    assert store.read(record.key, status).reason == "out of memory"


@pytest.mark.parametrize("status", ["failed", "skipped"])
def test_a_success_removes_the_failure_of_its_run_and_of_no_other(store, status, a_record):
    store.write(a_record(0, status, reason="x"))
    other = store.write(a_record(1, status, reason="x"))
    done = store.write(a_record(0), PROBABILITIES)
    assert store.keys() == {done.key}
    assert store.keys(status) == {other.key}


def test_a_failure_leaves_an_earlier_success_alone(store, a_record):
    done = store.write(a_record(), PROBABILITIES)
    store.write(a_record(status="failed", reason="x"))
    assert store.sound_keys([done.key]) == ({done.key}, [])


# Damage


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
        (edited(schema_version=SCHEMA_VERSION + 1), "see field 'schema_version': Input should be 1"),
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
    assert store.sound_keys([good.key, bad.key, "not stored"]) == (
        {good.key},
        [f"{caught.value}; set aside and to be run again"],
    )
    assert store.keys() == {good.key}
    aside = sorted((store.path / "aside").iterdir())
    assert [path.suffix for path in aside] == [".json", ".npy"]
    assert aside[0].read_bytes() == content
    assert store.sound_keys([good.key, bad.key]) == ({good.key}, [])


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
    sound, (line,) = store.sound_keys([bad.key])
    assert sound == set()
    assert message in line
    assert store.keys() == set()


def test_a_run_can_be_set_aside_more_than_once_and_run_again(store, a_record):
    for _ in range(2):
        bad = store.write(a_record(), PROBABILITIES)
        damaged(store, bad, ".json", lambda content: content[:-20])
        store.sound_keys([bad.key])
    assert len(list((store.path / "aside").iterdir())) == 4
    good = store.write(a_record(), PROBABILITIES)
    assert store.sound_keys([good.key]) == ({good.key}, [])


def test_only_what_is_wanted_is_looked_at(store, a_record):
    bad = store.write(a_record(), PROBABILITIES)
    damaged(store, bad, ".json", lambda content: b"")
    assert store.sound_keys(["another"]) == (set(), [])
    assert store.keys() == {bad.key}


def test_a_run_that_another_process_set_aside_meanwhile_is_just_missing(store, monkeypatch, a_record):
    stored = store.write(a_record(), PROBABILITIES)
    listed = store.keys()
    store.set_aside(stored.key)
    monkeypatch.setattr(store, "keys", lambda: listed)
    assert store.sound_keys([stored.key]) == (set(), [])
    store.set_aside(stored.key)  # nothing is left to be moved


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize("content", [pickle.dumps(Bomb()), b"", b"PK\x03\x04", b"\x93NUMPY"])
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
    real = Store._schema_version
    monkeypatch.setattr(Store, "_schema_version", lambda self: next(asked, real(self)))
    assert Store(tmp_path, create=True).keys() == {a_record().key}


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"schema_version": 2}', "its schema is 2, this one reads and writes 1"),
        (b'{"schema_version": 12}', "its schema is 12, this one reads and writes 1"),
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
