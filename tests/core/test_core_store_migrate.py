"""A store that an earlier schema wrote becomes one of today's: each run under its new name, nothing lost by a kill.

``schema1/`` and ``schema2/`` are such stores, written by the code of their day: three runs in a pack, three in files of
their own, a failed one and a skipped one.
"""

import gzip
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from kill_tools import folders_after_kills
from typer.testing import CliRunner

import bench.store
from analysis.gate import Plan, migrate_plans
from bench.control import control_of
from bench.errors import CorruptRecordError, StoreError, UnknownNameError
from bench.grid.stored.audit import _against_itself
from bench.grid.stored.convert import Converter
from bench.records import ModelSettings, RunRecord, RunSpec
from bench.store import Baseline, Store
from bench.store.baseline import migrate as migrate_baseline
from bench.store.migrate import migrate
from bench.store.packs import PackedRun, write_pack
from bench.strategies.base import ALGORITHMS
from imbal_bench.cli import app

SCHEMA_1, SCHEMA_2 = (Path(__file__).parent / name for name in ("schema1", "schema2"))


def records_of_schema_1(folder: Path = SCHEMA_1) -> list[dict]:
    return [json.loads(path.read_bytes()) for path in sorted(folder.glob("runs/*/*.json"))]


@pytest.fixture
def old(tmp_path) -> Path:
    """A copy of the store of schema 1."""
    return Path(shutil.copytree(SCHEMA_1, tmp_path / "store"))


@pytest.fixture(params=[SCHEMA_1, SCHEMA_2], ids=["schema 1", "schema 2"])
def any_old(tmp_path, request) -> Path:
    """A copy of the store of each earlier schema."""
    return Path(shutil.copytree(request.param, tmp_path / "store"))


@pytest.fixture
def convert(tmp_path, monkeypatch) -> Converter:
    """A converter that finds the model of the records, whose weights are as they were, without loading it."""
    weights = records_of_schema_1()[0]["provenance"]["model_fingerprint"]
    monkeypatch.setattr(Converter, "_model", lambda _, model: (model.model_copy(update={"content": "c" * 32}), weights))
    return Converter(tmp_path / "cache")


def opened(folder: Path) -> Store:
    return Store(folder, earlier=True)


def contents(folder: Path) -> dict[str, tuple[bytes, bytes]]:
    """Return key -> record and probabilities of all finished runs, in whatever files they are."""
    store = Store(folder)
    return {key: (store.content(key), store.probabilities_content(key)) for key in sorted(store.keys())}


def test_a_store_of_an_earlier_schema_is_refused_by_whoever_would_read_or_write_it(any_old):
    old = any_old
    before = {path: path.read_bytes() for path in old.rglob("*") if path.is_file()}
    for create in (False, True):
        with pytest.raises(StoreError, match=r"imbal-bench store migrate --store "):
            Store(old, create=create)
    assert {path: path.read_bytes() for path in old.rglob("*") if path.is_file()} == before


def test_every_run_gets_the_name_that_it_has_today_and_keeps_its_result(old, convert):
    results = {
        hashlib.sha256(np.load(path.with_suffix(".npy")).tobytes()).hexdigest(): json.loads(path.read_bytes())
        for path in old.glob("runs/*/*.json")
    }
    done = migrate(opened(old), convert)
    assert (done.runs, done.unfinished, done.replicates, done.set_aside) == (6, 2, 0, [])
    store = Store(old)
    assert len(store.keys()) == 6
    for record in store.records():
        probabilities = store.test_probabilities(record)
        assert list(_against_itself(record, probabilities.shape)) == []
        assert record.spec.settings.model.content == "c" * 32
        assert record.control == control_of(probabilities)
        before = results.get(hashlib.sha256(probabilities.tobytes()).hexdigest())
        if before:
            assert [entry.metrics["auc"] for entry in record.rounds] == [entry["auc"] for entry in before["rounds"]]
            assert [list(entry.selected) for entry in record.rounds] == [it["selected"] for it in before["rounds"]]
    assert len({record.pair_key for record in store.records()}) == 1  # one block
    assert [len(store.keys(status)) for status in ("failed", "skipped")] == [1, 1]
    assert not convert.unknown_models
    assert not convert.unknown_parts


def all_fields(folder: Path) -> dict[str, dict]:
    """Return key -> fields of all records of a store of any schema, in whatever files they are."""
    packs = opened(folder).packs
    packed = [packs.get(key, "record") for key in packs.places()]
    loose = [path.read_bytes() for path in folder.glob("[rfs]*/**/*.json")]
    return {fields["key"]: fields for fields in map(json.loads, [*packed, *loose])}


