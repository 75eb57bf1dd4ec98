from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.corpus import Corpus, Split, split_of
from bench.data.mirror import read_mirror, write_mirror
from bench.errors import DataError

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@st.composite
def corpora(draw: st.DrawFn) -> Corpus:
    classes = draw(st.integers(2, 4))
    splits = []
    for _ in range(2):
        texts = draw(st.lists(TEXTS, min_size=2, max_size=12))
        labels = draw(st.lists(st.integers(0, classes - 1), min_size=len(texts), max_size=len(texts)))
        splits.append(split_of(texts, [0, 1, *labels[2:]]))
    return Corpus("any", tuple(f"class {i}" for i in range(classes)), *splits, "drawn")


@given(corpora())
def test_what_is_written_is_what_is_read(tmp_path_factory, corpus: Corpus) -> None:
    folder = tmp_path_factory.mktemp("mirror")
    write_mirror(corpus, folder)
    again = read_mirror(folder)
    assert again.fingerprint == corpus.fingerprint
    assert again.label_names == corpus.label_names
    assert again.train.texts.to_pylist() == corpus.train.texts.to_pylist()
    np.testing.assert_array_equal(again.test.labels, corpus.test.labels)


@given(st.lists(TEXTS, min_size=1, max_size=12), st.integers(1, 12), st.booleans())
def test_the_fingerprint_sees_content_not_chunks_or_width(texts: list[str], cut: int, large: bool) -> None:
    labels = np.zeros(len(texts), dtype=np.int64)
    kind = pa.large_string() if large else pa.string()
    chunked = pa.chunked_array([pa.array(texts[:cut], kind), pa.array(texts[cut:], kind)])
    whole = split_of(texts, labels)
    assert Split(chunked, labels).fingerprint == whole.fingerprint
    assert [text for batch in Split(chunked, labels).batches(5) for text in batch] == texts
    assert split_of([*texts[:-1], texts[-1] + "x"], labels).fingerprint != whole.fingerprint


@pytest.fixture
def mirror(tmp_path: Path, corpus: Corpus) -> Path:
    write_mirror(corpus, tmp_path)
    return tmp_path


def rewrite(mirror: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    pq.write_table(change(pq.read_table(mirror / "train.parquet")), mirror / "train.parquet")


def with_label(labels: list[object], kind: pa.DataType) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        rest = table["label"].to_pylist()[len(labels) :]
        return table.set_column(1, "label", pa.array([*labels, *rest], kind))

    return change


def with_null_text(table: pa.Table) -> pa.Table:
    return table.set_column(0, "text", pa.array([None if i == 4 else "t" for i in range(len(table))]))


DAMAGE = {
    "no such column": (lambda table: table.rename_columns(["txt", "label"]), r"unknown column 'text'.*'txt'"),
    "text of another type": (
        lambda table: table.set_column(0, "text", table["label"]),
        "holds int64, not text",
    ),
    "label of another type": (lambda table: table.set_column(1, "label", table["text"]), "not class numbers"),
    "missing text": (with_null_text, "row 5 has no 'text'"),
    "missing label": (with_label([0, None], pa.int64()), "row 2 has no 'label'"),
    "label too large": (with_label([0, 1, 3], pa.int64()), r"row 3 .* has label 3; allowed are 0 to 2"),
    "label negative": (with_label([-1], pa.int64()), "row 1 .* has label -1"),
    "empty": (lambda table: table.slice(0, 0), "has no rows"),
    "one class": (with_label([0] * 40, pa.int64()), "only rows of the class 'red'"),
    "rows lost": (lambda table: table.slice(1), "has 39 rows, its info.json says 40"),
    "labels swapped": (with_label([2, 2], pa.int64()), "rows per label"),
    "text changed": (
        lambda table: table.set_column(0, "text", pa.array(["x"] * len(table))),
        "the content its info.json names",
    ),
}


@pytest.mark.parametrize(("change", "message"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_named_in_one_line(mirror: Path, change, message: str) -> None:
    rewrite(mirror, change)
    with pytest.raises(DataError, match=message) as caught:
        read_mirror(mirror)
    assert str(mirror) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_cut_short_is_named(mirror: Path) -> None:
    path = mirror / "test.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"test\.parquet cannot be read"):
        read_mirror(mirror)


def test_a_missing_file_is_named(mirror: Path) -> None:
    (mirror / "test.parquet").unlink()
    with pytest.raises(DataError, match=r"no file .*test\.parquet"):
        read_mirror(mirror)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ["red"]}, "labels"),
        ({"labels": ["red", "red", "blue"]}, "names a class twice"),
        ({"splits": {"train": {"rows": 40}}}, "nothing of the split 'test'"),
        ({"splits": {"train": {"rows": "many"}}}, r"splits\.train\.rows"),
    ],
)
def test_a_wrong_info_is_named(mirror: Path, change: dict[str, object], message: str) -> None:
    path = mirror / "info.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(DataError, match=message):
        read_mirror(mirror)


def test_an_info_that_is_no_json_is_named(mirror: Path) -> None:
    (mirror / "info.json").write_text("{")
    with pytest.raises(DataError, match=r"info\.json does not describe a mirror"):
        read_mirror(mirror)


@pytest.mark.real
@pytest.mark.parametrize("name", ["ag_news", "dbpedia_14", "sst2", "pubmed_20k_rct"])
def test_the_real_mirror_is_sound(name: str, data_dir: Path) -> None:
    corpus = read_mirror(data_dir / name)
    assert set(np.unique(corpus.train.labels)) == set(range(len(corpus.label_names)))
