"""The Hub's code, run on local folders laid out as its repositories are; the Hub itself is never asked."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants

from bench.data import hub
from bench.data.facts import DATASETS, PYDOCS
from bench.errors import DataError

REPOSITORIES = {
    "ag_news": ("data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"),
    "dbpedia_14": ("dbpedia_14/train-00000-of-00001.parquet", "dbpedia_14/test-00000-of-00001.parquet"),
    "sst2": ("data/train-00000-of-00001.parquet", "data/validation-00000-of-00001.parquet"),
    "pubmed_20k_rct": ("train.jsonl", "test.jsonl"),
}


def put(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)


def rows_of(name: str, split: str, count: int) -> list[dict[str, object]]:
    facts = DATASETS[name]
    assert facts.hub is not None
    numbers = [i % len(facts.classes) for i in range(count)]
    by_name = name == "pubmed_20k_rct"
    return [
        {
            "idx": i,
            facts.hub.label: facts.classes[number].lower() if by_name else number,
            facts.hub.text: f"{split} {i} é",
        }
        for i, number in enumerate(numbers)
    ]


def repository(folder: Path, name: str) -> Path:
    for file, split, count in zip(REPOSITORIES[name], ("train", "test"), (30, 15), strict=True):
        put(folder / file, rows_of(name, split, count))
    return folder


@pytest.mark.parametrize("name", REPOSITORIES)
def test_a_repository_is_read_as_it_is_laid_out(tmp_path: Path, name: str) -> None:
    folder = repository(tmp_path / "repository", name)
    put(folder / "data/test-hidden.jsonl", [{"sentence": "?", "label": -1}])
    facts = DATASETS[name]
    corpus = hub.load_hub(facts, tmp_path / "cache", folder)
    assert (corpus.name, corpus.label_names) == (name, facts.classes)
    for split, label, count in ((corpus.train, "train", 30), (corpus.test, "test", 15)):
        assert split.texts.to_pylist() == [f"{label} {i} é" for i in range(count)]
        assert split.labels.tolist() == [i % len(facts.classes) for i in range(count)]


def test_shards_come_in_order_and_texts_are_mapped_not_held(tmp_path: Path) -> None:
    folder = repository(tmp_path / "repository", "ag_news")
    long = [{"idx": i, "text": f"{i} " + "x" * 2000, "label": i % 4} for i in range(2000)]
    put(folder / "data/train-00000-of-00002.parquet", long[:1000])
    put(folder / "data/train-00001-of-00002.parquet", long[1000:])
    (folder / REPOSITORIES["ag_news"][0]).unlink()
    hub.load_hub(DATASETS["ag_news"], tmp_path / "cache", folder)
    before = pa.total_allocated_bytes()
    corpus = hub.load_hub(DATASETS["ag_news"], tmp_path / "cache", folder)
    assert pa.total_allocated_bytes() - before < 1_000_000 < corpus.train.texts.nbytes
    assert [text.split()[0] for text in corpus.train.texts.to_pylist()] == [str(i) for i in range(2000)]


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("ag_news", {"text": "x", "label": 4}, r"row 31 .*label 4; allowed are 0 to 3"),
        ("ag_news", {"text": None, "label": 0}, "row 31 has no 'text'"),
        ("pubmed_20k_rct", {"text": "x", "label": "method"}, "row 31 .*unknown class 'METHOD'.*'METHODS'"),
        ("pubmed_20k_rct", {"text": "x", "label": None}, "row 31 has no 'label'"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, name: str, row: dict[str, object], message: str) -> None:
    folder = repository(tmp_path / "repository", name)
    put(folder / REPOSITORIES[name][0], [*rows_of(name, "train", 30), {"idx": 30, **row}])
    with pytest.raises(DataError, match=message):
        hub.load_hub(DATASETS[name], tmp_path / "cache", folder)


def test_other_columns_are_named(tmp_path: Path) -> None:
    folder = repository(tmp_path / "repository", "sst2")
    for file in REPOSITORIES["sst2"]:
        put(folder / file, rows_of("ag_news", "train", 10))
    with pytest.raises(DataError, match=r"unknown column 'sentence'.*Known: idx, label, text"):
        hub.load_hub(DATASETS["sst2"], tmp_path / "cache", folder)


@pytest.mark.parametrize("name", ["ag_news", "pubmed_20k_rct"])
def test_a_damaged_file_is_one_line(tmp_path: Path, name: str) -> None:
    folder = repository(tmp_path / "repository", name)
    (folder / REPOSITORIES[name][0]).write_bytes(b"{PAR1")
    with pytest.raises(DataError, match="cannot be read") as caught:
        hub.load_hub(DATASETS[name], tmp_path / "cache", folder)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    folder = repository(tmp_path / "repository", "sst2")
    (folder / REPOSITORIES["sst2"][1]).unlink()
    with pytest.raises(DataError, match=r"no file data/validation-\*\.parquet"):
        hub.load_hub(DATASETS["sst2"], tmp_path / "cache", folder)


def test_what_is_not_on_the_hub_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="pydocs is not a dataset of the Hub"):
        hub.load_hub(PYDOCS, tmp_path)


def test_a_download_of_the_pinned_commit_is_found_again(tmp_path: Path, monkeypatch) -> None:
    facts = DATASETS["ag_news"].hub
    assert facts is not None
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert hub.downloaded(facts) is None
    snapshot = tmp_path / f"datasets--{facts.id.replace('/', '--')}" / "snapshots" / facts.revision
    snapshot.mkdir(parents=True)
    assert hub.downloaded(facts) is None, "an unfinished download"
    corpus = hub.load_hub(DATASETS["ag_news"], tmp_path / "cache", repository(snapshot, "ag_news"))
    assert hub.downloaded(facts) == snapshot
    monkeypatch.setattr(hub, "reachable", lambda: pytest.fail("the Hub was asked"))
    again = hub.load_hub(DATASETS["ag_news"], tmp_path / "cache")
    assert (again.source, again.fingerprint) == ("hub fancyzhx/ag_news@eb185aa", corpus.fingerprint)


def test_no_network_fails_fast_and_says_what_to_do(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(hub, "reachable", lambda: False)
    started = time.monotonic()
    with pytest.raises(DataError, match=r"--data-dir or IMBAL_BENCH_DATA, or use .*pydocs") as caught:
        hub.load_hub(DATASETS["sst2"], tmp_path)
    assert time.monotonic() - started < 2
    assert "\n" not in str(caught.value)


@pytest.fixture
def server() -> Iterator[str]:
    class Quiet(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Quiet) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.mark.parametrize("offline", [False, True])
def test_reachable_asks_unless_offline(server: str, monkeypatch, offline: bool) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", server)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert hub.reachable() is not offline


def test_a_silent_or_absent_hub_is_given_up_soon(monkeypatch) -> None:
    monkeypatch.setattr(hub, "_PROBE_SECONDS", 0.2)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (silent.getsockname()[1], 9):
            monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{port}")
            started = time.monotonic()
            assert not hub.reachable()
            assert time.monotonic() - started < 1


@pytest.mark.real
@pytest.mark.parametrize("name", ["ag_news", "sst2"])
def test_real_texts_are_the_same_from_hub_files_and_mirror(name: str, data_dir: Path, tmp_path: Path) -> None:
    from bench.data.mirror import read_mirror

    mirrored, facts = read_mirror(data_dir / name), DATASETS[name]
    assert facts.hub is not None
    for file, split in zip(REPOSITORIES[name], (mirrored.train, mirrored.test), strict=True):
        path = tmp_path / "repository" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({facts.hub.text: split.texts, facts.hub.label: split.labels}), path)
    corpus = hub.load_hub(facts, tmp_path / "cache", tmp_path / "repository")
    assert corpus.fingerprint == mirrored.fingerprint
    np.testing.assert_array_equal(corpus.test.labels, mirrored.test.labels)