def test_from_schema_2_names_pairs_and_every_value_stay(tmp_path, convert):
    old = Path(shutil.copytree(SCHEMA_2, tmp_path / "store"))
    before = all_fields(old)
    done = migrate(opened(old), convert)
    assert (done.version, done.runs, done.unfinished, done.replicates, done.set_aside) == (2, 6, 2, 0, [])
    after = all_fields(old)
    assert len(before) == len(after) == 8
    for key, fields in after.items():
        ratio = fields.pop("metrics").get("positives_ratio")
        del fields["spec"]["settings"]["model"]["mask_shared"]  # a setting since then, at its default
        fields["rounds"] = [one | one.pop("metrics") for one in fields["rounds"]]
        fields |= {"positives_ratio": ratio, "schema_version": 2, "sha256": before[key]["sha256"]}
        assert fields == before[key]
    for record in Store(old).records():
        assert list(_against_itself(record, Store(old).test_probabilities(record).shape)) == []


def test_migrating_twice_is_migrating_once(any_old, convert):
    old = any_old
    migrate(opened(old), convert)
    before = contents(old)
    again = migrate(opened(old), convert)
    assert (again.runs, again.unfinished, again.set_aside) == (0, 0, [])
    assert contents(old) == before


def test_a_run_is_found_by_the_grid_that_would_make_it_again(old, convert):
    migrate(opened(old), convert)
    stored = {str(record.spec.strategy): record for record in Store(old).records()}

    def key(record: RunRecord) -> str:
        model = record.spec.settings.model.model_copy(update={"dropout_passes": 99, "name": "elsewhere"})
        settings = record.spec.settings.model_copy(update={"model": model})
        return RunSpec(block=record.spec.block, strategy=record.spec.strategy, settings=settings).key(
            record.fingerprint
        )

    same = {name for name, record in stored.items() if key(record) == record.key}
    assert same == {"random+uniform", "random+invprop", "alps+uniform", "alps+invprop"}  # BALD reads that setting


def test_a_migration_killed_at_any_line_loses_nothing(old, convert, tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _: None)  # a kill loses nothing that the operating system was handed
    shutil.rmtree(old / "packed")
    shutil.rmtree(old / "skipped")
    for path in sorted(old.glob("runs/*/*.json"))[1:]:
        path.unlink()
        path.with_suffix(".npy").unlink()
    record, npy = next(old.glob("runs/*/*.json")), next(old.glob("runs/*/*.npy"))
    _pack(old / "packed", record, npy, rename="0" * 32)
    whole = Path(shutil.copytree(old, tmp_path / "whole"))
    migrate(opened(whole), convert)
    wanted = contents(whole), Store(whole).keys("failed")
    assert len(wanted[0]) == 1  # both are one run
    folder = str(Path(bench.store.__file__).parent)
    for there, _ in folders_after_kills(old, lambda: migrate(opened(old), convert), folder):
        done = migrate(opened(there), convert)
        assert done.set_aside == []
        assert (contents(there), Store(there).keys("failed")) == wanted


def test_a_migration_from_schema_2_killed_at_any_line_loses_nothing(convert, tmp_path, monkeypatch):
    """The names stay, so that a new record takes the place of the old one, and one run may be in two packs."""
    monkeypatch.setattr("os.fsync", lambda _: None)
    old = Path(shutil.copytree(SCHEMA_2, tmp_path / "store"))
    for path in sorted(old.glob("runs/*/*.json"))[1:]:
        path.unlink()
        path.with_suffix(".npy").unlink()
    whole = Path(shutil.copytree(old, tmp_path / "whole"))
    migrate(opened(whole), convert)
    wanted = contents(whole)
    assert len(wanted) == 4
    folder = str(Path(bench.store.__file__).parent)
    for there, _ in folders_after_kills(old, lambda: migrate(opened(old), convert), folder):
        assert migrate(opened(there), convert).set_aside == []
        assert contents(there) == wanted
        assert len(list(there.glob("packed/*.parquet"))) == 1
        assert not list(there.glob("replicates/*"))
        assert [len(Store(there).keys(status)) for status in ("failed", "skipped")] == [1, 1]


def _pack(folder: Path, record: Path, npy: Path, rename: str) -> None:
    content = record.read_bytes().replace(record.stem.encode(), rename.encode())
    sha = json.loads(content)["sha256"]
    blank = content.replace(f'"sha256": "{sha}"'.encode(), b'"sha256": ""')
    new = hashlib.sha256(blank).hexdigest()
    write_pack(
        folder, [PackedRun(rename, blank.replace(b'"sha256": ""', f'"sha256": "{new}"'.encode()), npy.read_bytes())]
    )


