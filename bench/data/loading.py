"""From what a user's YAML file says to a corpus: files found, columns read, labels made classes, test rows drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bench.data.corpus import Corpus, Split
from bench.data.division import divide
from bench.data.features import features_of
from bench.data.labels import REST, LabelColumn, class_numbers, label_column, merging, refuse_near_equal
from bench.data.reading import Writing, read_rows
from bench.data.tables import as_strings, refuse_missing
from bench.data.user import UserFile, read_user_file
from bench.errors import DataError, UnknownNameError, shortened
from bench.paths import expanded

Find = Callable[[str], list[Path]]
"""A path or pattern of a YAML file -> the files it means."""


@dataclass(frozen=True)
class _Part:
    """The rows of one file that are of use."""

    texts: pa.ChunkedArray
    labels: LabelColumn
    file: Path
    said: tuple[str, ...]
    origin: npt.NDArray[np.int64]
    rows: int


def load_user(
    path: Path, *, cache_dir: Path | None = None, follow_links: bool = False, built_in: bool = False
) -> Corpus:
    """Return the dataset that a YAML file describes.

    Args:
        path: the YAML file.
        cache_dir: where features that a function computes are kept; None: beside nothing, they are computed anew.
        follow_links: whether symbolic links may lead out of the file's folder.
        built_in: whether the file comes with the suite.

    Raises:
        DataError: whatever is wrong with the YAML file or the files it names.
    """
    user = read_user_file(path, built_in=built_in)
    if user.get and user.revision is None and (built_in or user.hub):
        raise DataError(
            f"{user.name} is not fetched by itself: {user.get}; then use a copy of {path}, beside the files if there "
            "are any, as --tasks COPY.yaml, under another name and without the field get"
        )
    find = _finder(path, user, follow_links=follow_links)
    parts = {"train": _parts(user, user.train, "train", find, path)}
    if user.test is not None:
        parts["test"] = _parts(user, user.test, "test", find, path)
    parts, classes = _with_classes(user, parts, path)
    if user.positive is not None and user.positive not in classes:
        raise DataError(f"{path}: positive: {UnknownNameError('class', user.positive, classes)}")
    sets: dict[tuple[int, ...], int] = {}
    splits = {name: _split(of_files, classes, sets) for name, of_files in parts.items()}
    notes = _notes(parts)
    label_sets = tuple(sets)
    several = any(part.labels.several for of_files in parts.values() for part in of_files)
    source = f"hub {user.hub}@{user.revision[:7]}" if user.hub and user.revision else f"user file {path}"
    whole = Corpus(
        user.name, tuple(classes), splits["train"], splits.get("test", splits["train"]), source,
        label_sets=label_sets if several else (), notes=notes,
    )  # fmt: skip
    refuse_alike(whole, whole.train, parts["train"][0].file if len(parts["train"]) == 1 else path)
    if user.test is None:
        train, test = divide(whole.train, float(user.test_fraction or 0.0), user.name, _strata(whole))
        whole = replace(whole, train=train, test=test)
    refuse_alike(whole, whole.train, f"{path} (train)")
    refuse_alike(whole, whole.test, f"{path} (test)")
    if user.features is None:
        return whole
    rows = sum(part.rows for part in parts["train"])
    return replace(whole, features=features_of(user.features, path, whole.train, rows, find, cache_dir))


def files_of(path: Path, *, follow_links: bool = False) -> list[Path]:
    """Return the YAML file of a dataset and the files on this machine that it names; of folders, all that is in them.

    Args:
        path: the YAML file.
        follow_links: whether symbolic links may lead out of its folder.

    Raises:
        DataError: as :func:`load_user` does.
    """
    user = read_user_file(path)
    if user.hub is not None:
        return [path]  # a commit does not change
    named = [*user.train, *(user.test or ())]
    if user.features is not None:
        named.append(user.features.rpartition(":")[0] or user.features)
    places = [place for one in named for place in _inside(path, one, path.parent, links=follow_links)]
    return [path, *(file for place in places for file in (place.rglob("*") if place.is_dir() else (place,)))]


def refuse_alike(corpus: Corpus, split: Split, where: object) -> None:
    """Raise :class:`DataError` if there is no class that some rows of a split are of and others are not."""
    if not len(split):
        raise DataError(f"{where} has no rows; two classes or more are needed")
    counts = corpus.rows_per_class(split)
    if not any(0 < count < len(split) for count in counts):
        named = [name for name, count in zip(corpus.label_names, counts, strict=True) if count]
        raise DataError(
            f"{where} has only rows of the class {named[0]!r}; two or more are needed"
            if named
            else f"{where} has no row of any class; two or more are needed"
        )


def _finder(path: Path, user: UserFile, *, follow_links: bool) -> Find:
    if user.hub is not None:
        from bench.data.hub import fetched

        folder = fetched(user.hub, str(user.revision), (*user.train, *(user.test or ())))
        return lambda given: _inside(path, given, folder, links=True)  # the Hub's cache is made of links
    return lambda given: _inside(path, given, path.parent, links=follow_links)


def _inside(path: Path, given: str, folder: Path, *, links: bool) -> list[Path]:
    """Return the files that a path or pattern of the YAML file means, below a folder, in the order of their names."""
    if not given.isprintable():
        raise DataError(f"{path}: {given!r} is no name of a file; give printable characters")
    place = expanded(given)
    root = folder.resolve()
    leaves = place.is_absolute() or not _joined(root, given).is_relative_to(root)
    if leaves:
        raise DataError(f"{path}: {given!r} leaves the folder of the YAML file; give a path inside it")
    found = [root / given]
    if not found[0].exists() and any(sign in given for sign in "*?["):
        found = sorted(root.glob(given))
        if not found:
            raise DataError(f"{path}: no file is called {given!r} in {folder}")
    for file in found:
        if not links and not file.resolve().is_relative_to(root):
            raise DataError(
                f"{path}: {given!r} is a link that leaves the folder of the YAML file; give a path inside it, or "
                "follow such links with --follow-links"
            )
    return found


def _joined(root: Path, given: str) -> Path:
    """Return a path below a folder with its ``..`` resolved by name, whatever links there are."""
    import os

    return Path(os.path.normpath(root / given))


def _parts(user: UserFile, given: Sequence[str], split: str, find: Find, path: Path) -> list[_Part]:
    files = [file for one in given for file in find(one)]
    if len(set(files)) < len(files):
        twice = next(file for file in files if files.count(file) > 1)
        raise DataError(f"{path}: {split} names {twice.name} twice; name each file once")
    return [_part(user, file, split) for file in files]


def _part(user: UserFile, file: Path, split: str) -> _Part:
    """Return the labelled rows of a file that have texts."""
    wanted = tuple(dict.fromkeys((*user.text, user.label)))
    rows = read_rows(file, wanted, Writing(user.encoding, user.separator), split=split)
    if rows.table.num_rows == 0:
        raise DataError(f"{file} has no rows")
    texts = _texts(user, rows.table, file)
    labels = label_column(
        rows.table[user.label], user.label, file,
        names=() if user.classes else rows.names, threshold=user.threshold, positive=user.positive or "positive",
        as_written=(*(user.classes or ()), *(label for own in user.labels.values() for label in own)),
    )  # fmt: skip
    said = list(rows.said)
    if lacking := int((~labels.labelled).sum()):
        said.append(f"left out for want of a label: {lacking:,} of {len(texts):,} rows of {file.name}")
    keep = labels.labelled & _with_text(user, texts, file, said)
    if not keep.all():
        texts, labels = texts.filter(pa.array(keep)), labels.kept(keep)
    if not len(texts):
        raise DataError(f"{file} has no row with a text and a label")
    return _Part(texts.fill_null(""), labels, file, tuple(said), np.flatnonzero(keep), len(keep))


def _texts(user: UserFile, table: pa.Table, file: Path) -> pa.ChunkedArray:
    """Return the texts, null where a row has none; of several columns, joined."""
    columns = [as_strings(table[name], name, file) for name in user.text]
    if len(columns) == 1:
        return columns[0]
    separator = pa.scalar("\n\n", pa.large_string())
    return pc.binary_join_element_wise(
        *(column.cast(pa.large_string()) for column in columns), separator, null_handling="skip"
    )


def _with_text(user: UserFile, texts: pa.ChunkedArray, file: Path, said: list[str]) -> npt.NDArray[np.bool_]:
    """Return which rows are kept for their texts; a missing text (null) is refused, unless empty ones are dropped."""
    if user.empty != "drop":
        refuse_missing(texts, " + ".join(user.text), file)
    empty = pc.equal(pc.utf8_trim_whitespace(texts.fill_null("")), "").combine_chunks()
    empties: npt.NDArray[np.bool_] = np.asarray(empty.to_numpy(zero_copy_only=False), dtype=bool)
    if not empties.any():
        return ~empties
    row, count = int(np.argmax(empties)) + 1, int(empties.sum())
    if user.empty == "refuse":
        raise DataError(f"{file}: row {row} has an empty text ({count} such rows, counted from 1); fill or remove them")
    if user.empty == "drop":
        said.append(f"left out for want of a text: {count:,} of {len(texts):,} rows of {file.name}")
        return ~empties
    return np.ones(len(empties), dtype=bool)


def _with_classes(
    user: UserFile, parts: dict[str, list[_Part]], path: Path
) -> tuple[dict[str, list[_Part]], tuple[str, ...]]:
    """Return the parts with their labels merged as declared, and the names of the classes."""
    columns = [part.labels for of_files in parts.values() for part in of_files]
    names = merging(user.labels, columns, path)
    merged = {
        name: [replace(part, labels=part.labels.renamed(names)) for part in of_files]
        for name, of_files in parts.items()
    }
    words = set().union(*(part.labels.used for of_files in merged.values() for part in of_files))
    classes = user.classes or ((REST, user.positive or "positive") if user.threshold is not None else in_order(words))
    if len(set(classes)) < len(classes):
        raise DataError(f"{path}: classes names a class twice: {shortened(classes)}")
    refuse_near_equal(words, (*(user.classes or ()), *user.labels), path)
    return merged, classes


def in_order(words: set[str]) -> tuple[str, ...]:
    """Return labels in order: by value if all are integers, else by name."""
    integers = all(word.removeprefix("-").isdecimal() for word in words)
    return tuple(sorted(words, key=int) if integers else sorted(words))


def _split(parts: Sequence[_Part], classes: Sequence[str], sets: dict[tuple[int, ...], int]) -> Split:
    labels = np.concatenate([class_numbers(part.labels, classes, sets, part.file) for part in parts])
    starts = np.cumsum([0, *(part.rows for part in parts)])
    origin = np.concatenate([part.origin + start for part, start in zip(parts, starts, strict=False)])
    kinds = {part.texts.type for part in parts}
    kind = kinds.pop() if len(kinds) == 1 else pa.large_string()
    texts = pa.chunked_array([chunk for part in parts for chunk in part.texts.cast(kind).chunks], kind)
    return Split(texts, labels, origin)


def _strata(corpus: Corpus) -> npt.NDArray[np.int64]:
    """Return (n,) what a random division keeps the shares of: classes; of several labels, the rarest of each row."""
    if not corpus.label_sets:
        return corpus.train.labels
    counts = corpus.rows_per_class(corpus.train)
    rarest = [min(own, key=lambda number: (counts[number], number), default=-1) for own in corpus.label_sets]
    return np.array(rarest, dtype=np.int64)[corpus.train.labels]


def _notes(parts: dict[str, list[_Part]]) -> tuple[str, ...]:
    """Return what was found out and left out, each line once."""
    return tuple(dict.fromkeys(line for of_files in parts.values() for part in of_files for line in part.said))
