from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.data.corpus import Corpus
from bench.data.export import export_mirror, export_pool
from bench.data.mirror import read_mirror
from bench.errors import DataError, UnknownNameError


def test_an_exported_corpus_reads_back_whole(tmp_path: Path, corpus: Corpus) -> None:
    export_mirror(corpus, tmp_path / "toy")
    again = read_mirror(tmp_path / "toy")
    assert (again.name, again.fingerprint) == ("toy", corpus.fingerprint)
    assert [path.name for path in tmp_path.iterdir()] == ["toy"], "nothing else is left behind"


def test_an_export_replaces_nothing(tmp_path: Path, corpus: Corpus) -> None:
    export_mirror(corpus, tmp_path / "toy")
    with pytest.raises(DataError, match="exists already"):
        export_mirror(corpus, tmp_path / "toy")


def test_an_exported_pool_is_the_task(tmp_path: Path, corpus: Corpus) -> None:
    rows = np.array([5, 2, 30, 7, 8, 11, 0])
    export_pool(corpus, rows, "green", 4, tmp_path / "pool")
    pool = read_mirror(tmp_path / "pool")
    assert pool.label_names == ("rest", "green")
    texts = corpus.train.texts.to_pylist()
    assert pool.train.texts.to_pylist() == [texts[row] for row in rows]
    assert pool.train.labels.tolist() == [int(corpus.train.labels[row] == 1) for row in rows]
    assert pool.test.texts.to_pylist() == corpus.test.texts.to_pylist()
    assert pool.test.labels.tolist() == [int(label == 1) for label in corpus.test.labels]
    info = json.loads((tmp_path / "pool" / "info.json").read_text())
    assert (info["dataset"], info["positive"], info["ratio"]) == ("toy", "green", 4)
    assert info["source_fingerprint"] == corpus.fingerprint


def test_an_unknown_class_is_not_exported(tmp_path: Path, corpus: Corpus) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'green'"):
        export_pool(corpus, np.arange(10), "gren", 4, tmp_path / "pool")
    assert not (tmp_path / "pool").exists()
