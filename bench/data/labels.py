"""Columns of labels, as people write them -> words, and from words to class numbers.

A label is a word, an integer, true or false, a list of these (several labels a row), or a score that a threshold turns
into one of two classes. A row without a label (null, an empty cell, NaN, or -1 beside named classes) is unlabelled.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bench.data.tables import as_strings
from bench.errors import DataError, UnknownNameError

REST = "rest"
"""The class of rows that a threshold, or no label of a list, makes positive."""
_LONGEST = 60
_BOOLEANS = ({"true", "false"}, {"True", "False"}, {"TRUE", "FALSE"})


@dataclass(frozen=True)
class LabelColumn:
    """The labels of n rows of a file.

    Attributes:
        words: the distinct labels, as written.
        codes: (k,) positions in ``words``. rows: (k,) of which row each is; ascending.
        labelled: (n,) whether a row has labels; a row of an empty list has none of them, and is labelled.
        several: whether a row may have several labels, or none.
    """

    words: tuple[str, ...]
    codes: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    labelled: npt.NDArray[np.bool_]
    several: bool = False

    def renamed(self, names: Mapping[str, str]) -> LabelColumn:
        """Return the same labels under other words, several of which may become one."""
        return replace(self, words=tuple(names.get(word, word) for word in self.words))

    def kept(self, rows: npt.NDArray[np.bool_]) -> LabelColumn:
        """Return the labels of some rows, renumbered."""
        inside = rows[self.rows]
        number = np.cumsum(rows) - 1
        return replace(self, codes=self.codes[inside], rows=number[self.rows[inside]], labelled=self.labelled[rows])

    @property
    def used(self) -> set[str]:
        """The words that rows have."""
        return {self.words[code] for code in np.unique(self.codes)}


def label_column(
    values: pa.ChunkedArray,
    column: str,
    where: object,
    *,
    names: Sequence[str] = (),
    threshold: float | None = None,
    positive: str = "positive",
    as_written: Iterable[str] = (),
) -> LabelColumn:
    """Return the labels of a column.

    Args:
        values: (n,) of any type a label may have.
        column: its name.
        where: its file, for messages.
        names: of the classes that integers are positions of; none: integers are words.
        threshold: of scores; at it and above a row is positive.
        positive: what rows at the threshold or above are called.
        as_written: classes that keep their spelling, though they look like true and false.

    Raises:
        DataError: for a column of another type, or a value (with its row) that is no label.
    """
    if threshold is not None:
        return _of_scores(_numbers(values, column, where), threshold, positive)
    kind = values.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _of_lists(values, column, where, names)
    words = _words(values, column, where, names)
    labelled = ~np.asarray(pc.is_null(words).combine_chunks().to_numpy(zero_copy_only=False), dtype=bool)
    encoded = pc.dictionary_encode(words.drop_null()).unify_dictionaries().combine_chunks()
    distinct = encoded.dictionary.to_pylist() if len(encoded) else []
    codes = np.asarray(encoded.indices, dtype=np.int64) if len(encoded) else np.empty(0, np.int64)
    found = LabelColumn(tuple(distinct), codes, np.flatnonzero(labelled), labelled)
    return found if set(distinct) & set(as_written) else _booleans(found)


def _booleans(column: LabelColumn) -> LabelColumn:
    """Return ``True`` and ``False`` as ``true`` and ``false``, which is what they are called in every other format."""
    if any(set(column.words) <= spelling for spelling in _BOOLEANS[1:]):
        return replace(column, words=tuple(word.lower() for word in column.words))
    return column


def _words(values: pa.ChunkedArray, column: str, where: object, names: Sequence[str]) -> pa.ChunkedArray:
    """Return labels as strings; null where there is none."""
    kind = values.type
    if pa.types.is_floating(kind):
        values = _integral(values, column, where)
        kind = values.type
    if pa.types.is_integer(kind):
        return _named(values, column, where, names) if names else values.cast(pa.string())
    if pa.types.is_boolean(kind):
        return values.cast(pa.string())
    if pa.types.is_null(kind):
        return values.cast(pa.string())
    words = as_strings(values, column, where)
    return pc.if_else(pc.equal(pc.utf8_trim_whitespace(words), ""), pa.scalar(None, words.type), words)


def _integral(values: pa.ChunkedArray, column: str, where: object) -> pa.ChunkedArray:
    """Return floats that are whole numbers as integers, as of a column of integers with gaps."""
    gaps = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    try:
        return gaps.cast(pa.int64())
    except pa.ArrowInvalid:
        raise DataError(
            f"{where}: column {column!r} holds scores (fractions), not classes; set `threshold`: rows at it and above "
            "are positive"
        ) from None


def _named(values: pa.ChunkedArray, column: str, where: object, names: Sequence[str]) -> pa.ChunkedArray:
    numbers = values.cast(pa.int64())
    wrong = pc.fill_null(pc.or_(pc.less(numbers, -1), pc.greater_equal(numbers, len(names))), fill_value=False)
    if pc.any(wrong).as_py():
        row = pc.index(wrong, pa.scalar(value=True)).as_py()
        raise DataError(
            f"{where}: row {row + 1} (counted from 1): {column!r} is no class number, 0 to {len(names) - 1}"
        )
    gaps = pc.if_else(pc.less(numbers, 0), pa.scalar(None, pa.int64()), numbers)
    return pc.take(pa.chunked_array([pa.array(names, pa.string())]), gaps)


def _numbers(values: pa.ChunkedArray, column: str, where: object) -> npt.NDArray[np.float64]:
    """Return scores, (n,), NaN where there is none."""
    kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return np.asarray(values.cast(pa.float64()).to_numpy(), dtype=np.float64)
    written = as_strings(values, column, where).to_pylist()
    found = np.full(len(written), np.nan)
    for row, text in enumerate(written):
        if text and not text.isspace():
            try:
                found[row] = float(text)
            except ValueError:
                raise DataError(
                    f"{where}: row {row + 1} (counted from 1): {column!r} is no number, which `threshold` asks for"
                ) from None
    return found


def _of_scores(scores: npt.NDArray[np.float64], threshold: float, positive: str) -> LabelColumn:
    labelled = ~np.isnan(scores)
    codes = (scores[labelled] >= threshold).astype(np.int64)
    return LabelColumn((REST, positive), codes, np.flatnonzero(labelled), labelled)


def _of_lists(values: pa.ChunkedArray, column: str, where: object, names: Sequence[str]) -> LabelColumn:
    lists = values.combine_chunks()
    if isinstance(lists, pa.ChunkedArray):
        lists = lists.chunk(0) if lists.num_chunks else pa.array([], values.type)
    labelled = np.asarray(pc.is_valid(lists).to_numpy(zero_copy_only=False), dtype=bool)
    rows = np.asarray(pc.list_parent_indices(lists), dtype=np.int64)
    inside = pa.chunked_array([pc.list_flatten(lists)])
    words = _words(inside, column, where, names)
    if words.null_count:
        row = rows[int(pc.index(pc.is_null(words), pa.scalar(value=True)).as_py())]
        raise DataError(f"{where}: row {row + 1} (counted from 1): a list of {column!r} holds an empty label")
    encoded = pc.dictionary_encode(words).unify_dictionaries().combine_chunks()
    distinct = encoded.dictionary.to_pylist() if len(encoded) else []
    codes = np.asarray(encoded.indices, dtype=np.int64) if len(encoded) else np.empty(0, np.int64)
    return LabelColumn(tuple(distinct), codes, rows, labelled, several=True)


def class_named(given: str, names: Sequence[str]) -> str | None:
    r"""Return the class that a word on a command line means; None if it means none, or several.

    Exactly that name, or the only one that is the same in another encoding of its accents, that is printed so (a tab as
    ``\t``), or that differs in spaces alone, which a command line may drop.
    """
    if given in names:
        return given
    for key in (_composed, lambda word: repr(_composed(word))[1:-1], lambda word: " ".join(_composed(word).split())):
        same = [name for name in names if given == key(name) or key(given) == key(name)]
        if len(same) == 1:
            return same[0]
    return None


def _composed(word: str) -> str:
    return unicodedata.normalize("NFC", word)


# From words to classes ------------------------------------------------------------------------------------------------


def merging(declared: Mapping[str, Sequence[str]], columns: Sequence[LabelColumn], where: object) -> dict[str, str]:
    """Return label -> class of a declaration ``class: [label, label]``.

    Raises:
        DataError: if a label stands under two classes, or no row has it.
    """
    found: dict[str, str] = {}
    there = set().union(*(column.used for column in columns))
    for name, labels in declared.items():
        for label in labels:
            if found.setdefault(label, name) != name:
                raise DataError(f"{where}: labels: {label!r} is under {found[label]!r} and {name!r}; leave it in one")
            if label not in there:
                raise DataError(f"{where}: labels: {UnknownNameError('label', label, there)}")
    return found


def near_equal(words: Iterable[str]) -> list[tuple[str, ...]]:
    """Return groups of labels that differ only in case, in spaces at their ends or between words, or in encoding."""
    groups: dict[str, list[str]] = {}
    for word in sorted(words):
        groups.setdefault(" ".join(unicodedata.normalize("NFKC", word).casefold().split()), []).append(word)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def refuse_near_equal(words: Iterable[str], declared: Iterable[str], where: object) -> None:
    """Raise :class:`DataError` for labels that are one class in several spellings, unless they are declared as classes.

    Raises:
        DataError: with what to write.
    """
    known = set(declared)
    for group in near_equal(words):
        if not set(group) <= known:
            listed = ", ".join(_quoted(word) for word in group)
            name = min(group, key=lambda word: (word != word.strip(), word != word.lower(), word))
            raise DataError(
                f"{where}: the labels {listed} look like one class in several spellings; merge them with "
                f"`labels: {{{_quoted(name)}: [{listed}]}}`, or name each under `classes` if they are several"
            )


def _quoted(word: str) -> str:
    shown = word if len(word) <= _LONGEST else f"{word[: _LONGEST - 1]}…"
    return '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'


def class_numbers(
    column: LabelColumn, classes: Sequence[str], sets: dict[tuple[int, ...], int], where: object
) -> npt.NDArray[np.int64]:
    """Return (n,) positions in ``classes`` of labelled rows; of rows with several labels, numbers of label sets.

    Integers that are no class names count as positions.

    Args:
        column: of labelled rows alone.
        classes: names.
        sets: set of class numbers -> its number; sets that are not in it are added.
        where: the file, for messages.

    Raises:
        DataError: for a label that is no class, with its row.
    """
    used, positions = column.used, [str(number) for number in range(len(classes))]
    by_position = bool(used) and not used & set(classes) and used <= set(positions)
    place = {name: number for number, name in enumerate(positions if by_position else classes)}
    of_word = np.array([place.get(word, -1) for word in column.words], dtype=np.int64)
    numbers = of_word[column.codes] if len(column.words) else np.empty(0, dtype=np.int64)
    if (numbers < 0).any():
        at = int(np.argmax(numbers < 0))
        unknown = UnknownNameError("class", column.words[column.codes[at]], classes)
        raise DataError(f"{where}: row {column.rows[at] + 1} (counted from 1): {unknown}")
    if not column.several:
        return numbers
    held: list[list[int]] = [[] for _ in range(len(column.labelled))]
    for row, number in zip(column.rows.tolist(), numbers.tolist(), strict=True):
        held[row].append(number)
    return np.array([sets.setdefault(tuple(sorted(set(own))), len(sets)) for own in held], dtype=np.int64)
