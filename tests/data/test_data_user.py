from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import yaml

from bench.data.corpus import Corpus
from bench.data.loading import load_user
from bench.data.user import read_user_file
from bench.errors import DataError
from bench.grid.world import World

ROWS = [("good, really", "pos"), ("bad\nline", "neg"), ('so "so"', "neg"), ("NA", "pos"), ("fine", "pos")] * 4


def write(folder: Path, name: str, texts: list[object], labels: list[object]) -> str:
    table = pa.table({"body": texts, "kind": labels})
    path = folder / name
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    return name


def dataset(folder: Path, **fields: object) -> Path:
    base = {"name": "mine", "train": "train.csv", "test": "test.csv", "text": "body", "label": "kind"}
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in {**base, **fields}.items() if v is not None}))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    texts, labels = zip(*ROWS, strict=True)
    for name in ("train.csv", "train.parquet", "train.jsonl", "test.csv"):
        write(tmp_path, name, list(texts), list(labels))
    return tmp_path


def test_the_format_does_not_matter(folder: Path) -> None:
    files = ("train.csv", "train.parquet", "train.jsonl")
    corpora = [load_user(dataset(folder, train=file)) for file in files]
    assert len({corpus.fingerprint for corpus in corpora}) == 1
    assert corpora[0].label_names == ("neg", "pos")
    assert list(zip(corpora[0].train.texts.to_pylist(), corpora[0].train.labels, strict=True)) == [
        (text, int(label == "pos")) for text, label in ROWS
    ]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_integer_labels_are_ordered_by_value_or_are_positions(tmp_path: Path, suffix: str) -> None:
    for split in ("train", "test"):
        write(tmp_path, f"{split}.{suffix}", [f"t{i}" for i in range(6)], [10, 9, 2, 10, 9, 2])
    files = {"train": f"train.{suffix}", "test": f"test.{suffix}"}
    assert load_user(dataset(tmp_path, **files)).label_names == ("2", "9", "10")
    by_name = load_user(dataset(tmp_path, **files, classes=[9, 10, 2]))
    assert by_name.train.labels.tolist() == [1, 0, 2] * 2
    write(tmp_path, f"train.{suffix}", ["a", "b", "c"], [1, 0, 1])
    write(tmp_path, f"test.{suffix}", ["d", "e"], [1, 0])
    by_position = load_user(dataset(tmp_path, **files, classes=["ham", "spam"]))
    assert by_position.label_names == ("ham", "spam")
    assert by_position.train.labels.tolist() == [1, 0, 1]


def split_texts(corpus: Corpus) -> list[list[str]]:
    return [corpus.train.texts.to_pylist(), corpus.test.texts.to_pylist()]


