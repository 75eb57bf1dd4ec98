"""Files of rows, of whatever format, as Arrow tables. What is wrong is said with the file and the row, never its text.

A format is known by the end of the file's name, in any case of letters, with ``.gz`` after it where it is text. How a
text file is written (encoding, separator) is found out where it is not given, and said.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from bench.errors import DataError, UnknownNameError

SEPARATED = (".csv", ".tsv", ".tab")
JSON = (".jsonl", ".ndjson", ".json")
BINARY = (".parquet", ".arrow", ".feather")
SUFFIXES = (*SEPARATED, *JSON, *BINARY)
SEPARATORS = (",", "\t", ";", "|")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CHUNK = 1 << 20
_WORDS = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}


@dataclass(frozen=True)
class Writing:
    """How text files are written; None: to be found out."""

    encoding: str | None = None
    separator: str | None = None


@dataclass(frozen=True)
class FileColumns:
    """Columns of a file.

    Attributes:
        table: the columns asked for, in that order.
        names: of a label column of class numbers, where the file keeps the classes' names (Arrow, ``save_to_disk``).
        said: what was found out of the file, for people: its encoding, its separator.
    """

    table: pa.Table
    names: tuple[str, ...] = ()
    said: tuple[str, ...] = ()


@dataclass
class _Opened:
    """A text file: its content decoded as it is written, and what was found out."""

    path: Path
    encoding: str
    said: list[str] = field(default_factory=list)

    def open(self) -> IO[str]:
        raw: Any = gzip.open(self.path) if _packed(self.path) else self.path.open("rb")  # noqa: SIM115 - closed with its wrapper
        return io.TextIOWrapper(raw, encoding=self.encoding, newline="")


def read_rows(
    path: Path, columns: Sequence[str], writing: Writing | None = None, *, split: str = "train"
) -> FileColumns:
    """Return columns of a file of rows, or of a folder that ``save_to_disk`` of Hugging Face's datasets has written.

    In text with separators an empty cell is an empty text, and labels are read as they are written; ``NA`` is a word.

    Args:
        path: the file or folder.
        columns: which are wanted; the last one is that of the labels.
        writing: how a text file is written, where that is known.
        split: which of several splits of such a folder is meant.

    Raises:
        DataError: no such file, an unknown format, a damaged file, a missing or doubled column.
    """
    writing = writing or Writing()
    if path.is_dir():
        return _saved_to_disk(path, columns, split)
    if not path.is_file():
        raise DataError(f"no file {path}")
    kind = format_of(path)
    try:
        if kind in BINARY:
            rows = _read_parquet(path, columns) if kind == ".parquet" else _read_arrow(path, columns)
        else:
            opened = _opened(path, writing)
            rows = _read_separated(opened, columns, writing, kind) if kind in SEPARATED else _read_json(opened, columns)
        rows.table.validate(full=True)  # JSON lines and Parquet may hold strings that are not UTF-8
    except UnicodeError as error:
        raise DataError(f"{path} is not written in {_encoding_of(error)}; {_ENCODING_ADVICE}") from None
    except (pa.ArrowException, OSError, EOFError, ValueError, OverflowError, RecursionError) as error:
        raise DataError(f"{path} cannot be read: {_without_content(error)}; fetch or write it anew") from error
    return rows


_ENCODING_ADVICE = "set `encoding` in the YAML file, e.g. encoding: cp1252"


def format_of(path: Path) -> str:
    """Return the suffix that tells a file's format, in lower case, without ``.gz``.

    Raises:
        DataError: if it is none that can be read.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = suffixes[-1:] == [".gz"]
    kind = (suffixes[-2:-1] if packed else suffixes[-1:]) or [""]
    if kind[0] in SUFFIXES and not (packed and kind[0] in BINARY):
        return kind[0]
    given = "".join(suffixes[-2:] if packed else suffixes[-1:]) or "a file without suffix"
    raise DataError(
        f"{path}: cannot read {given}; use {', '.join(SUFFIXES)}, text also with .gz, or a folder of save_to_disk"
    )


