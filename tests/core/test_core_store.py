"""What the store promises of its content: it comes back as it was, and a failure is never a result."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import StoreError
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
    metrics=st.dictionaries(st.text(max_size=9), numbers, max_size=3),
    seconds=st.dictionaries(names, numbers, max_size=2),
    rows=st.dictionaries(names, counts, max_size=2),
    peak_memory_mb=numbers,
)
provenances = st.builds(
    Provenance,
    **dict.fromkeys(
        ("finished", "host", "device", "precision", "data_source", "model_source", "lm_head"),
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
        metrics=draw(st.dictionaries(st.text(max_size=9), numbers, max_size=3)),
        seconds=draw(numbers),
        provenance=draw(st.none() | provenances),
    )


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("shared") / "store", create=True)


PROBABILITIES = np.linspace(0, 1, 30, dtype=np.float32).reshape(3, 10)


# Round trips


@given(record=run_records())
def test_a_record_comes_back_as_it_was_written(shared_store, record):
    written = shared_store.write(record)
    read = shared_store.read(record.key, record.status)
    assert repr(written.model_copy(update={"sha256": ""})) == repr(record)
    assert repr(read) == repr(written)  # repr tells 1 from 1.0 from True, and a NaN is equal to a NaN
    assert record.key in shared_store.keys(record.status)
    assert read.spec.key(read.fingerprint) == record.key


@given(values=st.lists(st.lists(st.floats(width=32), min_size=4, max_size=4), min_size=1, max_size=4))
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
    assert store.valid_keys([record.key]) == (set(), [])
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
    assert store.valid_keys([done.key]) == ({done.key}, [])