def test_two_names_of_one_run_are_one_run_and_a_replicate(old, convert):
    """Schema 1 named random+uniform anew where only a setting that it does not read was another."""
    path = next(path for path in old.glob("runs/*/*.json") if b'"name": "random"' in path.read_bytes())
    fields = json.loads(path.read_bytes())
    fields["spec"]["settings"]["model"]["dropout_passes"] = 99
    fields |= {"key": "1" * 32, "sha256": "", "seconds": fields["seconds"] + 1}
    twin = path.parent.parent / "11" / f"{'1' * 32}.json"
    twin.parent.mkdir()
    twin.write_text(json.dumps(fields, indent=1))
    shutil.copy(path.with_suffix(".npy"), twin.with_suffix(".npy"))
    done = migrate(opened(old), convert)
    store = Store(old)
    assert (done.runs, done.set_aside) == (7, [])
    assert len(store.keys()) == 6
    assert len(list((store.path / "replicates").glob("*.json"))) == 1


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-200]), "not a run record"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b'"auc": 0.', b'"auc": 1.', 1)), "was altered"),
        (lambda path: path.with_suffix(".npy").write_bytes(b"x"), "do not match the hash"),
        (lambda path: path.with_suffix(".npy").unlink(), "No such file"),
    ],
    ids=["cut", "altered", "other probabilities", "no probabilities"],
)
def test_what_is_damaged_is_set_aside_and_said(any_old, convert, damage, reason):
    old = any_old
    damage(next(old.glob("runs/*/*.json")))
    done = migrate(opened(old), convert)
    assert len(done.set_aside) == 1
    assert reason in done.set_aside[0]
    assert list((old / "aside").iterdir())
    assert len(Store(old).keys()) == 5


def test_a_seed_or_ratio_out_of_bounds_is_set_aside(old, convert):
    path = next(old.glob("skipped/*.json"))
    fields = json.loads(path.read_bytes())
    fields["spec"]["block"]["ratio"] = 10**20
    path.write_text(json.dumps(fields | {"sha256": ""}))
    done = migrate(opened(old), convert)
    assert "spec.block.ratio is 100000000000000000000" in done.set_aside[0]
    assert Store(old).keys("skipped") == set()


def test_a_damaged_pack_is_set_aside_and_its_sound_runs_are_kept(any_old, convert):
    old = any_old
    pack = next(old.glob("packed/*.parquet"))
    pack.rename(pack.with_stem("0" * 32))
    done = migrate(opened(old), convert)
    assert "was damaged; the valid runs in it were kept" in done.set_aside[-1]
    assert len(Store(old).keys()) == 6


def test_a_model_with_other_weights_gives_runs_that_only_agree_with_each_other(old, tmp_path, monkeypatch):
    found = ModelSettings(name="offline", content="c" * 32)
    monkeypatch.setattr(Converter, "_model", lambda _, model: (found, "other weights"))
    convert = Converter(tmp_path)
    migrate(opened(old), convert)
    assert convert.unknown_models == {"offline": 6}
    contents = {record.spec.settings.model.content for record in Store(old).records()}
    assert len(contents) == 1
    assert contents != {"c" * 32}
    assert len({record.pair_key for record in Store(old).records()}) == 1


def test_a_strategy_that_is_not_known_keeps_all_its_settings(old, convert):
    path = next(path for path in old.glob("runs/*/*.json") if b'"name": "bald"' in path.read_bytes())
    fields = json.loads(path.read_bytes())
    fields["spec"]["strategy"]["algorithm"] = {"name": "gone", "options": {"a": 1}, "version": "0123456789ab"}
    fields["spec"]["settings"]["model"]["dropout_passes"] = 7
    path.write_text(json.dumps(fields | {"sha256": ""}))
    migrate(opened(old), convert)
    assert convert.unknown_parts == {"algorithm gone": 1}
    (record,) = [it for it in Store(old).records() if it.spec.strategy.algorithm.name == "gone"]
    assert record.spec.strategy.algorithm.options == {"a": 1}
    assert record.spec.settings.model.dropout_passes == 7


def test_runs_of_an_algorithm_that_was_renamed_bear_its_new_name(any_old, convert):
    """With a key that a run of today would have; other runs keep theirs."""
    path = next(path for path in any_old.glob("runs/*/*.json") if b'"name": "random"' in path.read_bytes())
    fields = json.loads(path.read_bytes())
    fields["spec"]["strategy"]["algorithm"]["name"] = "mb_cb"
    path.write_text(json.dumps(fields | {"sha256": ""}))
    migrate(opened(any_old), convert)
    assert convert.renamed == {"algorithm mb_cb, which is called ucb_blend now": 1}
    assert not convert.unknown_parts
    (record,) = [it for it in Store(any_old).records() if it.spec.strategy.algorithm.name == "ucb_blend"]
    assert record.key == record.spec.key(record.fingerprint)
    assert record.pair_key == record.pairing()


