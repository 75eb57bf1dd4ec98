"""Columns of a file -> texts and class numbers, checked. Whatever is wrong is said with the file, column and row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bench.data.corpus import Split
from bench.errors import DataError, UnknownNameError


def checked_texts(table: pa.Table, column: str, where: object) -> pa.ChunkedArray:
    """Return a column of texts as Arrow strings.

    Raises:
        DataError: a table without rows, a column of another type, or a missing text (with its row).
    """
    if table.num_rows == 0:
        raise DataError(f"{where} has no rows")
    texts = as_strings(table[column], column, where)
    refuse_missing(texts, column, where)
    return texts


def as_strings(values: pa.ChunkedArray, column: str, where: object) -> pa.ChunkedArray:
    """Return a column as Arrow strings (``string`` or ``large_string``); other types than strings raise."""
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return values
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return values.cast(pa.large_string())
    raise DataError(f"{where}: column {column!r} holds {values.type}, not text")


def refuse_missing(values: pa.ChunkedArray, column: str, where: object) -> None:
    """Raise :class:`DataError` with the row of the first missing value."""
    if values.null_count:
        row = _first_row(pc.is_null(values))
        raise DataError(
            f"{where}: row {row} has no {column!r} ({values.null_count} missing, rows counted from 1); "
            "fill or remove such rows"
        )


def _first_row(wrong: pa.ChunkedArray) -> int:
    """Return the number, counted from 1, of the first true row."""
    return int(pc.index(wrong, pa.scalar(value=True)).as_py()) + 1


def checked_numbers(values: pa.ChunkedArray, column: str, classes: int, where: object) -> npt.NDArray[np.int64]:
    """Return (n,) class numbers from an integer column.

    Raises:
        DataError: a column of another type, a missing label, or one outside 0 .. classes - 1 (with its row).
    """
    if not pa.types.is_integer(values.type):
        raise DataError(f"{where}: column {column!r} holds {values.type}, not class numbers (int64)")
    refuse_missing(values, column, where)
    numbers: npt.NDArray[np.int64] = values.to_numpy().astype(np.int64)
    wrong = np.flatnonzero((numbers < 0) | (numbers >= classes))
    if len(wrong):
        row = wrong[0]
        raise DataError(
            f"{where}: row {row + 1} (counted from 1) has label {numbers[row]}; allowed are 0 to {classes - 1}"
        )
    return numbers


def numbers_by_name(labels: pa.ChunkedArray, names: Sequence[str], column: str, where: object) -> npt.NDArray[np.int64]:
    """Return (n,) positions in ``names`` from a column of class names.

    Raises:
        DataError: a column of another type, a missing label, or one that is no class (with its row).
    """
    labels = as_strings(labels, column, where)
    refuse_missing(labels, column, where)
    numbers = pc.index_in(labels, value_set=pa.array(names, labels.type))
    if numbers.null_count:
        row = _first_row(pc.is_null(numbers))
        unknown = UnknownNameError("class", labels[row - 1].as_py(), names)
        raise DataError(f"{where}: row {row} (counted from 1): {unknown}")
    found: npt.NDArray[np.int64] = numbers.to_numpy().astype(np.int64)
    return found


def refuse_single_class(split: Split, names: Sequence[str], where: object) -> None:
    """Raise :class:`DataError` if all rows of a split are of one class, or there are none."""
    present = np.unique(split.labels)
    if not len(present):
        raise DataError(f"{where} has no rows; two classes or more are needed")
    if len(present) < 2:
        raise DataError(f"{where} has only rows of the class {names[present[0]]!r}; two or more are needed")