@pytest.mark.parametrize("fraction", [0.01, 0.25, 0.5])
def test_a_fraction_divides_each_class_by_a_seeded_draw(tmp_path: Path, fraction: float) -> None:
    texts, labels = [f"text {i}" for i in range(60)], ["a"] * 40 + ["b"] * 20
    write(tmp_path, "train.csv", texts, labels)
    path = dataset(tmp_path, test=None, test_fraction=fraction)
    corpus = load_user(path)
    assert sorted(text for texts in split_texts(corpus) for text in texts) == sorted(texts)
    assert np.bincount(corpus.test.labels).tolist() == [max(1, round(fraction * n)) for n in (40, 20)]
    assert split_texts(load_user(path)) == split_texts(corpus)
    renamed = load_user(dataset(tmp_path, test=None, test_fraction=fraction, name="other"))
    assert split_texts(renamed) != split_texts(corpus)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"txt": "body"}, "unknown field 'txt'.*Did you mean 'text'"),
        ({"text": "bodi"}, "unknown column 'bodi'.*Did you mean 'body'.*Known: body, kind"),
        ({"train": "trian.csv"}, "no file .*trian.csv"),
        ({"train": None}, "train: Field required"),
        ({"train": "../train.csv"}, "leaves the folder"),
        ({"train": "~/train.csv"}, "leaves the folder"),
        ({"train": "/etc/passwd"}, "leaves the folder"),
        ({"train": "mine.yaml"}, r"cannot read \.yaml"),
        ({"test": None}, "either test .* or test_fraction"),
        ({"test_fraction": 0.5}, "either test .* or test_fraction"),
        ({"test": None, "test_fraction": 1.5}, "test_fraction: .*less than 1"),
        ({"name": "ag_news"}, "built-in dataset"),
        ({"name": "a/b"}, "name: "),
        ({"classes": ["pos", "bad"]}, "row 2 .*unknown class 'neg'"),
        ({"classes": ["pos", "neg", "neg"]}, "names a class twice"),
        ({"positive": "poss"}, "unknown class 'poss'.*Did you mean 'pos'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(folder: Path, fields: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load_user(dataset(folder, **fields))
    assert "\n" not in str(caught.value)


def test_a_link_does_not_leave_the_folder_either(folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    (inner / "link.csv").symlink_to(folder / "train.csv")
    with pytest.raises(DataError, match="leaves the folder"):
        load_user(dataset(inner, train="link.csv", test=None, test_fraction=0.5))


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_rows_of_one_class_alone_are_refused(tmp_path: Path, suffix: str) -> None:
    write(tmp_path, f"train.{suffix}", ["a", "b", "c"], ["x", "x", "x"])
    write(tmp_path, f"test.{suffix}", ["a", "b"], ["x", "y"])
    with pytest.raises(DataError, match="only rows of the class 'x'"):
        load_user(dataset(tmp_path, train=f"train.{suffix}", test=f"test.{suffix}"))


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_a_missing_text_is_named_or_dropped_with_the_empty_ones(tmp_path: Path, suffix: str) -> None:
    write(tmp_path, f"train.{suffix}", ["a", None, " ", "d"], ["x", "y", "x", "y"])
    write(tmp_path, "test.csv", ["a", "b"], ["x", "y"])
    with pytest.raises(DataError, match="row 2 has no 'body'"):
        load_user(dataset(tmp_path, train=f"train.{suffix}"))
    kept = load_user(dataset(tmp_path, train=f"train.{suffix}", empty="drop"))
    assert kept.train.texts.to_pylist() == ["a", "d"]
    assert kept.train.origin.tolist() == [0, 3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name: [", "is not YAML"),
        (b"- a", "holds no fields"),
        (b"", "holds no fields"),
        (b"\xff\xfe", "cannot read"),
    ],
)
def test_a_file_that_is_no_mapping_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "mine.yaml").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_user_file(tmp_path / "mine.yaml")
    assert "\n" not in str(caught.value)


NAMES = "name: mine\ntrain: train.csv\ntest_fraction: 0.5\n"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("positive: true", 'line 4: positive holds true; YAML reads it as true or false: quote it: "true"'),
        ("label: a\npositive: 010", 'line 5: positive holds 010; YAML reads it as a number: quote it: "010"'),
        ("classes:\n- pos\n- 1e3", 'line 6: classes holds 1e3; YAML reads it as a number: quote it: "1e3"'),
        ("classes: [pos, ~]", "classes.1: Input should be a valid string; YAML reads it as no value: quote it"),
        ("train: x.csv", "mine.yaml is not YAML: 'train' is given twice in line 4"),
        ("tasks: [sst2]", "mine.yaml is a specification of a grid, not of a dataset: use it as `imbal-bench run "),
    ],
)
def test_a_word_that_yaml_reads_as_something_else_is_named_with_its_line(tmp_path, fields, message) -> None:
    (tmp_path / "mine.yaml").write_text(NAMES + fields)
    with pytest.raises(DataError) as caught:
        read_user_file(tmp_path / "mine.yaml")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("written", "read"),
    [("yes", "yes"), ("No", "No"), ("1:10", "1:10"), ("12", "12"), ("2026-01-01", "2026-01-01"), ("'010'", "010")],
)
def test_a_class_is_called_what_is_written(tmp_path, written, read) -> None:
    (tmp_path / "mine.yaml").write_text(f"{NAMES}positive: {written}\nclasses: [other, {written}]\n")
    found = read_user_file(tmp_path / "mine.yaml")
    assert (found.positive, found.classes) == (read, ("other", read))


@pytest.mark.parametrize("name", ["train.csv", "train.parquet", "train.jsonl"])
def test_a_damaged_file_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b'{"body": 1\x00\xff,,"\n,\n')
    with pytest.raises(DataError, match=name) as caught:
        load_user(dataset(folder, train=name))
    assert "\n" not in str(caught.value)


def change_labels(folder: Path) -> None:
    write(folder, "train.csv", [text for text, _ in ROWS], ["neg", "pos"] * (len(ROWS) // 2))


def change_test(folder: Path) -> None:
    write(folder, "test.csv", ["good", "bad", "fine"], ["pos", "neg", "neg"])


def change_vectors(folder: Path) -> None:
    np.save(folder / "vectors.npy", np.eye(len(ROWS)))


def change_fields(folder: Path) -> None:
    dataset(folder, name="another", features="vectors.npy")


@pytest.mark.parametrize("change", [change_labels, change_test, change_vectors, change_fields])
def test_a_dataset_is_loaded_once_and_anew_when_one_of_its_files_has_changed(folder: Path, change) -> None:
    """In a notebook, a file is mended between two calls; what the first call loaded is not what the second runs on."""
    np.save(folder / "vectors.npy", np.ones((len(ROWS), 3)))
    path, world = str(dataset(folder, features="vectors.npy")), World(None, folder / "cache")
    before = world.corpus(path)
    assert world.corpus(path) is before
    change(folder)
    assert world.corpus(path) is not before
