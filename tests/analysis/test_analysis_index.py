"""What is kept of records between reports: the same frames, fewer files read, and nothing that cannot be rebuilt."""

import shutil

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import Cache, index, read_results
from bench.paths import without_folders
from bench.store import Store


@pytest.fixture
def store(factory, tmp_path):
    """Eight finished runs and a failed one."""
    store = factory.fill(tmp_path / "store", seeds=range(1))
    store.write(factory.a_run(seed=9, status="failed", reason="NaN loss"))
    return store


@pytest.fixture
def read(monkeypatch):
    """The keys of the records that are read from now on."""
    keys, once = [], Store.read

    def noted(self, key, status="ok"):
        keys.append(key)
        return once(self, key, status)

    monkeypatch.setattr(Store, "read", noted)
    return keys


def assert_same(one, other):
    for name in ("runs", "rounds", "unfinished"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))
    assert (one.unreadable, one.settings) == (other.unreadable, other.settings)


def from_scratch(store):
    shutil.rmtree(store.path / "index")
    return read_results(store)


def test_a_record_is_read_once(store, read):
    first = read_results(store)
    assert len(read) == 9
    assert_same(read_results(store), first)
    assert len(read) == 9


def test_what_is_new_changed_or_gone_is_seen(store, factory, read):
    read_results(store)
    new = factory.a_run("random", "uniform", seed=7, auc=float("nan"))
    changed = factory.a_run("random", "uniform", auc=0.123456)
    lost = factory.a_run("badge", "uniform")
    finished = factory.a_run(seed=9)
    for run in (new, changed, finished):
        store.write(run)
    store.file_of(lost.key).unlink()
    read.clear()
    again = read_results(store)
    assert sorted(read) == sorted([new.key, changed.key, finished.key])
    assert set(again.runs["key"]) == store.keys()
    assert again.runs.set_index("key").loc[changed.key, "auc"] == 0.123456
    assert not len(again.unfinished)
    assert_same(again, from_scratch(store))


def test_an_unreadable_file_is_reported_every_time(store, factory):
    path = store.file_of(factory.a_run().key)
    path.write_text("{")
    lines = read_results(store).unreadable
    assert len(lines) == 1
    assert read_results(store).unreadable == lines


def test_a_record_that_goes_while_it_is_read_is_no_error(store, factory, monkeypatch):
    lost = factory.a_run(seed=9)
    listed = Store.keys

    def then_goes(self, status="ok"):
        found = listed(self, status)
        if status == "failed":
            self.file_of(lost.key, status).unlink(missing_ok=True)
        return found

    monkeypatch.setattr(Store, "keys", then_goes)
    assert len(read_results(store).runs) == 8


def test_a_damaged_or_foreign_index_is_rebuilt(store):
    first = read_results(store)
    (file,) = (store.path / "index" / "facts").iterdir()
    whole = file.read_bytes()
    for content in (b"", whole[:-1], whole[:40] + b"\0" + whole[41:], b"x" * 99):
        file.write_bytes(content)
        assert_same(read_results(store), first)
        assert file.read_bytes() == whole


def test_facts_of_other_code_are_not_used(store, read, monkeypatch):
    read_results(store)
    monkeypatch.setattr("analysis.index._version", lambda: "another")
    read_results(store)
    assert len(read) == 18
    assert [path.name for path in (store.path / "index" / "facts").iterdir()] == ["another"]


def test_a_store_whose_index_cannot_be_written_is_read(store, read):
    (store.path / "index").write_text("in the way")
    assert_same(read_results(store), read_results(store))
    assert len(read) == 18


@given(content=st.binary(max_size=99), at=st.integers(0, 200), byte=st.integers(0, 255), cut=st.booleans())
def test_a_cache_returns_what_was_put_or_nothing(tmp_path_factory, content, at, byte, cut):
    cache = Cache(tmp_path_factory.getbasetemp() / "cache")
    cache.put("a", content)
    assert cache.get("a") == content
    stored = bytearray((cache.folder / "a").read_bytes())
    at %= len(stored)
    changed = bytes(stored[:at]) if cut else bytes(stored[:at]) + bytes([byte]) + bytes(stored[at + 1 :])
    (cache.folder / "a").write_bytes(changed)
    assert cache.get("a") == (content if changed == stored else None)


def test_a_cache_keeps_what_it_is_told(tmp_path):
    cache = Cache(tmp_path / "c")
    assert cache.get("a") is None
    cache.keep({"a"})
    cache.put("a", b"1")
    cache.put("b", b"2")
    cache.keep({"a"})
    assert [path.name for path in cache.folder.iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("mirror /home/some one/data sets/sst2", "mirror sst2"),
        (r"user file C:\Users\me\texts.csv", "user file texts.csv"),
        ("/models/bert", "bert"),
        ("~/models/bert", "bert"),
        ("~someone/bert", "bert"),
        ("/", ""),
        ("hub fancyzhx/ag_news@eb185aa", "hub fancyzhx/ag_news@eb185aa"),
        ("google-bert/bert-base-uncased", "google-bert/bert-base-uncased"),
        ("user file ../texts.csv", "user file ../texts.csv"),
        ("embedded pydocs", "embedded pydocs"),
    ],
)
def test_absolute_paths_stay_private(source, shown):
    assert without_folders(source) == shown


def test_many_records_are_read_by_several_processes_as_by_one(store, factory, monkeypatch):
    """Also one that is damaged: it is named, and the others are read."""
    store.file_of(factory.a_run().key).write_text("{")
    one = read_results(store)
    monkeypatch.setattr(index, "_MANY", 2)
    monkeypatch.setattr(index, "_AT_ONCE", 2)
    assert_same(from_scratch(store), one)
    assert len(one.runs) == 7
