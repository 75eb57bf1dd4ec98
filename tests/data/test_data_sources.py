from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.data import availability as states
from bench.data import sources
from bench.data.availability import availability
from bench.data.catalogue import CATALOGUE, described
from bench.data.corpus import Corpus, split_of
from bench.data.export import export_mirror
from bench.data.facts import DATASETS
from bench.data.sources import default_positives, load_corpus
from bench.errors import DataError, UnknownNameError


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch) -> None:
    monkeypatch.delenv("IMBAL_BENCH_DATA", raising=False)


@pytest.fixture
def sst2() -> Corpus:
    split = split_of([f"text {i}" for i in range(10)], np.arange(10) % 2)
    return Corpus("sst2", ("negative", "positive"), split, split, "made up")


def yaml_file(folder: Path, positive: str = "") -> Path:
    (folder / "rows.csv").write_text("text,label\n" + "".join(f"t{i},{'ab'[i % 2]}\n" for i in range(8)))
    path = folder / "mine.yaml"
    path.write_text(f"name: mine\ntrain: rows.csv\ntest_fraction: 0.5\n{positive}")
    return path


def test_the_mirror_is_taken_from_argument_or_variable(tmp_path: Path, sst2: Corpus, monkeypatch) -> None:
    export_mirror(sst2, tmp_path / "sst2")
    by_argument = load_corpus("sst2", data_dir=tmp_path, cache_dir=tmp_path)
    assert (by_argument.name, by_argument.fingerprint) == ("sst2", sst2.fingerprint)
    assert by_argument.source == f"mirror {tmp_path / 'sst2'}"
    monkeypatch.setenv("IMBAL_BENCH_DATA", str(tmp_path))
    assert load_corpus("sst2", data_dir=None, cache_dir=tmp_path).fingerprint == sst2.fingerprint


def test_a_mirror_may_hold_other_datasets(tmp_path: Path, corpus: Corpus) -> None:
    export_mirror(corpus, tmp_path / "my-pool")
    assert load_corpus("my-pool", data_dir=tmp_path, cache_dir=tmp_path).name == "my-pool"


def test_what_the_mirror_lacks_comes_from_hub_or_builder(tmp_path: Path, sst2: Corpus, monkeypatch) -> None:
    monkeypatch.setattr(sources, "load_hub", lambda facts, _cache: replace(sst2, name=f"hub {facts.name}"))
    monkeypatch.setattr(sources, "load_pydocs", lambda _cache: replace(sst2, name="built"))
    for data_dir in (None, tmp_path):
        assert load_corpus("ag_news", data_dir=data_dir, cache_dir=tmp_path).name == "hub ag_news"
        assert load_corpus("pydocs", data_dir=data_dir, cache_dir=tmp_path).name == "built"


def test_a_user_file_is_taken_by_path(tmp_path: Path) -> None:
    loaded = load_corpus(str(yaml_file(tmp_path)), data_dir=None, cache_dir=tmp_path)
    assert (loaded.name, loaded.label_names, len(loaded.train), len(loaded.test)) == (
        "mine",
        ("a", "b"),
        4,
        4,
    )


def test_an_unknown_name_lists_what_there_is(tmp_path: Path) -> None:
    for data_dir in (None, tmp_path):
        with pytest.raises(UnknownNameError, match=r"Did you mean 'ag_news'\?.*dbpedia_14.*\.yaml"):
            load_corpus("agnews", data_dir=data_dir, cache_dir=tmp_path)


def test_a_name_is_no_path_into_the_mirror(tmp_path: Path, corpus: Corpus) -> None:
    export_mirror(corpus, tmp_path / "outside")
    (tmp_path / "mirror").mkdir()
    with pytest.raises(UnknownNameError):
        load_corpus("../outside", data_dir=tmp_path / "mirror", cache_dir=tmp_path)


def test_a_mirror_that_is_not_there_is_an_error(tmp_path: Path, monkeypatch) -> None:
    with pytest.raises(DataError, match=r"no folder .*--data-dir"):
        load_corpus("sst2", data_dir=tmp_path / "typo", cache_dir=tmp_path)
    monkeypatch.setenv("IMBAL_BENCH_DATA", str(tmp_path / "typo"))
    with pytest.raises(DataError, match=r"no folder .*IMBAL_BENCH_DATA"):
        load_corpus("sst2", data_dir=None, cache_dir=tmp_path)


