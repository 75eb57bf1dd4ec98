"""Baselines: what was saved is what is read, for ever, or the file is refused."""

import gzip
import importlib.util
import json
import math
from contextlib import suppress
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.errors import BenchError, CorruptRecordError, SpecError, StoreError
from bench.records import Example, Informativeness
from bench.store import Baseline, Store
from bench.store.acknowledged import accepted_losses, acknowledge, acknowledgements
from bench.store.baseline import names, opened, place_of, save

TODAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def factory():
    path = Path(__file__).parents[1] / "analysis" / "factory.py"
    spec = importlib.util.spec_from_file_location("analysis_factory", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def store(factory, tmp_path_factory):
    return factory.fill(tmp_path_factory.mktemp("stored") / "store", seeds=range(2))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "baselines"


def rewritten(path, change):
    """Change the lines of a baseline's file."""
    lines = gzip.decompress(path.read_bytes()).split(b"\n")
    path.write_bytes(gzip.compress(b"\n".join(change(lines))))


def test_it_holds_the_stores_runs_and_is_read_like_one(store, folder):
    saved = save(store, folder, "first", note="as of now")
    read = Baseline(folder, "first")
    assert list(read.records()) == list(saved.records()) == list(store.records())
    assert read.keys() == store.keys()
    assert (read.keys("failed"), read.header.runs, read.header.note) == (set(), len(store.keys()), "as of now")
    key = min(read.keys())
    assert read.read(key) == store.read(key)
    with pytest.raises(StoreError, match="no failed record"):
        read.read(key, "failed")
    assert names(folder) == ["first"]


def test_no_text_of_a_dataset_gets_into_a_baseline(a_record, folder, tmp_path):
    """Runs of earlier versions, and those that were asked to, hold excerpts; a baseline is meant for git."""
    told = Example(row=1, text="my secret", nearest_row=2, nearest_text="my secret", distance=0.5)
    record = a_record(informativeness=Informativeness(pairwise=(0.1,), to_start=(0.2,), examples=(told,)))
    store = Store(tmp_path / "told", create=True)
    store.write(record, np.zeros((2, 3), dtype=np.float32))
    assert next(store.records()).informativeness.examples[0].text == "my secret"
    saved = save(store, folder, "main")
    assert b"secret" not in gzip.decompress(saved.path.read_bytes())
    (kept,) = saved.records()
    assert (kept.key, kept.informativeness.examples[0].row) == (record.key, 1)


def test_a_part_of_the_strategies_may_be_saved(store, folder):
    saved = save(store, folder, "part", strategies=["random+uniform"])
    assert {str(record.spec.strategy) for record in saved.records()} == {"random+uniform"}
    assert saved.header.runs == len(store.keys()) // 4
    with pytest.raises(SpecError, match=r"unknown strategy 'random\+unifrom'. Did you mean 'random\+uniform'"):
        save(store, folder, "other", strategies=["random+unifrom"])


def test_nan_is_kept(factory, tmp_path):
    own = Store(tmp_path / "store", create=True)
    own.write(factory.a_run(auc=float("nan")))
    (record,) = save(own, tmp_path, "odd").records()
    assert math.isnan(record.final.metrics["auc"])


def test_a_name_is_given_once(store, folder):
    path = save(store, folder, "first").path
    before = path.read_bytes()
    with pytest.raises(SpecError, match="baselines never change; take a new name"):
        save(store, folder, "first", strategies=["random+uniform"])
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["../out", "a/b", "/abs", "..", "", ".hidden", "a b", "x" * 101, "ä", "a\n", "a\\b"])
def test_a_name_cannot_lead_out_of_the_folder(store, folder, name):
    for act in (lambda: save(store, folder, name), lambda: Baseline(folder, name)):
        with pytest.raises(SpecError, match="cannot name a baseline"):
            act()
    assert not folder.exists()


def test_an_empty_store_makes_no_baseline(folder, tmp_path):
    with pytest.raises(SpecError, match="no finished runs to save"):
        save(Store(tmp_path / "empty", create=True), folder, "first")


def test_a_torn_run_of_the_store_is_never_left_out_in_silence(factory, folder, tmp_path):
    own = factory.fill(tmp_path / "store", seeds=[0])
    own.file_of(min(own.keys())).write_text("{")
    with pytest.raises(CorruptRecordError):
        save(own, folder, "first")
    assert names(folder) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [lines[0], *lines[2:]],
        lambda lines: [lines[0], lines[1].replace(b"0.", b"1.", 1), *lines[2:]],
        lambda lines: [lines[0].replace(b'"note":""', b'"note":"better"'), *lines[1:]],
        lambda lines: [*lines[:-1], lines[1], b""],
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
        lambda lines: [lines[0].replace(b'"created":"20', b'"created":"19'), *lines[1:]],
    ],
    ids=["run removed", "value changed", "note changed", "run doubled", "order changed", "date changed"],
)
def test_tampering_is_noticed(store, folder, change):
    path = save(store, folder, "first").path
    rewritten(path, change)
    with pytest.raises(CorruptRecordError, match="does not match its hash"):
        Baseline(folder, "first")


