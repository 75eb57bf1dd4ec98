"""Test labels: kept once for each test set of a task, so that metrics can be computed again without its data.

``labels/<test set>.<content>.npy`` is a boolean array (m,), True = positive. The first part of its name is a hash of
what identifies their rows: the data's fingerprint, the task and the limit on test rows; the second is a hash of
the file, against which it is checked.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench import seeds
from bench.arrays import Labels
from bench.errors import CorruptRecordError
from bench.records import RunRecord
from bench.store.codec import as_array
from bench.store.files import as_store_error, write_atomically
from bench.store.store import Store

FOLDER = "labels"


def keep(store: Store, record: RunRecord, labels: npt.NDArray[np.int64]) -> None:
    """Keep the test labels (m,) of a run, 1 = positive, unless they are there already."""
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(labels) == 1, allow_pickle=False)
    content = buffer.getvalue()
    path = store.path / FOLDER / f"{_name(record)}.{_hash(content)}.npy"
    if not path.exists():
        write_atomically(path, content)


def read(store: Store, record: RunRecord) -> Labels | None:
    """Return the test labels (m,) of a run, 1 = positive; None where none are kept.

    Raises:
        CorruptRecordError: if they are not what was written, or not as many as the run was evaluated on.
    """
    found = sorted((store.path / FOLDER).glob(f"{_name(record)}.*.npy"))
    if not found:
        return None
    if len(found) > 1:
        raise CorruptRecordError(
            f"{found[0]} and {found[1].name} are labels of the same test rows; remove the wrong one"
        )
    with as_store_error(f"read {found[0]}"):
        content = found[0].read_bytes()
    if _hash(content) != found[0].name.split(".")[1]:
        raise CorruptRecordError(f"{found[0]} does not match the hash in its name; remove it and run rescore")
    labels = as_array(content, found[0]).astype(np.int64)
    pool = record.pool
    if pool is None or (len(labels), int(labels.sum())) != (pool.test_rows, pool.test_positives):
        raise CorruptRecordError(f"{found[0]} has not as many rows and positives as {record.spec} was evaluated on")
    return labels


def add_all(into: Store, source: Store) -> None:
    """Add the test labels that another store keeps and this one lacks."""
    for path in files(source):
        own = into.path / FOLDER / path.name
        if not own.exists():
            with as_store_error(f"read {path}"):
                content = path.read_bytes()
            write_atomically(own, content)


def files(store: Store) -> list[Path]:
    """Return all files of test labels."""
    return sorted((store.path / FOLDER).glob("*.npy"))


def _name(record: RunRecord) -> str:
    run = record.spec
    what = [record.fingerprint, run.block.task.model_dump(), run.settings.pool.test_limit]
    return seeds.digest(what)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
