"""A user's own vectors of a dataset's training texts: from a file, or computed by a function of theirs and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench import seeds
from bench.data.corpus import OwnVectors, Split
from bench.data.folders import cached_folder
from bench.errors import DataError
from bench.foreign import foreign_code

FOLDER = "features"
_FILE = "features.npy"


def features_of(
    given: str, path: Path, train: Split, rows: int, find: Callable[[str], list[Path]], cache_dir: Path | None
) -> OwnVectors:
    """Return the vectors of the training texts.

    Args:
        given: a ``.npy`` file, or ``file.py:function``; what follows is said of the YAML file's fields.
        path: the YAML file, for messages.
        train: the split; its ``origin`` says which of the files' rows it holds.
        rows: of the files of ``train``, those that were left out included.
        find: finds files.
        cache_dir: where what a function returns is kept, by its content and that of the texts.

    Raises:
        DataError: unless there is one finite vector for each row.
    """
    file, colon, function = given.rpartition(":")
    if colon and file.endswith(".py"):
        return _computed(find(file)[0], function, path, train, cache_dir)
    if not given.lower().endswith(".npy"):
        raise DataError(f"{path}: features must name a .npy file, or file.py:function; {given!r} is neither")
    source = find(given)[0]
    try:
        values = np.load(source, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: features: {source} is no matrix of numpy.save: {error}") from None
    chosen = values if train.origin is None or values.ndim != 2 or len(values) != rows else values[train.origin]
    return checked(chosen, rows if chosen is values else len(train), f"{path}: features ({given})")


def checked(values: Any, rows: int, where: str) -> OwnVectors:
    """Return vectors as float32, if there is one of finite numbers for each row.

    Raises:
        DataError: if not.
    """
    array = np.asarray(values)
    if array.ndim != 2 or not array.shape[1] or array.dtype.kind not in "fiub":
        raise DataError(f"{where}: give a matrix of numbers, a row for each text; it is {array.dtype} {array.shape}")
    if len(array) != rows:
        raise DataError(f"{where}: {len(array)} rows for {rows} texts; give one for each row of train, in its order")
    vectors: npt.NDArray[np.float32] = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(vectors).all():
        row = int(np.argmin(np.isfinite(vectors).all(axis=1))) + 1
        raise DataError(f"{where}: row {row} (counted from 1) holds nan or infinity; give finite numbers")
    digest = hashlib.sha256(repr(vectors.shape).encode() + vectors.tobytes()).hexdigest()[:32]
    vectors.flags.writeable = False
    return OwnVectors(vectors, digest)


def _computed(file: Path, function: str, path: Path, train: Split, cache_dir: Path | None) -> OwnVectors:
    """Return what a function makes of the texts; kept under its file's content and the texts'."""
    if not file.is_file():
        raise DataError(f"{path}: features: no file {file}")
    where, content = f"{path}: features ({file.name}:{function})", file.read_bytes()

    def compute() -> OwnVectors:
        return checked(_call(file, content, function, train, where), len(train), where)

    if cache_dir is None:
        return compute()
    key = seeds.digest({"texts": train.fingerprint, "code": hashlib.sha256(content).hexdigest(), "function": function})

    def build(folder: Path) -> None:
        np.save(folder / _FILE, compute().values, allow_pickle=False)

    def load(folder: Path) -> OwnVectors:
        return checked(np.load(folder / _FILE, mmap_mode="r", allow_pickle=False), len(train), where)

    return cached_folder(cache_dir / FOLDER / key, build, load)


def _call(file: Path, content: bytes, function: str, train: Split, where: str) -> Any:
    names: dict[str, Any] = {"__name__": f"imbal_bench_features_{file.stem}", "__file__": str(file)}
    try:
        with foreign_code(f"{file.name}"):
            exec(compile(content, str(file), "exec"), names)  # noqa: S102 - the user's own file, named by the user
            found = names.get(function)
            values = found(train.texts.to_pylist()) if callable(found) else None
    except Exception as error:
        raise DataError(f"{where} failed: {type(error).__name__}: {' '.join(str(error).split())}") from error
    if not callable(found):
        raise DataError(f"{where}: {file.name} defines no function {function!r}")
    return values