def test_a_file_under_another_name_is_refused(store, folder):
    path = save(store, folder, "first").path
    path.rename(path.with_name("second.jsonl.gz"))
    with pytest.raises(CorruptRecordError, match="holds the baseline 'first'"):
        Baseline(folder, "second")
    with pytest.raises(SpecError, match=r"unknown baseline 'first'. Known: second"):
        Baseline(folder, "first")


def test_one_of_a_later_version_is_refused(store, folder):
    path = save(store, folder, "first").path
    rewritten(path, lambda lines: [lines[0].replace(b'"schema_version":3', b'"schema_version":4'), *lines[1:]])
    with pytest.raises(CorruptRecordError, match="no baseline that this version can read"):
        Baseline(folder, "first")


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_that_are_lost_or_changed_give_an_error_or_the_same_runs(store, tmp_path, data):
    path = tmp_path / "first.jsonl.gz"
    if not path.exists():
        save(store, tmp_path, "first")
        path.with_suffix(".whole").write_bytes(path.read_bytes())
    whole = path.with_suffix(".whole").read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(1, 255))
    torn = data.draw(st.booleans())
    path.write_bytes(whole[:at] if torn else whole[:at] + bytes([whole[at] ^ byte]) + whole[at + 1 :])
    found = list(store.records())  # what a changed byte of gzip's own header, such as its time, leaves as it is
    with suppress(BenchError):
        found = list(Baseline(tmp_path, "first").records())
    assert found == list(store.records())


def test_a_place_is_a_store_or_else_a_baseline(store, folder, tmp_path):
    saved = save(store, folder, "first")
    assert place_of(str(store.path), folder) == str(store.path)
    assert place_of("first", folder) == str(saved.path)
    assert place_of("nowhere", folder) == "nowhere"
    assert isinstance(opened(store.path), Store)
    assert list(opened(place_of("first", folder)).records()) == list(saved.records())
    with pytest.raises(StoreError, match="no result store at nowhere"):
        opened("nowhere")


def test_the_file_is_small(store, folder):
    assert save(store, folder, "first").path.stat().st_size < 1024 * len(store.keys())


# Acknowledged regressions


def a_known_one(baseline, **changes):
    said = {"task": "sst2/positive", "metric": "auc", "size": 0.03, "reason": "issue 12"}
    said |= {"until": date(2026, 12, 1), "today": TODAY}
    return acknowledge(baseline, **{**said, **changes})


def test_an_acknowledgement_is_kept_beside_and_holds_to_its_last_day(store, folder):
    baseline = save(store, folder, "first")
    assert acknowledgements(baseline) == ()
    one = a_known_one(baseline)
    two = a_known_one(baseline, metric="balanced_accuracy", candidate="mine+invprop")
    assert acknowledgements(Baseline(folder, "first")) == (one, two)
    assert (one.in_force(date(2026, 12, 1)), one.in_force(date(2026, 12, 2))) == (True, False)
    first = {("sst2/positive", "auc"): 0.03}
    assert accepted_losses(baseline, {"any+uniform"}, TODAY) == ((f"acknowledged: {one}",), first)
    both = first | {("sst2/positive", "balanced_accuracy"): 0.03}
    assert accepted_losses(baseline, {"mine+invprop", "mine+invprop:bins=5"}, TODAY)[1] == both
    larger = a_known_one(baseline, size=0.05)
    assert accepted_losses(baseline, {"any+uniform"}, TODAY)[1] == {("sst2/positive", "auc"): 0.05}
    lines, losses = accepted_losses(baseline, {"mine+invprop"}, date(2027, 1, 1))
    assert (lines, losses) == (tuple(f"acknowledged no longer: {known}" for known in (one, two, larger)), {})
    text = json.loads((folder / "first.acknowledged.json").read_text())
    assert text[0]["reason"] == "issue 12"


@pytest.mark.parametrize(
    ("changes", "fragment"),
    [
        ({"reason": " "}, "needs a --reason"),
        ({"size": 0.0}, "--size 0 is no loss"),
        ({"size": float("inf")}, "--size inf is no loss"),
        ({"until": TODAY}, "not in the future"),
        ({"until": date(2026, 11, 1)}, "not in the future"),
        ({"task": "sst2/negative"}, "unknown task of the baseline 'sst2/negative'"),
        ({"metric": "f1"}, "unknown metric of the baseline 'f1'"),
    ],
)
def test_an_acknowledgement_needs_reason_future_task_and_metric(store, folder, changes, fragment):
    baseline = save(store, folder, "first")
    with pytest.raises(SpecError, match=fragment):
        a_known_one(baseline, **changes)
    assert acknowledgements(baseline) == ()


@pytest.mark.parametrize("content", ["", "[{}]", "{}", '[{"task": "t", "metric": "auc"}]', "[1"])
def test_a_torn_list_of_acknowledgements_is_an_error(store, folder, content):
    baseline = save(store, folder, "first")
    (folder / "first.acknowledged.json").write_text(content)
    with pytest.raises(CorruptRecordError, match="no list of acknowledged regressions"):
        acknowledgements(baseline)
