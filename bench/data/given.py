"""Datasets given as texts and labels in memory: kept in the cache by their content, as a user's files would lie.

So whatever holds for these (checks, the seeded division into train and test rows) holds for them, and other processes
read them from there.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.data.corpus import Corpus, OwnVectors
from bench.data.features import checked
from bench.data.folders import cached_folder
from bench.data.loading import load_user
from bench.data.reading import first_line, require_columns
from bench.errors import DataError
from bench.paths import file_name

FOLDER = "given"
FILE = "dataset.yaml"
VECTORS = "features.npy"


def keep(
    name: str,
    train: tuple[Any, Any],
    test: float | tuple[Any, Any],
    columns: tuple[str, str],
    positive: str | None,
    cache_dir: Path,
    features: Any = None,
) -> tuple[Path, Corpus]:
    """Keep a dataset, unless it is kept already; return its YAML file, and the dataset as it is loaded from there.

    Args:
        name: of the dataset.
        train: (texts, labels), or (a DataFrame, None).
        test: the share of each class that becomes test rows; or such rows.
        columns: of texts and labels in a DataFrame.
        positive: the class that is made rare by default; None: each in turn.
        cache_dir: where it is kept.
        features: (n, f) vectors of the training texts, or a function of the list of texts that returns them.

    Raises:
        DataError: whatever is wrong with it; nothing is kept then.
    """
    tables = {"train": _table(*train, *columns, name)}
    if isinstance(test, tuple):
        tables["test"] = _table(*test, *columns, f"test of {name}")
    fraction = {} if isinstance(test, tuple) else {"test_fraction": test}
    vectors = None if features is None else _vectors(features, tables["train"], name)
    files = {part: f"{part}.parquet" for part in tables} | ({"features": VECTORS} if vectors else {})
    description = _yaml({"name": name, **fraction, "positive": positive, **files})
    digest = _digest(description + (vectors.digest if vectors else ""), tables)
    folder = cache_dir.resolve() / FOLDER / f"{file_name(name)}-{digest}"

    def build(there: Path) -> None:
        _write(there, description, tables)
        if vectors is not None:
            np.save(there / VECTORS, vectors.values, allow_pickle=False)
        try:
            load_user(there / FILE)  # whatever is wrong is found before it is kept
        except DataError as error:
            reason = str(error).replace(f"{there.resolve()}/", "").replace(f"{there}/", "").removeprefix(f"{FILE}: ")
            raise DataError(f"dataset {name!r}: {reason}") from None

    return folder / FILE, cached_folder(folder, build, lambda there: load_user(there / FILE))


def _vectors(features: Any, train: pa.Table, name: str) -> OwnVectors:
    where = f"dataset {name!r}: features"
    return checked(features(train["text"].to_pylist()) if callable(features) else features, train.num_rows, where)


def _table(texts: Any, labels: Any, text: str, label: str, name: str) -> pa.Table:
    """Return two columns, ``text`` and ``label``.

    Raises:
        DataError: if columns are missing, lengths differ, or values are of no one type.
    """
    if hasattr(texts, "columns"):
        if labels is not None:
            raise DataError(f"dataset {name!r}: a DataFrame holds its labels; leave labels out and name their column")
        require_columns(list(texts.columns), (text, label), f"dataset {name!r}")
        texts, labels = texts[text], texts[label]
    elif labels is None:
        raise DataError(f"dataset {name!r}: give labels, one for each text")
    columns = [_column(values, what, name) for values, what in ((texts, "texts"), (labels, "labels"))]
    if len(columns[0]) != len(columns[1]):
        raise DataError(f"dataset {name!r} has {len(columns[0])} texts and {len(columns[1])} labels; give one for each")
    return pa.table({"text": columns[0], "label": columns[1]})


def _column(values: Any, what: str, name: str) -> pa.Array:
    if isinstance(values, str):
        raise DataError(f"dataset {name!r}: {what} is one text; give a list of them")
    try:
        return pa.array(values if hasattr(values, "__array__") else list(values), from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"dataset {name!r}: {what} are not of one type: {first_line(error)}") from None


def _yaml(fields: dict[str, Any]) -> str:
    """Return fields as YAML; a string of JSON is one of YAML too."""
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items() if value is not None)


def _write(folder: Path, description: str, tables: dict[str, pa.Table]) -> None:
    for part, table in tables.items():
        pq.write_table(table, folder / f"{part}.parquet")
    (folder / "dataset.yaml").write_text(description, encoding="utf-8")


def _digest(description: str, tables: dict[str, pa.Table]) -> str:
    """Return what names the content: of the description and of every row."""
    sha = hashlib.sha256(description.encode())
    for table in tables.values():
        for column in table.columns:
            for value in column.to_pylist():
                raw = repr(value).encode("utf-8", "surrogatepass")
                sha.update(len(raw).to_bytes(4, "little") + raw)
    return sha.hexdigest()[:16]
