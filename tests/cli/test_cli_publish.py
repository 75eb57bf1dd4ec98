"""``imbal-bench store publish``: what is read of a published store is what the store itself says, to the last bit."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from gate_tools import TASKS, factory, fill

import reports.gate
import reports.report
from analysis import read_results
from bench.store import Store
from bench.store.published import MANIFEST, Manifest
from imbal_bench.workflows import stores
from reports.picture import Picture

BINS = 60


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch):
    """Figures take seconds to draw, and are tested elsewhere; their numbers are written all the same."""
    blank = {"svg": b"<svg></svg>", "pdf": b""}
    monkeypatch.setattr(reports.report, "pictures", lambda figures, *_: [Picture.of(one, blank) for one in figures])
    monkeypatch.setattr(reports.gate, "drawn_of", lambda verdict: ())


def scored(record):
    """Return a record whose rounds tell how the pool was scored."""
    rounds = tuple(
        one.model_copy(
            update={
                "selected_p": tuple(np.linspace(0, 1, len(one.selected)).tolist()),
                "pool_p": tuple(range(BINS)),
                "pool_w": tuple([1 / BINS] * BINS),
            }
        )
        if one.round
        else one
        for one in record.rounds
    )
    return record.model_copy(update={"rounds": rounds})


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """A store of two machines' runs on four tasks, of which some failed or were skipped, and one has a metric more."""
    store = fill(tmp_path_factory.mktemp("source") / "runs", 0.03, seeds=range(6))
    for number, record in enumerate(sorted(store.records(), key=lambda it: it.key)):
        made = factory.MADE.model_copy(update={"host": f"host{number % 2}", "data_source": "mirror /home/me/texts"})
        control = (0.1, 0.2) if record.spec.block.seed else (0.1 + 0.5 * (number % 2), 0.2)
        store.write(scored(record).model_copy(update={"provenance": made, "control": control}))
    store.write(factory.a_run("badge", "uniform", brier=0.25))
    store.write(factory.a_run("badge", "invprop", status="failed", reason="NaN loss"))
    store.write(factory.a_run("badge", "posprob", status="skipped", reason="too few positives"))
    return store.path


@pytest.fixture(scope="module")
def kept(source) -> Path:
    """What is published of it; nothing is to be written there."""
    stores.publish(source.parent / "kept", source)
    return source.parent / "kept"


@pytest.fixture
def published(kept, tmp_path) -> Path:
    """A copy of it in the current folder."""
    return Path(shutil.copytree(kept, tmp_path / "published"))