def require_columns(columns: Sequence[str], wanted: Sequence[str], where: object) -> None:
    """Raise :class:`DataError` with the columns there are if a wanted one is missing, or is there twice."""
    times = Counter(columns)
    for name in wanted:
        if not times[name]:
            raise DataError(f"{where}: {UnknownNameError('column', name, times)}")
        if times[name] > 1:
            raise DataError(f"{where} has {times[name]} columns called {name!r}; rename or remove all but one")


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its type if it has none."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _without_content(error: BaseException) -> str:
    """Return why a file cannot be read, without what a parser may quote of it."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    line = first_line(error)
    return line if isinstance(error, OSError) or len(line) < 200 else f"{line[:80]} …"


def _packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


# Encodings ------------------------------------------------------------------------------------------------------------


def _opened(path: Path, writing: Writing) -> _Opened:
    """Return a text file with its encoding: the one that is given, or the first that it can be."""
    if writing.encoding is not None:
        try:
            codecs.lookup(writing.encoding)
        except LookupError:
            raise DataError(
                f"encoding {writing.encoding!r} is not known; give one such as utf-8, cp1252, utf-16"
            ) from None
        return _Opened(path, writing.encoding)
    with gzip.open(path) if _packed(path) else path.open("rb") as file:
        head = file.read(4096)
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return _Opened(path, encoding, [f"{path.name} is read as {encoding.upper()}"] if "16" in encoding else [])
    if head.count(0) > len(head) // 4:
        encoding = "utf-16-le" if head[1:2] == b"\0" else "utf-16-be"
        return _Opened(path, encoding, [f"{path.name} is read as {encoding.upper()}"])
    line = _first_line_not_in(path, "utf-8")
    if line is None:
        return _Opened(path, "utf-8")
    if _first_line_not_in(path, "cp1252") is not None:
        raise DataError(f"{path}: line {line} is not UTF-8, nor is the file Windows-1252 (cp1252); {_ENCODING_ADVICE}")
    said = f"{path.name} is read as Windows-1252 (line {line} is not UTF-8; say so with `encoding: cp1252`, or another)"
    return _Opened(path, "cp1252", [said])


def _first_line_not_in(path: Path, encoding: str) -> int | None:
    """Return the number, from 1, of the first line that cannot be decoded; None if all can."""
    decoder, lines = codecs.getincrementaldecoder(encoding)(), 1
    with gzip.open(path) if _packed(path) else path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return lines + error.object[: error.start].count(b"\n")
            if not chunk:
                return None
            lines += chunk.count(b"\n")


def _encoding_of(error: UnicodeError) -> str:
    return str(getattr(error, "encoding", "its encoding"))


# Formats --------------------------------------------------------------------------------------------------------------


def _read_separated(opened: _Opened, columns: Sequence[str], writing: Writing, kind: str) -> FileColumns:
    with opened.open() as file:
        lines = [line for line, _ in zip(file, range(20), strict=False)]  # a header may hold line breaks in quotes
    separator = writing.separator or _separator("".join(lines), columns, "," if kind == ".csv" else "\t")
    header = _header(lines, separator)
    said = [*opened.said]
    if separator != ("," if kind == ".csv" else "\t") and writing.separator is None:
        said.append(f"{opened.path.name} is separated by {_WORDS[separator]}")
    header = [name.lstrip("\ufeff") for name in header]
    try:
        require_columns(header, columns, opened.path)
    except DataError as error:
        if len(header) > 1 or writing.separator is not None:
            raise
        raise DataError(f"{error} Or set `separator` in the YAML file, e.g. separator: '|'.") from None
    return FileColumns(_parsed(opened, columns, separator), said=tuple(said))


def _header(lines: Iterable[str], separator: str) -> list[str]:
    """Return the names in the first row; none where there is no row to be read, which the caller says in its words."""
    try:
        return next(csv.reader(lines, delimiter=separator), [])
    except csv.Error:
        return []


def _separator(head: str, columns: Sequence[str], usual: str) -> str:
    """Return the separator under which a header has the wanted columns; the usual one if none does."""
    for separator in dict.fromkeys((usual, *SEPARATORS)):
        header = _header(io.StringIO(head), separator)
        if set(columns) <= {name.lstrip("\ufeff") for name in header}:
            return separator
    return usual


def _parsed(opened: _Opened, columns: Sequence[str], separator: str) -> pa.Table:
    wrong: list[pa.csv.InvalidRow] = []

    def note(row: pa.csv.InvalidRow) -> str:
        wrong.append(row)
        return "error"

    def parse(*, threads: bool) -> pa.Table:
        source = pa.input_stream(str(opened.path), compression="gzip" if _packed(opened.path) else None)
        return pyarrow.csv.read_csv(
            source,
            read_options=pyarrow.csv.ReadOptions(encoding=opened.encoding.removesuffix("-sig"), use_threads=threads),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=separator, newlines_in_values=True, invalid_row_handler=note
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), include_columns=list(columns), null_values=[]
            ),
        )

    try:
        return parse(threads=True)
    except pa.ArrowException:
        if not wrong:
            raise
        wrong.clear()
        try:
            parse(threads=False)  # one thread alone knows the row's number
        except pa.ArrowException as error:
            raise _ill_formed(opened.path, wrong[0], separator) from error
        raise


def _ill_formed(path: Path, row: pa.csv.InvalidRow, separator: str) -> DataError:
    at = f"row {row.number - 1}" if row.number else "a row"  # Arrow counts the header
    return DataError(
        f"{path}: {at} (counted from 1, below the header) has {row.actual_columns} cells, the header "
        f"{row.expected_columns}; put texts that hold {_WORDS.get(separator, repr(separator))} in double quotes, or "
        "set `separator` in the YAML file"
    )


def _read_json(opened: _Opened, columns: Sequence[str]) -> FileColumns:
    """Return columns of JSON lines, of an array of objects, or of an object of arrays.

    Arrow's own reader is faster, and crashes on some damaged files.
    """
    names: dict[str, None] = {}
    values: dict[str, list[Any]] = {column: [] for column in columns}
    for row in _json_rows(opened):
        names |= dict.fromkeys(row)
        for column in columns:
            values[column].append(row.get(column))
    require_columns(list(names), columns, opened.path)
    arrays = {column: as_array(found, column, opened.path) for column, found in values.items()}
    return FileColumns(pa.table(arrays), said=tuple(opened.said))


def _json_rows(opened: _Opened) -> Iterator[dict[str, Any]]:
    with opened.open() as file:
        start = next((line for line in file if not line.isspace()), "")
    if opened.path.name.lower().removesuffix(".gz").endswith(".json") and not _is_object(start):
        yield from _json_document(opened)
        return
    with opened.open() as file:
        for number, line in enumerate(file, start=1):
            if not line.isspace():
                try:
                    row = json.loads(line)
                except json.JSONDecodeError as error:
                    raise DataError(
                        f"{opened.path}: line {number} is no JSON object ({error.msg}, column {error.colno})"
                    ) from None
                yield _object(row, f"{opened.path}: line {number}")


def _is_object(line: str) -> bool:
    """Return whether a line is a JSON object by itself."""
    try:
        found = json.loads(line)
    except ValueError:
        return False
    return isinstance(found, dict) and not all(isinstance(value, list) for value in found.values())


def _json_document(opened: _Opened) -> Iterator[dict[str, Any]]:
    with opened.open() as file:
        content = json.load(file)
    if isinstance(content, dict) and content and all(isinstance(value, list) for value in content.values()):
        if len({len(value) for value in content.values()}) > 1:
            raise DataError(f"{opened.path}: its columns differ in length")
        yield from (dict(zip(content, row, strict=True)) for row in zip(*content.values(), strict=True))
    elif isinstance(content, list):
        for number, row in enumerate(content, start=1):
            yield _object(row, f"{opened.path}: row {number}")
    else:
        raise DataError(f"{opened.path} holds neither an array of objects nor an object of arrays; write JSON lines")


def _object(row: Any, where: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise DataError(f"{where} holds {type(row).__name__}, not an object")
    return row


def as_array(values: Sequence[Any], column: str, where: object) -> pa.Array:
    """Return plain values as an Arrow array; a message about them names types and the row, never a value.

    Raises:
        DataError: if they are of several types, or of none that a column may have.
    """
    kinds: dict[str, int] = {}
    for number, value in enumerate(values, start=1):
        if value is not None:
            kinds.setdefault("number" if type(value) in {int, float} else type(value).__name__, number)
    if len(kinds) > 1:
        (one, _), (other, row) = sorted(kinds.items(), key=lambda item: item[1])[:2]
        raise DataError(f"{where}: column {column!r} holds {one} and, in row {row}, {other}; give values of one type")
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, OverflowError):
        raise DataError(f"{where}: column {column!r} holds values that make no column; give words or numbers") from None


def _read_parquet(path: Path, columns: Sequence[str]) -> FileColumns:
    require_columns(pq.read_schema(path).names, columns, path)
    return FileColumns(pq.read_table(path, columns=list(columns), memory_map=True).select(list(columns)))


def _read_arrow(path: Path, columns: Sequence[str]) -> FileColumns:
    with pa.memory_map(str(path)) as source:
        try:
            table = pa.ipc.open_file(source).read_all()
        except pa.ArrowInvalid:
            source.seek(0)
            table = pa.ipc.open_stream(source).read_all()
    require_columns(table.column_names, columns, path)
    return FileColumns(table.select(list(columns)), _names_in(table.schema, columns[-1]))


def _names_in(schema: pa.Schema, label: str) -> tuple[str, ...]:
    """Return the names of classes that Hugging Face's datasets keep in a schema's metadata."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"][label]
    except (KeyError, ValueError, TypeError):
        return ()
    while isinstance(features, dict) and "feature" in features:  # of a list
        features = features["feature"]
    names = features.get("names", ()) if isinstance(features, dict) else ()
    return tuple(map(str, names))


def _saved_to_disk(folder: Path, columns: Sequence[str], split: str) -> FileColumns:
    """Return columns of a folder of ``save_to_disk``; of several splits, those of one."""
    if (folder / "dataset_dict.json").is_file():
        splits = [path.name for path in sorted(folder.iterdir()) if path.is_dir()]
        if split not in splits:
            raise DataError(
                f"{folder} has the splits {', '.join(splits)}, not {split!r}; name one: {folder.name}/SPLIT"
            )
        folder /= split
    if not (folder / "state.json").is_file():
        raise DataError(
            f"{folder} is a folder, and none that save_to_disk has written; name files, or a pattern of them"
        )
    from datasets import load_from_disk

    try:
        dataset = load_from_disk(str(folder))
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise DataError(f"{folder} cannot be read: {_without_content(error)}; write it anew") from error
    require_columns(dataset.column_names, columns, folder)
    table = dataset.select_columns(list(columns)).with_format("arrow")[:]  # follows a selection of rows, if it has one
    return FileColumns(table.select(list(columns)), _names_in(dataset.features.arrow_schema, columns[-1]))
