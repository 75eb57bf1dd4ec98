"""What is published says what it is, holds together, and tells nothing of people's machines."""

import io
import json
import os
import subprocess
import zipfile

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from bench.records import Example, Informativeness, ModelSettings, Settings
from bench.store import Store
from bench.store.compact import compact
from imbal_bench.cli import app
from reports import publication, read_report, write_publication, write_report

HOST, FOLDER, SECRET, REASON = "node-17.example.org", "/home/someone", "a text under licence", "no file /home/someone/x"


@pytest.fixture
def store(tmp_path, factory) -> Store:
    """Runs on a host, of a model and data in someone's folder, with an excerpt of a text; and a failed run."""
    store = Store(tmp_path / "store", create=True)
    made = factory.MADE.model_copy(update={"host": HOST, "data_source": f"mirror {FOLDER}/my data/ag_news"})
    settings = Settings(loop=factory.SETTINGS.loop, model=ModelSettings(name=f"{FOLDER}/models/bert"))
    told = Example(row=7, text=SECRET, nearest_row=1, nearest_text=SECRET, distance=0.5)
    for seed in range(3):
        run = factory.a_run(seed=seed, made=made, settings=settings)
        found = Informativeness(pairwise=(0.1, 0.2), to_start=(0.3, None), examples=(told,))
        store.write(run.model_copy(update={"informativeness": found}))
    store.write(factory.a_run(seed=9, status="failed", reason=REASON, settings=settings))
    return store


def texts_of(files: dict[str, bytes]) -> str:
    tables = [pd.read_parquet(io.BytesIO(files[name])).to_csv() for name in files if name.endswith(".parquet")]
    return "\n".join([*(files[name].decode() for name in files if not name.endswith(".parquet")), *tables])


def test_nothing_tells_of_a_machine_or_a_text(store):
    said = texts_of(publication.publication(store))
    assert "3 finished runs" in said
    for secret in (HOST, FOLDER, SECRET, REASON, os.fspath(store.path)):
        assert secret not in said


def test_every_column_is_explained_and_every_explanation_used(store):
    files = publication.publication(store)
    readme = files["README.txt"].decode()
    columns = set()
    for name in files.keys() - {"README.txt"}:
        if name.endswith(".parquet"):
            frame = pd.read_parquet(io.BytesIO(files[name]))
            words = dict.fromkeys(frame.select_dtypes(exclude="number"), str)
            spelt = pd.read_csv(io.BytesIO(files[name.replace("parquet", "csv")]), dtype=words)
            pd.testing.assert_frame_equal(frame, spelt, check_dtype=False)
            columns |= set(frame.columns)
        assert name in readme
    for column in columns:
        assert f"\n{column}: {publication.meaning(column)}\n" in readme
    assert publication.COLUMNS.keys() <= columns


def test_rounds_and_settings_belong_to_runs(store):
    files = publication.publication(store)
    runs, rounds = (pd.read_parquet(io.BytesIO(files[f"{name}.parquet"])) for name in ("runs", "rounds"))
    assert set(runs["key"]) == set(rounds["key"]) == store.keys()
    assert len(rounds) == 3 * len(runs)
    assert all(f'"{digest}"' in files["settings.json"].decode() for digest in runs["settings"])


def test_what_was_labelled_is_named(store):
    record = next(store.records())
    first, *later = record.rounds
    later = [entry.model_copy(update={"selected": (70 + entry.round, 7)}) for entry in later]
    store.write(record.model_copy(update={"start_rows": (5, 3), "rounds": (first, *later)}))
    rounds = pd.read_parquet(io.BytesIO(publication.publication(store)["rounds.parquet"]))
    own = rounds[rounds["key"] == record.key]
    expected = {0: [5, 3], **{entry.round: [70 + entry.round, 7] for entry in later}}
    assert dict(zip(own["round"], map(json.loads, own["rows"]), strict=True)) == expected


def test_hashes_hold_and_the_same_store_gives_the_same_bytes(store, tmp_path):
    write_publication(store.path, tmp_path / "one")
    command = ["sha256sum", "-c", "manifest.sha256"]
    checked = subprocess.run(command, cwd=tmp_path / "one", capture_output=True, text=True, check=True)
    assert checked.stdout.count(": OK") == len(list((tmp_path / "one").iterdir())) - 1
    before = publication.publication(store)
    for record in list(store.records()):
        store.write(record, np.zeros((3, 800), dtype=np.float32))  # which make it a sound one
    compact(store)
    assert publication.publication(store) == before


def test_an_archive_holds_the_same_in_one_folder(store, tmp_path):
    names = write_publication(store.path, tmp_path / "mine.zip")
    with zipfile.ZipFile(tmp_path / "mine.zip") as archive:
        assert archive.namelist() == [f"mine/{name}" for name in names]
        assert {name: archive.read(f"mine/{name}") for name in names} == publication.publication(store)


def test_what_is_there_is_not_written_over(store, tmp_path):
    done = CliRunner().invoke(app, ["store", "export", str(tmp_path / "out"), "--store", str(store.path)])
    assert done.exit_code == 0
    done = CliRunner().invoke(app, ["store", "export", str(tmp_path / "out"), "--store", str(store.path)])
    assert "exists already" in str(done.exception)


@pytest.mark.usefixtures("no_figures")
def test_a_report_shows_texts_on_its_page_only_if_asked_for(store, tmp_path, monkeypatch):
    found = read_report(store.path)
    for with_texts in (False, True):
        write_report(found, tmp_path / "out", tmp_path / "paper", with_texts=with_texts)
        files = [path for path in tmp_path.rglob("*") if path.is_file() and "store" not in path.parts]
        telling = [path.name for path in files if SECRET.encode() in path.read_bytes()]
        assert len(files) > 10
        assert telling == ["report.html"] * with_texts
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count(f"<q>{SECRET}</q> nearest to <q>{SECRET}</q>") == 1  # one run is of that block