def tables_in(folder: Path) -> dict[str, bytes]:
    """Return path -> bytes of all that a report wrote but its page."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*") if path.suffix != ".html"}


@pytest.mark.usefixtures("figures_as_hashes")
def test_a_report_of_it_is_the_stores_own(bench, source, published, tmp_path):
    for store, out in ((source, "whole"), (published, "slim")):
        assert bench("report", "--store", store, "--out", out)[0] == 0
    whole, slim = (tables_in(tmp_path / name) for name in ("whole", "slim"))
    assert {name: whole[name] for name in whole if name.endswith(".csv")}.items() <= slim.items()
    for number in range(2):  # what is said of runs that are not compared names machines
        host, machine = b"host%d" % number, b"machine %d" % (number + 2)
        whole = {name: said.replace(host, machine) for name, said in whole.items()}
    assert whole == slim
    assert any(name.startswith("figures/scores-") for name in whole)  # the paper's Figure 1, of the run kept whole


def test_frames_of_it_are_the_stores_own(source, published):
    whole, slim = read_results(Store(source)), read_results(Store(published))
    for name in ("runs", "rounds", "unfinished"):
        pd.testing.assert_frame_equal(getattr(whole, name), getattr(slim, name), check_exact=True)
    assert (whole.settings, whole.strategies) == (slim.settings, slim.strategies)
    assert whole.unlike.keys() == slim.unlike.keys() != set()


def test_a_verdict_on_it_is_the_stores_own(bench, tmp_path):
    fill(tmp_path / "s")
    grid = {"tasks": ["/".join(task) for task in TASKS], "ratios": [50], **factory.SETTINGS.model_dump(mode="json")}
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(grid))
    assert bench("store", "publish", "p", "--store", "s")[0] == 0
    arms = ["--candidate", "random+invprop", "--baseline", "random+uniform", "--spec", "grid.yaml"]
    how = ["--margin", "auc=.01", "--no-run", "--seeds", "10", "--collapses", "1"]
    said = {}
    for store in ("s", "p"):
        code, _, err = bench("regress", *arms, *how, "--store", store, "--out", f"gate-{store}")
        assert (code, err) == (0, "")
        verdict = json.loads((tmp_path / f"gate-{store}" / "gate.json").read_text())
        said[store] = {name: value for name, value in verdict.items() if "time" not in name}
    assert said["s"] == said["p"]
    assert bench("store", "publish", "again", "--store", "p")[0] == 0
    ledgers = [(tmp_path / folder / "gates" / "ledger.jsonl").read_bytes() for folder in ("p", "again")]
    assert ledgers[0] == ledgers[1]
    assert "gates/ledger.jsonl" in Manifest.read(tmp_path / "again").files


def test_a_baseline_saved_of_it_is_held_against_the_store(bench, source, published):
    assert bench("baseline", "save", "slim", "--store", published, "--baselines", "b")[0] == 0
    code, out, err = bench("baseline", "compare", "slim", "--store", source, "--baselines", "b")
    assert (code, err) == (0, "")
    assert "49" in out


def test_it_weighs_little_and_says_what_it_lacks(bench, source, published):
    code, out, err = bench("store", "publish", "published", "--store", source)
    assert (code, err) == (0, "")
    assert out.startswith("49 runs published in published, ")
    assert "left out: test probabilities" in out
    manifest = Manifest.read(published)
    assert (manifest.runs, manifest.failed, manifest.skipped, manifest.whole) == (49, 1, 1, 1)
    assert any("test probabilities" in part for part in manifest.left_out)
    there = {str(path.relative_to(published)) for path in published.rglob("*") if path.is_file()}
    assert manifest.files.keys() | {MANIFEST} == there


def test_nothing_in_it_tells_of_machines_or_places(published):
    tables = [pd.read_parquet(path).to_csv() for path in sorted((published / "data").iterdir())]
    texts = [path.read_text() for path in published.iterdir() if path.suffix in {".json", ".md"}]
    said = "\n".join([*tables, *texts])
    assert "machine 2" in said
    for secret in ("host0", "host1", "/home", str(published.parent)):
        assert secret not in said


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("store export x --store published", "which rows were selected"),
        ("report --store published --with-texts", "texts, names of machines"),
        ("rescore published", "test probabilities"),
        ("store merge all published", "test probabilities"),
        ("store publish published --store published", "the store itself"),
        ("store publish . --store published", "neither empty nor a published store"),
    ],
)
@pytest.mark.usefixtures("published")
def test_what_needs_more_says_so_in_one_line(bench, command, said):
    code, _, err = bench(*command.split())
    assert code == 2
    assert said in err
    assert err.count("\n") == 1


def test_the_card_is_what_the_hub_reads(published):
    _, head, text = (published / "README.md").read_text().split("---\n", 2)
    read = yaml.safe_load(head)
    assert read["license"] == "cc-by-4.0"
    assert {one["config_name"]: (published / one["data_files"]).is_file() for one in read["configs"]} == {
        "runs": True,
        "rounds": True,
    }
    assert "test probabilities" in text
    columns = {name for path in (published / "data").iterdir() for name in pd.read_parquet(path).columns}
    assert [name for name in columns if f"| `{name}` | " not in text] == []


def test_metadata_are_croissant(published):
    found = json.loads((published / "croissant.json").read_text())
    assert found["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    ids = {one["@id"]: one for one in found["distribution"]}
    files = Manifest.read(published).files
    assert {name: one["sha256"] for name, one in ids.items()} == {name: files[name].sha256 for name in ids}
    for table in found["recordSet"]:
        (path,) = {field["source"]["fileObject"]["@id"] for field in table["field"]}
        columns = pd.read_parquet(io.BytesIO((published / path).read_bytes())).columns
        assert [field["source"]["extract"]["column"] for field in table["field"]] == list(columns)
        assert [field["@id"] for field in table["field"]] == [f"{table['@id']}/{name}" for name in columns]


def test_mlcroissant_reads_the_metadata_and_the_runs(published):
    croissant = pytest.importorskip("mlcroissant")
    data = croissant.Dataset(published / "croissant.json")
    assert data.metadata.ctx.issues.report().strip() == ""
    runs = pd.read_parquet(published / "data" / "runs.parquet")
    read = list(data.records("runs"))
    assert [one["runs/key"].decode() for one in read] == runs["key"].tolist()
    assert [one["runs/seconds"] for one in read] == runs["seconds"].tolist()