def test_other_classes_under_a_known_name_are_refused(tmp_path: Path, corpus: Corpus) -> None:
    export_mirror(corpus, tmp_path / "sst2")
    with pytest.raises(DataError, match="classes red, green, blue, but sst2 has negative, positive"):
        load_corpus("sst2", data_dir=tmp_path, cache_dir=tmp_path)


def test_default_positives_are_the_papers_the_users_or_all(tmp_path: Path, corpus: Corpus) -> None:
    assert default_positives("dbpedia_14", corpus) == ("Company", "Animal", "Album")
    assert default_positives("pydocs", corpus) == corpus.label_names
    assert default_positives("my-pool", corpus) == corpus.label_names
    assert default_positives(str(yaml_file(tmp_path)), corpus) == corpus.label_names
    assert default_positives(str(yaml_file(tmp_path, "positive: b")), corpus) == ("b",)


def test_availability_tells_each_state(tmp_path: Path, sst2: Corpus, corpus: Corpus, monkeypatch) -> None:
    export_mirror(sst2, tmp_path / "sst2")
    export_mirror(corpus, tmp_path / "ag_news")
    (tmp_path / "ag_news" / "train.parquet").write_bytes(b"PAR1")
    dbpedia = DATASETS["dbpedia_14"].hub
    monkeypatch.setattr(states, "_is_in_hub_cache", lambda hub: hub == dbpedia)
    for online, last in ((False, "unreachable"), (True, "hub")):
        monkeypatch.setattr(states, "_hub_answers", lambda online=online: online)
        found = {entry.dataset: entry.state for entry in availability(tmp_path, probe=True)}
        assert found == {
            "ag_news": "damaged",
            "dbpedia_14": "hub cache",
            "sst2": "mirror",
            "pubmed_20k_rct": last,
            "pydocs": "embedded",
            **{name: "by hand" if described(name).get else last for name in CATALOGUE},
        }
    details = {entry.dataset: entry.detail for entry in availability(tmp_path, probe=True)}
    assert "10 of 67,349 train rows" in details["sst2"]
    assert all("\n" not in detail for detail in details.values())


def test_a_mirror_with_too_few_rows_is_damaged(tmp_path: Path, sst2: Corpus, monkeypatch) -> None:
    monkeypatch.setattr(states, "_hub_answers", lambda: False)
    export_mirror(sst2, tmp_path / "sst2")
    info = tmp_path / "sst2" / "info.json"
    info.write_text(info.read_text().replace('"rows": 10', '"rows": 11', 1))
    (entry,) = [entry for entry in availability(tmp_path, probe=True) if entry.dataset == "sst2"]
    assert entry.state == "damaged"
    assert "has 10 rows, its info.json says 11" in entry.detail


def test_a_list_asks_no_network(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(states, "_hub_answers", lambda: pytest.fail("the network is asked"))
    assert {entry.state for entry in availability(None, probe=False)} <= {
        *("hub", "hub cache", "embedded", "mirror", "by hand")
    }


@pytest.mark.real
@pytest.mark.parametrize("name", ["ag_news", "dbpedia_14", "sst2", "pubmed_20k_rct"])
def test_the_real_datasets_load(name: str, data_dir: Path, tmp_path: Path) -> None:
    loaded = load_corpus(name, data_dir=data_dir, cache_dir=tmp_path)
    assert loaded.label_names == DATASETS[name].classes
    assert default_positives(name, loaded) == DATASETS[name].paper_tasks


def test_every_dataset_of_the_catalogue_states_its_facts_and_where_it_is_had(tmp_path: Path) -> None:
    """Each is written as a user's own file would be; what nothing fetches says how it is had."""
    assert {"civil_comments", "toxic_conversations_50k", "go_emotions", "banking77", "synergy"} <= set(CATALOGUE)
    for name in CATALOGUE:
        file = described(name)
        assert (file.name, bool(file.licence and file.source and file.citation and file.about)) == (name, True)
        assert bool(file.get) != bool(file.hub and file.revision)
        assert set(file.classes or ()) <= set(file.rows.get("train", file.classes or ()))
        if file.get:
            with pytest.raises(DataError, match=f"{name} is not fetched by itself"):
                load_corpus(name, data_dir=None, cache_dir=tmp_path)
