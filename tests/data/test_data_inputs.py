"""Whatever people keep their texts in: formats, encodings, separators, several files, labels of every kind."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bench import seeds
from bench.data.check import check
from bench.data.corpus import Corpus, split_of
from bench.data.division import divide
from bench.data.loading import load_user
from bench.errors import DataError

TEXTS = ["good, really", "bad\nline", 'so "so"', "NA", "fine; but", "tab\there"]
LABELS = ["pos", "neg", "neg", "pos", "pos", "neg"]


def csv_bytes(separator: str = ",", encoding: str = "utf-8", texts: list[str] = TEXTS, labels: list = LABELS) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=separator)
    writer.writerows([("text", "label"), *zip(texts, labels, strict=True)])
    return buffer.getvalue().encode(encoding)


def json_rows(labels: list = LABELS) -> list[dict]:
    return [{"text": text, "label": label} for text, label in zip(TEXTS, labels, strict=True)]


def arrow_bytes() -> bytes:
    table, sink = pa.table({"text": TEXTS, "label": LABELS}), pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def made(folder: Path, name: str = "rows.csv", content: bytes | None = None, **fields: object) -> Path:
    """Write a file of rows, and a YAML file whose train and test set it is, unless the fields say otherwise."""
    if content is not None:
        (folder / name).write_bytes(content)
    described = {"name": "mine", "train": name, "test": name, **fields}
    (folder / "mine.yaml").write_text(yaml.safe_dump({k: v for k, v in described.items() if v is not None}))
    return folder / "mine.yaml"


FORMATS: dict[str, Callable[[], bytes]] = {
    "rows.CSV": csv_bytes,
    "rows.tsv": lambda: csv_bytes("\t"),
    "rows.csv.gz": lambda: gzip.compress(csv_bytes()),
    "rows.tsv.GZ": lambda: gzip.compress(csv_bytes("\t")),
    "semicolons.csv": lambda: csv_bytes(";"),
    "bars.csv": lambda: csv_bytes("|"),
    "bom.csv": lambda: csv_bytes(encoding="utf-8-sig"),
    "utf16.csv": lambda: csv_bytes(encoding="utf-16"),
    "utf16le.tsv": lambda: csv_bytes("\t", encoding="utf-16-le"),
    "lines.jsonl": lambda: "".join(json.dumps(row) + "\n" for row in json_rows()).encode(),
    "lines.json": lambda: "".join(json.dumps(row) + "\n" for row in json_rows()).encode(),
    "lines.ndjson.gz": lambda: gzip.compress("".join(json.dumps(row) + "\n" for row in json_rows()).encode()),
    "array.json": lambda: json.dumps(json_rows(), indent=1).encode(),
    "columns.json": lambda: json.dumps({"text": TEXTS, "label": LABELS}).encode(),
    "table.arrow": arrow_bytes,
    "table.FEATHER": arrow_bytes,
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_holds_the_same(tmp_path: Path, name: str) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    expected = load_user(made(plain, content=csv_bytes()))
    assert load_user(made(tmp_path, name, FORMATS[name]())).fingerprint == expected.fingerprint


def test_folders_of_save_to_disk_keep_the_names_of_classes(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    labels = datasets.ClassLabel(names=["neg", "pos"])
    features = datasets.Features({"text": datasets.Value("string"), "label": labels})
    rows = {"text": TEXTS, "label": [int(label == "pos") for label in LABELS]}
    whole = datasets.Dataset.from_dict(rows, features=features)
    datasets.DatasetDict(train=whole, test=whole.select([0, 1])).save_to_disk(str(tmp_path / "disk"))
    both = load_user(made(tmp_path, "disk"))
    assert both.label_names == ("neg", "pos")
    assert (both.train.texts.to_pylist(), both.test.texts.to_pylist()) == (TEXTS, TEXTS[:2])
    assert load_user(made(tmp_path, "disk/test", test="disk/train")).train.texts.to_pylist() == TEXTS[:2]
    with pytest.raises(DataError, match="none that save_to_disk has written"):
        load_user(made(tmp_path, "."))


def test_several_files_and_patterns_are_read_one_after_the_other(tmp_path: Path) -> None:
    for number, half in enumerate((slice(0, 3), slice(3, 6))):
        (tmp_path / f"part-{number}.csv").write_bytes(csv_bytes(texts=TEXTS[half], labels=LABELS[half]))
    (tmp_path / "rows.csv").write_bytes(csv_bytes())
    whole = load_user(made(tmp_path)).fingerprint
    assert load_user(made(tmp_path, train="part-*.csv")).fingerprint == whole
    assert load_user(made(tmp_path, train=["part-0.csv", "part-1.csv"])).fingerprint == whole
    with pytest.raises(DataError, match=r"names part-0.csv twice"):
        load_user(made(tmp_path, train=["part-0.csv", "part-*.csv"]))
    with pytest.raises(DataError, match="no file is called"):
        load_user(made(tmp_path, train="nothing-*.csv"))
    with pytest.raises(DataError, match="leaves the folder"):
        load_user(made(tmp_path, train="../*.csv"))


def test_what_is_found_out_of_a_file_is_said_and_can_be_overridden(tmp_path: Path) -> None:
    texts = [f"{text} café" for text in TEXTS]
    guessed = load_user(made(tmp_path, content=csv_bytes(";", "cp1252", texts)))
    assert guessed.train.texts.to_pylist() == texts
    assert "Windows-1252" in guessed.notes[0]
    assert "semicolons" in guessed.notes[1]
    assert load_user(made(tmp_path, encoding="cp1252", separator=";")).notes == ()
    with pytest.raises(DataError, match="not written in ascii"):
        load_user(made(tmp_path, encoding="ascii"))
    with pytest.raises(DataError, match="encoding 'nonsense' is not known"):
        load_user(made(tmp_path, encoding="nonsense"))
    with pytest.raises(DataError, match="unknown column 'text'"):
        load_user(made(tmp_path, encoding="cp1252", separator=","))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"text,label\nok,x\nmy secret, is out,y\n", "row 2 .*has 3 cells, the header 2"),
        ("a.jsonl", b'{"text": "my secret", "label": "x"\n', "line 1 is no JSON object"),
        ("a.json", b'[{"text": "my secret" "label": 1}]', "Expecting ',' delimiter at line 1"),
        (
            "a.jsonl",
            b'{"text": "a", "label": "x"}\n{"text": 7, "label": "my secret"}\n',
            "holds str and, in row 2, number",
        ),
        (
            "a.jsonl",
            b'{"text": "a", "label": "x"}\n{"text": "b", "label": ["my secret"]}\n',
            "holds str and, in row 2, list",
        ),
        ("a.csv", b"text,label,text\na,x,my secret\n", "has 2 columns called 'text'"),
        ("a.parquet", b"my secret", "cannot be read"),
        ("a.csv.gz", b"my secret", "cannot be read"),
        ("a.txt", b"my secret", r"cannot read \.txt; use \.csv"),
        ("a.parquet.gz", b"my secret", r"cannot read \.parquet\.gz"),
    ],
)
def test_a_damaged_file_is_said_by_its_row_and_never_quoted(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load_user(made(tmp_path, name, content))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("spelling", [("True", "False"), ("TRUE", "FALSE"), (True, False)])
@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_true_and_false_are_the_same_in_every_format(tmp_path: Path, suffix: str, spelling: tuple) -> None:
    labels = [spelling[label == "neg"] for label in LABELS]
    lines = "".join(json.dumps(row) + "\n" for row in json_rows(labels)).encode()
    path = made(tmp_path, f"rows.{suffix}", csv_bytes(labels=labels) if suffix == "csv" else lines)
    assert load_user(path).label_names == ("false", "true")


def test_an_empty_text_is_the_same_in_every_format(tmp_path: Path) -> None:
    texts = ["", "  ", *TEXTS[2:]]
    (tmp_path / "rows.csv").write_bytes(csv_bytes(texts=texts))
    pq.write_table(pa.table({"text": texts, "label": LABELS}), tmp_path / "rows.parquet")
    for name in ("rows.csv", "rows.parquet"):
        assert load_user(made(tmp_path, name)).train.texts.to_pylist() == texts
        assert load_user(made(tmp_path, name, empty="drop")).train.texts.to_pylist() == TEXTS[2:]
        with pytest.raises(DataError, match=r"row 1 has an empty text \(2 such rows"):
            load_user(made(tmp_path, name, empty="refuse"))


def test_rows_without_a_label_are_left_out_and_told_of(tmp_path: Path) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in json_rows(["pos", None, "neg", None, "pos", "neg"])).encode()
    for name, content in (("a.csv", csv_bytes(labels=["pos", "", "neg", " ", "pos", "neg"])), ("a.jsonl", lines)):
        corpus = load_user(made(tmp_path, name, content, test=None, test_fraction=0.5))
        assert len(corpus.train) + len(corpus.test) == 4
        assert not {TEXTS[1], TEXTS[3]} & {*corpus.train.texts.to_pylist(), *corpus.test.texts.to_pylist()}
        assert corpus.notes[0] == f"left out for want of a label: 2 of 6 rows of {name}"


def test_a_row_of_several_labels_is_positive_for_each_of_them(tmp_path: Path) -> None:
    labels = [["joy", "love"], [], ["anger"], ["joy"], ["love", "joy"], []]
    lines = "".join(json.dumps(row) + "\n" for row in json_rows(labels)).encode()
    corpus = load_user(made(tmp_path, "rows.jsonl", lines))
    assert corpus.label_names == ("anger", "joy", "love")
    assert corpus.is_of(corpus.train, "joy").tolist() == ["joy" in own for own in labels]
    assert corpus.rows_per_class(corpus.train) == (1, 3, 2)


def test_scores_become_two_classes_at_a_threshold(tmp_path: Path) -> None:
    content = csv_bytes(labels=[0.1, 0.5, 0.49, 1, 0, ""])
    corpus = load_user(made(tmp_path, content=content, threshold=0.5, positive="toxic"))
    assert corpus.label_names == ("rest", "toxic")
    assert corpus.train.labels.tolist() == [0, 1, 0, 1, 0]
    with pytest.raises(DataError, match=r"row 3 .*is no number"):
        load_user(made(tmp_path, content=csv_bytes(labels=[1, 2, "x", 4, 5, 6]), threshold=0.5))


def test_spellings_of_one_class_are_refused_or_merged_as_declared(tmp_path: Path) -> None:
    content = csv_bytes(labels=["spam", "SPAM", "spam ", "ham", "eggs", "ham"])
    with pytest.raises(DataError, match=r'labels: \{"spam": \["SPAM", "spam", "spam "\]\}'):
        load_user(made(tmp_path, content=content))
    merged = load_user(made(tmp_path, labels={"spam": ["spam", "SPAM", "spam "]}))
    assert merged.label_names == ("eggs", "ham", "spam")
    assert merged.rows_per_class(merged.train) == (1, 2, 3)
    apart = load_user(made(tmp_path, classes=["spam", "SPAM", "spam ", "ham", "eggs"]))
    assert apart.rows_per_class(apart.train) == (1, 1, 1, 2, 1)
    one_positive = load_user(made(tmp_path, labels={"bad": ["spam", "SPAM", "spam ", "eggs"]}, positive="bad"))
    assert one_positive.rows_per_class(one_positive.train) == (4, 2)
    for labels, message in (
        ({"bad": ["sam"]}, "unknown label 'sam'"),
        ({"a": "ham", "b": "ham"}, "is under 'a' and 'b'"),
    ):
        with pytest.raises(DataError, match=message):
            load_user(made(tmp_path, labels=labels, classes=["spam", "SPAM", "spam ", "ham", "eggs", "bad"]))


@pytest.mark.parametrize("written", ["{true: [a]}", "{x: [010, a]}"])
def test_a_word_that_yaml_changes_is_named_wherever_it_stands(tmp_path: Path, written: str) -> None:
    path = made(tmp_path, content=csv_bytes())
    path.write_text(path.read_text() + f"labels: {written}\n")
    with pytest.raises(DataError, match="quote it"):
        load_user(path)


def test_a_dataset_of_the_hub_is_pinned_to_a_commit(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"hub needs the commit as revision, 40 hex digits"):
        load_user(made(tmp_path, hub="google/civil_comments"))
    with pytest.raises(DataError, match="revision is the commit of a repository"):
        load_user(made(tmp_path, revision="0" * 40))
    with pytest.raises(DataError, match="from the Hugging Face Hub"):
        load_user(made(tmp_path, hub="google/civil_comments", revision="0" * 40))  # no test may reach the network


def test_links_leave_the_folder_only_if_they_are_to_be_followed(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "rows.csv").write_bytes(csv_bytes())
    (inner / "link.csv").symlink_to(tmp_path / "rows.csv")
    path = made(inner, "link.csv")
    with pytest.raises(DataError, match="--follow-links"):
        load_user(path)
    assert load_user(path, follow_links=True).train.texts.to_pylist() == TEXTS


# Division and check ---------------------------------------------------------------------------------------------------


@given(
    rows=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2)), min_size=6, max_size=60),
    fraction=st.floats(0.05, 0.9),
)
def test_equal_texts_are_never_on_both_sides(rows: list[tuple[int, int]], fraction: float) -> None:
    """Whatever repeats, under whatever labels; and spaces at the ends do not make another text."""
    split = split_of(
        [f"text {text}" + " " * (at % 2) for at, (text, _) in enumerate(rows)], [label for _, label in rows]
    )
    train, test = divide(split, fraction, "mine", split.labels)
    assert len(train) + len(test) == len(split)
    assert not {it.strip() for it in train.texts.to_pylist()} & {it.strip() for it in test.texts.to_pylist()}
    assert sorted([*train.origin, *test.origin]) == list(range(len(split)))


def test_a_division_without_repeated_texts_is_what_it_was() -> None:
    """Results that are stored keep their names: the draw of each class is the seeded one of earlier versions."""
    split = split_of([f"text {at}" for at in range(20)], np.arange(20) % 2)
    generator = seeds.generator("split", dataset="mine")
    drawn = [generator.permutation(np.flatnonzero(split.labels == number))[:3] for number in (0, 1)]
    assert divide(split, 0.3, "mine", split.labels)[1].origin.tolist() == sorted(np.concatenate(drawn).tolist())


def test_a_check_counts_what_would_mislead() -> None:
    train = split_of(["a", "a ", "b", "c", "", "d"], [0, 1, 0, 1, 0, 1])
    test = split_of(["a", "x", "x", "  "], [0, 1, 0, 1])
    found = check(Corpus("mine", ("spam", "Spam"), train, test, "made up"))
    assert (found.repeated, found.repeated_in_test, found.leaked, found.contradictory) == (1, 1, 2, 2)
    assert (found.empty, found.alike) == ((1, 1), (("Spam", "spam"),))
    assert [count.train for count in found.classes] == [3, 3]
    assert found.findings[0] == "2 of 4 test texts also in train"
    clean = Corpus("mine", ("x", "y"), split_of(["a", "b"], [0, 1]), split_of(["c", "d"], [0, 1]), "made up")
    assert check(clean).findings == ()
