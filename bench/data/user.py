"""A user's own dataset: a YAML file that names its files and columns."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bench import seeds
from bench.data.corpus import Corpus, Split
from bench.data.facts import DATASETS
from bench.data.tables import (
    as_strings,
    checked_texts,
    numbers_by_name,
    read_table,
    refuse_missing,
    refuse_single_class,
)
from bench.errors import DataError, UnknownNameError
from bench.paths import expanded
from bench.yaml12 import YamlError, misread, parse, quoting


class UserFile(BaseModel):
    """The content of a user's YAML file. Paths are relative to its folder and stay inside it."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    train: str
    """CSV, JSON-lines or Parquet file."""
    test: str | None = None
    """The same for the test rows; or leave it out and give ``test_fraction``."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The share of each class's training rows that become test rows, by a seeded draw."""
    text: str = "text"
    """Column of the texts."""
    label: str = "label"
    """Column of the labels: class names, or integers."""
    classes: Annotated[tuple[str, ...], Field(min_length=2)] | None = None
    """Names of the classes; integer labels that are no names count as positions. Default: the labels."""
    positive: str | None = None
    """The class that is made rare if nothing else is asked for. Default: each in turn."""

    @model_validator(mode="after")
    def _one_test(self) -> UserFile:
        if (self.test is None) == (self.test_fraction is None):
            raise ValueError("give either test (a file) or test_fraction (between 0 and 1)")
        return self


def read_user_file(path: Path) -> UserFile:
    """Return the validated content of a YAML file.

    Raises:
        DataError: no such file, no YAML, an unknown field (with the nearest), a wrong value, a taken name.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = parse(text)
    except YamlError as error:
        raise DataError(f"{path} is not YAML: {error}") from None
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path}: {error}; give a YAML file in UTF-8") from None
    if not isinstance(content, dict):
        raise DataError(f"{path} holds no fields; at least name, train, and test or test_fraction are needed")
    if "tasks" in content:
        raise DataError(f"{path} is a specification of a grid, not of a dataset: use it as `imbal-bench run {path}`")
    for field in content:
        if field not in UserFile.model_fields:
            raise DataError(f"{path}: {UnknownNameError('field', str(field), UserFile.model_fields)}")
    _refuse_misread(path, text)
    try:
        user = UserFile.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "string_type":
            message += quoting(first["input"])
        raise DataError(f"{path}: {where}: {message}" if where else f"{path}: {message}") from None
    if user.name in DATASETS:
        raise DataError(f"{path}: the name {user.name!r} is that of a built-in dataset; choose another")
    return user


def _refuse_misread(path: Path, text: str) -> None:
    """Raise :class:`DataError` for a word, such as a class's name, that YAML does not keep as it is written."""
    for field, written, read, line in misread(text):
        if field != "test_fraction":
            raise DataError(f'{path}: line {line}: {field} holds {written}{quoting(read)}: "{written}"')


def load_user(path: Path) -> Corpus:
    """Return the dataset that a YAML file describes.

    Raises:
        DataError: whatever is wrong with the YAML file or the files it names.
    """
    user = read_user_file(path)
    train_file = _inside(path, user.train)
    texts, labels = _columns(user, train_file)
    classes = user.classes or _classes(labels)
    if len(set(classes)) < len(classes):
        raise DataError(f"{path}: classes names a class twice: {', '.join(classes)}")
    if user.positive is not None and user.positive not in classes:
        raise DataError(f"{path}: positive: {UnknownNameError('class', user.positive, classes)}")
    train = Split(texts, _numbers(labels, classes, user.label, train_file))
    refuse_single_class(train, classes, train_file)
    if user.test is not None:
        test_file = _inside(path, user.test)
        texts, labels = _columns(user, test_file)
        test = Split(texts, _numbers(labels, classes, user.label, test_file))
    else:
        train, test = _divide(train, float(user.test_fraction or 0.0), user.name)
    refuse_single_class(train, classes, f"{path} (train)")
    refuse_single_class(test, classes, f"{path} (test)")
    return Corpus(user.name, tuple(classes), train, test, f"user file {path}")


def _inside(path: Path, given: str) -> Path:
    """Return a path of the YAML file as a path below its folder, links followed."""
    folder = path.parent.resolve()
    if not given.isprintable():
        raise DataError(f"{path}: {given!r} is no name of a file; give printable characters")
    file = (folder / expanded(given)).resolve()
    if expanded(given).is_absolute() or not file.is_relative_to(folder):
        raise DataError(f"{path}: {given!r} leaves the folder of the YAML file; give a path inside it")
    return file


def _columns(user: UserFile, file: Path) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Return texts, and labels as strings."""
    table = read_table(file, user.text, user.label)
    texts, labels = checked_texts(table, user.text, file), table[user.label]
    refuse_missing(labels, user.label, file)
    if pa.types.is_integer(labels.type) or pa.types.is_boolean(labels.type):
        return texts, labels.cast(pa.string())
    return texts, as_strings(labels, user.label, file)


def _classes(labels: pa.ChunkedArray) -> tuple[str, ...]:
    """Return the labels there are: by value if all are integers, else by name."""
    names: list[str] = pc.unique(labels).to_pylist()
    return tuple(sorted(names, key=int) if all(_is_number(name) for name in names) else sorted(names))


def _numbers(labels: pa.ChunkedArray, classes: tuple[str, ...], column: str, file: Path) -> npt.NDArray[np.int64]:
    """Return positions in ``classes`` from names; or from numbers, if they are not names."""
    names = set(pc.unique(labels).to_pylist())
    positions = [str(number) for number in range(len(classes))]
    by_position = not names & set(classes) and names <= set(positions)
    return numbers_by_name(labels, positions if by_position else classes, column, file)


def _is_number(name: str) -> bool:
    return name.removeprefix("-").isdecimal()


def _divide(split: Split, fraction: float, name: str) -> tuple[Split, Split]:
    """Return (train, test): a seeded draw of ``fraction`` of each class's rows, at least one, is test."""
    generator = seeds.generator("split", dataset=name)
    is_test = np.zeros(len(split), dtype=bool)
    for number in np.unique(split.labels):
        rows = generator.permutation(np.flatnonzero(split.labels == number))
        is_test[rows[: max(1, round(fraction * len(rows)))]] = True
    return _part(split, ~is_test), _part(split, is_test)


def _part(split: Split, rows: npt.NDArray[Any]) -> Split:
    return Split(split.texts.filter(pa.array(rows)), split.labels[rows])
