"""The local mirror: one folder per dataset, with the texts and labels of both splits and what they should be.

Layout::

    <data_dir>/<dataset>/train.parquet   columns text (string), label (int64: a position in "labels")
    <data_dir>/<dataset>/test.parquet    the same
    <data_dir>/<dataset>/info.json       {"labels": ["World", ...], "splits": {"train": SPLIT, "test": SPLIT}}
                                         with SPLIT = {"rows": 120000, "per_label": [30000, ...]}

``info.json`` may also carry the corpus's ``fingerprint``, which is then checked, and any other fact.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.data.corpus import Corpus, Split
from bench.data.mirror_info import MirrorInfo, read_info
from bench.data.reading import read_rows
from bench.data.tables import checked_numbers, checked_texts, refuse_single_class
from bench.errors import DataError, shortened

_ROW_GROUP = 16_384  # rows; small enough to be read in pieces


def read_mirror(folder: Path) -> Corpus:
    """Return a mirrored dataset, named after its folder, after checking it against its ``info.json``.

    Raises:
        DataError: a file is missing or damaged, or its rows, labels, counts or fingerprint are wrong.
    """
    info = read_info(folder)
    train, test = (_read_split(folder / f"{split}.parquet", info, split) for split in ("train", "test"))
    corpus = Corpus(folder.name, info.labels, train, test, f"mirror {folder}")
    if info.fingerprint not in (None, corpus.fingerprint):
        raise DataError(f"{folder} does not hold the content its info.json names by fingerprint; export it anew")
    return corpus


def write_mirror(corpus: Corpus, folder: Path, facts: Mapping[str, object] | None = None) -> None:
    """Write a corpus into an existing folder; ``facts`` are added to ``info.json``.

    The content is kept exactly: what is read back has the same fingerprint.
    """
    splits = {"train": corpus.train, "test": corpus.test}
    for name, split in splits.items():
        table = pa.table({"text": split.texts, "label": split.labels})
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd", row_group_size=_ROW_GROUP)
    counts = {
        name: {"rows": len(split), "per_label": _per_label(split, len(corpus.label_names))}
        for name, split in splits.items()
    }
    info = {
        **(facts or {}),
        "labels": corpus.label_names,
        "splits": counts,
        "fingerprint": corpus.fingerprint,
    }
    (folder / "info.json").write_text(json.dumps(info, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _read_split(path: Path, info: MirrorInfo, name: str) -> Split:
    table = read_rows(path, ("text", "label")).table
    texts = checked_texts(table, "text", path)
    split = Split(texts, checked_numbers(table["label"], "label", len(info.labels), path))
    refuse_single_class(split, info.labels, path)
    expected = info.splits[name]
    if len(split) != expected.rows:
        raise DataError(f"{path} has {len(split)} rows, its info.json says {expected.rows}; copy it anew")
    per_label = _per_label(split, len(info.labels))
    if expected.per_label is not None and list(expected.per_label) != per_label:
        raise DataError(
            f"{path} has {shortened(per_label)} rows per label, its info.json says {shortened(expected.per_label)}; "
            "copy it anew"
        )
    return split


def _per_label(split: Split, classes: int) -> list[int]:
    counts: list[int] = np.bincount(split.labels, minlength=classes).tolist()
    return counts
