"""A user's own dataset: a YAML file that names its files, or those of a repository of the Hub, and its columns."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from bench.data.facts import DATASETS
from bench.errors import DataError, UnknownNameError
from bench.yaml12 import YamlError, misread, parse, quoting

_COMMIT = r"^[0-9a-f]{40}$"
NUMBERS = {"test_fraction", "threshold", "rows", "mean_tokens"}
"""Fields that hold numbers; all others hold words."""


def _as_list(value: object) -> object:
    """Read a single value as a list of one."""
    return value if isinstance(value, list | tuple) or value is None else (value,)


Listed = Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)]


class UserFile(BaseModel):
    """The content of a user's YAML file. Paths are relative to its folder and stay inside it."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    train: Listed
    """Files of rows (CSV, TSV, JSON lines, JSON, Parquet, Arrow; text also packed with gzip), patterns such as
    ``part-*.csv``, or a folder of ``save_to_disk``."""
    test: Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)] | None = None
    """The same for the test rows; or leave it out and give ``test_fraction``."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The share of each class's training rows that become test rows, by a seeded draw; equal texts stay together."""
    hub: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")] | None = None
    """A dataset's repository on the Hugging Face Hub, in which the files lie."""
    revision: Annotated[str, Field(pattern=_COMMIT)] | None = None
    """Its commit, 40 hex digits."""
    text: Listed = ("text",)
    """Column of the texts, or several columns (a title, an abstract), which are joined by a blank line."""
    label: str = "label"
    """Column of the labels: class names, integers, true and false, lists of these, or scores."""
    threshold: float | None = None
    """Labels are scores; rows at this value and above are positive."""
    labels: dict[str, Annotated[tuple[str, ...], BeforeValidator(_as_list)]] = Field(default_factory=dict)
    """Class -> the labels that mean it: spellings of one class, or several classes that are to be one."""
    classes: Annotated[tuple[str, ...], Field(min_length=2)] | None = None
    """Names of the classes; integer labels that are no names count as positions. Default: the labels."""
    positive: str | None = None
    """The class that is made rare if nothing else is asked for. Default: each in turn."""
    empty: Literal["keep", "drop", "refuse"] = "keep"
    """What becomes of rows whose text is empty or nothing but spaces. A missing text (null) is dropped with them, or
    refused."""
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """Between the cells of a text file. Default: what its header shows."""
    encoding: str | None = None
    """Of a text file. Default: UTF-8, or what it is else."""
    get: str = ""
    """How the files are had, where nothing fetches them."""
    features: str | None = None
    """Your own vectors of the training texts: a ``.npy`` file of a matrix, a row for each row of ``train``; or
    ``file.py:function``, which is given the texts."""
    about: str = ""
    """What the dataset is, in a line; likewise its licence, where it comes from, and whom to cite."""
    licence: str = ""
    source: str = ""
    citation: str = ""
    rows: dict[Literal["train", "test"], dict[str, int]] = Field(default_factory=dict)
    """Rows per class, where they are known before the files are there."""
    mean_tokens: float = 0.0

    @model_validator(mode="after")
    def _fits(self) -> UserFile:
        if (self.test is None) == (self.test_fraction is None):
            raise ValueError("give either test (a file) or test_fraction (between 0 and 1)")
        if self.revision is not None and self.hub is None:
            raise ValueError("revision is the commit of a repository of the Hub; name that as hub")
        if self.hub is not None and self.revision is None and not self.get:
            raise ValueError(
                f"hub needs the commit as revision, 40 hex digits; see https://huggingface.co/datasets/{self.hub}/commits"
            )
        if self.threshold is not None and (self.labels or self.classes):
            raise ValueError("threshold makes two classes of scores; leave labels and classes out")
        return self


def read_user_file(path: Path, *, built_in: bool = False) -> UserFile:
    """Return the validated content of a YAML file.

    Args:
        path: the file.
        built_in: whether it comes with the suite, and so owns its name.

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
        raise DataError(_said(path, error)) from None
    if user.name in DATASETS and not built_in:
        raise DataError(f"{path}: the name {user.name!r} is that of a built-in dataset; choose another")
    return user


def _said(path: Path, error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "[key]")
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "string_type":
        message += quoting(first["input"])
    return f"{path}: {where}: {message}" if where else f"{path}: {message}"


def _refuse_misread(path: Path, text: str) -> None:
    """Raise :class:`DataError` for a word, such as a class's name, that YAML does not keep as it is written."""
    for field, written, read, line in misread(text):
        if field not in NUMBERS:
            raise DataError(f'{path}: line {line}: {field} holds {written}{quoting(read)}: "{written}"')