def test_a_former_name_is_answered_with_todays():
    with pytest.raises(UnknownNameError, match="'mb_cb' is called 'ucb_blend' now"):
        ALGORITHMS.get("mb_cb")
    assert (ALGORITHMS.today("mb_cb"), ALGORITHMS.today("badge"), ALGORITHMS.today("gone")) == (
        "ucb_blend", "badge", "gone",
    )  # fmt: skip
    former = [name for cls in ALGORITHMS.items().values() for name in cls.formerly]
    assert len(former) == len(set(former))
    assert not set(former) & set(ALGORITHMS)


def test_the_command_says_what_it_did_and_that_it_was_done(old, convert):
    said = CliRunner().invoke(app, ["store", "migrate", "--store", str(old)])
    assert said.exit_code == 0, said.output
    assert "6 runs, 2 failed or skipped ones, 0 replicates and 0 plans converted; 0 set aside" in said.output
    again = CliRunner().invoke(app, ["store", "migrate", "--store", str(old)])
    assert "0 runs, 0 failed" in again.output


# --- baselines and plans ----------------------------------------------------------------------------------------------


def earlier_baseline(folder: Path, version: int = 1) -> Path:
    """Write a baseline as schema 1 or 2 did."""
    records = records_of_schema_1({1: SCHEMA_1, 2: SCHEMA_2}[version])
    lines = [json.dumps(fields, separators=(",", ":")).encode() for fields in records]
    header = {
        "schema_version": version,
        "name": "main",
        "note": "n",
        "created": "2026-11-24",
        "runs": len(lines),
        "sha256": "",
    }
    blank = json.dumps(header, separators=(",", ":")).encode()
    sha = hashlib.sha256(b"\n".join([blank, *lines])).hexdigest()
    first = json.dumps(header | {"sha256": sha}, separators=(",", ":")).encode()
    folder.mkdir()
    path = folder / "main.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join([first, *lines, b""])))
    return path


@pytest.mark.parametrize("version", [1, 2])
def test_an_earlier_baseline_is_refused_until_it_is_migrated(tmp_path, convert, version):
    old = Path(shutil.copytree({1: SCHEMA_1, 2: SCHEMA_2}[version], tmp_path / "store"))
    path = earlier_baseline(tmp_path / "baselines", version)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="imbal-bench baseline migrate main --baselines "):
        Baseline(path.parent, "main")
    assert migrate_baseline(path.parent, "main", convert) == 3
    assert migrate_baseline(path.parent, "main", convert) is None
    migrate(opened(old), convert)
    baseline = Baseline(path.parent, "main")
    assert baseline.keys() < Store(old).keys()
    for one in baseline.records():  # a baseline has no probabilities, and so no control where it had none
        assert one.rounds == Store(old).read(one.key).rounds
    assert {it.pair_key for it in baseline.records()} == {it.pair_key for it in Store(old).records()}
    assert path.with_name(f"main.jsonl.gz.v{version}").read_bytes() == before


def test_a_baseline_of_schema_1_that_was_changed_is_not_migrated(tmp_path, convert):
    path = earlier_baseline(tmp_path / "baselines")
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b'"note":"n"', b'"note":"m"')))
    with pytest.raises(CorruptRecordError, match="was changed since it was saved"):
        migrate_baseline(path.parent, "main", convert)


def test_looks_that_were_taken_under_a_plan_still_count(old, convert):
    spec = records_of_schema_1()[0]["spec"]
    arm = spec["strategy"]
    other = arm | {"weighting": {"name": "posprob", "options": {}, "version": "1"}}
    block = spec["block"]
    plan = {
        "candidate": arm,
        "baseline": other,
        "margins": {"auc": 0.01},
        "looks": [2],
        "seeds": [0, 1],
        "places": [{"task": block["task"], "ratio": block["ratio"], "start": block["start"]}],
        "settings": spec["settings"],
    }
    (old / "gates").mkdir()
    (old / "gates" / "old.json").write_text(json.dumps({"schema_version": 1, "plan": plan, "looked_at": [2]}))
    assert migrate_plans(opened(old), convert.strategy, convert.settings) == 1
    assert migrate_plans(opened(old), convert.strategy, convert.settings) == 0
    (path,) = (old / "gates").glob("*.json")
    entry = json.loads(path.read_bytes())
    assert entry["looked_at"] == [2]
    assert path.stem == Plan.model_validate(entry["plan"]).hash
    assert entry["plan"]["settings"]["model"]["content"] == "c" * 32
