"""What a published store promises: the same runs to the last bit, without what is large, and never silently others."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import CorruptRecordError, StoreError
from bench.grid.stored.audit import audit
from bench.grid.stored.rescore import rescore
from bench.grid.world import World
from bench.records import Component, Example, Informativeness, PoolFacts, Provenance, Round, RunRecord, Strategy
from bench.store import Store, publish
from bench.store.columns import Tables, tables_of
from bench.store.compact import compact
from bench.store.merge import merge
from bench.store.published import MANIFEST, ROUNDS, RUNS

MADE = Provenance(
    finished="2026-11-27T10:00:00+00:00", host="someone's laptop", device="cpu", precision="fp32", threads=2,
    versions={"torch": "2.13.0"}, git_commit=None, git_dirty=None, data_source="mirror /home/someone/sst2",
    model_source="/home/someone/model", lm_head="unused",
)  # fmt: skip
POOL = PoolFacts(rows=500, positives=10, dropped_positives=3, dropped_negatives=0, test_rows=10, test_positives=4)
PROBABILITIES = np.linspace(0, 1, 30, dtype=np.float32).reshape(3, 10)


def rounds_of(seed: int) -> tuple[Round, ...]:
    """Three rounds of two rows a batch; one metric has no value after the start set, a stage is not always timed."""
    return tuple(
        Round(
            round=number, labelled=10 + 2 * number, labelled_positives=5 + number, selected_positives=min(number, 1),
            selected=(100 * seed + number, 7) if number else (), selected_p=(0.1, 0.2) if number else None,
            selected_w=(1.0, 0.5) if number else (), pool_p=(3,) * 60 if number else None,
            pool_w=(1 / 60,) * 60 if number else None, state={"arms": [1, 2.5]} if number else None,
            metrics={"auc": math.nan if not number else 0.1 + seed / 3, "judge.auc": 1 / 3},
            seconds={"fit": 0.1 * number} | ({"select": 1e-6} if number else {}), rows={"fit": 12}, peak_memory_mb=0.5,
        )
        for number in range(3)
    )  # fmt: skip


@pytest.fixture
def source(store, a_record) -> Store:
    """Four finished runs, a failed and a skipped one."""
    found = Informativeness(
        pairwise=(None, 0.3),
        to_start=(0.1, 0.2),
        examples=(Example(row=1, text="secret", nearest_row=2, nearest_text=None, distance=0.1),),
    )
    for seed in range(4):
        run = a_record(
            seed, pool=POOL, start_rows=(1, 2), rounds=rounds_of(seed), metrics={"positives_ratio": 0.1},
            informativeness=found if seed else None, seconds=9.25, provenance=MADE, control=(0.5, 0.25), pair_key="p",
        )  # fmt: skip
        store.write(run, PROBABILITIES)
    store.write(a_record(8, status="failed", reason="OSError: no such file: '/home/someone/x y.csv'"))
    store.write(a_record(9, status="skipped", reason="too few positives"))
    return store


def published(store: Store, to: Path, whole=()) -> Store:
    publish.write(publish.target(to, store), publish.content_of(store, whole), {"README.md": b"a card"})
    return Store(to)


def alike(one: RunRecord, other: RunRecord) -> bool:
    """Return whether two records are the same; of NaN, too."""
    return repr(as_values(one)) == repr(as_values(other))


def as_values(record: RunRecord):
    return json.loads(json.dumps(record.model_dump(mode="json"), sort_keys=True))


@pytest.mark.parametrize("packed", [False, True])
def test_a_run_is_what_it_was_but_for_what_is_left_out(source, tmp_path, packed):
    if packed:
        compact(source)
    kept = min(source.keys())
    there = published(source, tmp_path / "out", whole=[kept])
    machines = {MADE.host: "machine 1"}
    for status in ("ok", "failed", "skipped"):
        assert there.keys(status) == source.keys(status)
        for record in source.records(status):
            slim = publish.slimmed(record, machines, whole=record.key == kept)
            assert alike(there.read(record.key, status), slim)
            assert slim.spec.key(slim.fingerprint) == record.key
            assert [(r.labelled, r.metrics.keys(), r.seconds) for r in slim.rounds] == [
                (r.labelled, r.metrics.keys(), r.seconds) for r in record.rounds
            ]
    assert there.read(kept).rounds[1].selected == source.read(kept).rounds[1].selected
    assert there.valid_keys(source.keys()) == (source.keys(), [])
    assert {there.read(key).names_rows for key in there.keys() - {kept}} == {False}


def test_nothing_tells_of_a_machine_a_place_or_a_text(source, tmp_path):
    there = published(source, tmp_path / "out", whole=source.keys())
    said = "".join(record.model_dump_json() for status in ("ok", "failed") for record in there.records(status))
    for secret in ("someone", "/home", "secret"):
        assert secret not in said
    assert "x y.csv" in said


def test_the_same_runs_are_the_same_bytes(source, tmp_path):
    one, other = (published(source, tmp_path / name) for name in ("one", "other"))
    again = published(source, one.path)
    copied = published(one, tmp_path / "copied")
    files = sorted(path.relative_to(one.path) for path in one.path.rglob("*") if path.is_file())
    assert {str(path) for path in files} == {"README.md", RUNS, ROUNDS, MANIFEST, "store.json"}
    for store in (other, again, copied):
        assert {path: (store.path / path).read_bytes() for path in files} == {
            path: (one.path / path).read_bytes() for path in files
        }


numbers = st.floats(allow_nan=True, allow_infinity=True)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=9)


@settings(max_examples=30, deadline=None)
@given(
    metrics=st.lists(st.dictionaries(names, numbers, max_size=3), min_size=1, max_size=4),
    reason=st.text(st.characters(codec="utf-8"), max_size=20),
    option=st.one_of(st.booleans(), st.integers(-(2**53), 2**53), st.text(st.characters(codec="utf-8"), max_size=5)),
    ratio=st.sampled_from([2, 50, "natural"]),
)
def test_tables_keep_any_record(a_record, metrics, reason, option, ratio):
    rounds = tuple(
        Round(round=at, labelled=at, labelled_positives=0, metrics=own, seconds=own, rows=dict.fromkeys(own, at))
        for at, own in enumerate(metrics)
    )
    one, other = a_record(1, rounds=rounds, metrics=metrics[0], reason=reason), a_record(2, rounds=rounds[:1])
    block = one.spec.block.model_copy(update={"ratio": ratio, "judge": Component(name="probe")})
    part = Component(name="badge", options={"o": option})
    strategy = Strategy(algorithm=part, weighting=one.spec.strategy.weighting)
    one = one.model_copy(update={"spec": one.spec.model_copy(update={"block": block, "strategy": strategy})})
    tables = Tables(*tables_of([other, one]))
    for record in (one, other):
        assert alike(tables.record("ok", record.key), record)


def test_runs_that_are_made_on_top_come_first(source, tmp_path, a_record):
    there = published(source, tmp_path / "out")
    key = min(source.keys())
    there.write(source.read(key).model_copy(update={"seconds": 1.0}), PROBABILITIES)
    there.write(a_record(20, rounds=rounds_of(20)), PROBABILITIES)
    assert there.keys() == source.keys() | {a_record(20).key}
    assert there.read(key).seconds == 1.0
    assert there.file_of(key) == there.own_file(key)
    assert (there.test_probabilities(there.read(key)) == PROBABILITIES).all()


@pytest.mark.parametrize("name", [RUNS, ROUNDS])
@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "altered or cut off; get the published store again"),
        (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"), "run git lfs pull"),
        (lambda path: path.unlink(), "No such file or directory; get the published store again"),
    ],
)
def test_tables_that_were_altered_are_not_read(source, tmp_path, name, harm, said):
    there = published(source, tmp_path / "out")
    harm(there.path / name)
    with pytest.raises(CorruptRecordError, match=said):
        Store(there.path).keys()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"published": 2}, "published Input should be 1"),
        ({"files": {"../x": {"size": 1, "sha256": ""}}}, "must name a file in the folder"),
        ({"files": {".git/hooks/x": {"size": 1, "sha256": ""}}}, "must name a file in the folder"),
        ({"files": {"/etc/x": {"size": 1, "sha256": ""}}}, "must name a file in the folder"),
    ],
)
def test_a_manifest_of_another_kind_is_refused(source, tmp_path, change, said):
    path = published(source, tmp_path / "out").path / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_bytes()) | change))
    with pytest.raises(CorruptRecordError, match=said):
        Store(path.parent).keys()


def test_what_needs_more_says_so(source, tmp_path):
    there, world = published(source, tmp_path / "out"), World(None, tmp_path / "cache")
    for needs in (
        lambda: there.test_probabilities(there.read(min(there.keys()))),
        lambda: rescore(there, world),
        lambda: merge(source, [there]),
        lambda: merge(there, [source]),
    ):
        with pytest.raises(StoreError, match=r"was published without .*; .* needs the store that it was made of"):
            needs()


def test_an_audit_holds_it_against_its_manifest(source, tmp_path):
    there, world = published(source, tmp_path / "out"), World(None, tmp_path / "cache")
    found = audit(there, world)
    assert (found.runs, found.wrong, len(found.unchecked)) == (4, [], 1)
    (there.path / "README.md").write_text("another")
    (line,) = audit(Store(there.path), world).wrong
    assert "README.md is not what manifest.json says" in line


def test_it_goes_into_a_folder_of_its_own(source, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    with_runs = published(source, tmp_path / "with runs")
    with_runs.write(source.read(min(source.keys())), PROBABILITIES)
    for folder, said in (
        (source.path, "the store itself"),
        (tmp_path / "full", "neither empty nor a published store"),
        (with_runs.path, "runs of its own"),
    ):
        with pytest.raises(StoreError, match=said):
            publish.target(folder, source)
    shutil.rmtree(source.path / "runs")
    with pytest.raises(StoreError, match="no finished runs to publish"):
        publish.content_of(Store(source.path), [])
