"""Replicates: results that other machines had of runs that a store has, held against its own.

They show what another device, precision, number of threads or version changes in a result. A run's *result* is its test
probabilities, and all of its record but what was measured of the machine (provenance, seconds, rows passed and memory)
and the excerpt of the probabilities that it carries.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from bench.errors import CorruptRecordError
from bench.records import RunRecord
from bench.store.codec import decode_probabilities, decode_record
from bench.store.files import as_store_error, write_atomically
from bench.store.store import Store

TOLERANCE = 1e-3
"""Of a probability; what bf16's eight bits move it by."""
_OF_THE_MACHINE: Any = {
    "provenance": True,
    "seconds": True,
    "control": True,
    "sha256": True,
    "rounds": {"__all__": {"seconds", "rows", "peak_memory_mb"}},
}
Degree = Literal["bit for bit", "within tolerance", "same picks", "other picks", "other facts"]


@dataclass(frozen=True)
class Result:
    """A run's record and its (rounds + 1, n_test) test probabilities."""

    record: RunRecord
    probabilities: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Agreement:
    """How far two results of one run agree.

    Attributes:
        degree: bit for bit; the same rows picked in every round and all test probabilities within :data:`TOLERANCE`, or
            not; other rows picked; or unlike in what no machine should change (pool, start set, pair_key ...).
        difference: the largest of two probabilities of one test row; NaN if they are not of the same rows.
        fields: of the record that differ.
    """

    degree: Degree
    difference: float
    fields: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.degree}, test probabilities up to {self.difference:.2g} apart; unlike: {', '.join(self.fields)}"


def compare(first: Result, second: Result) -> Agreement:
    """Return how far two results of one run agree."""
    both = _with_common_metrics(first.record.without_texts(), second.record.without_texts())
    left, right = (record.model_dump(mode="json", exclude=_OF_THE_MACHINE) for record in both)
    fields = tuple(name for name in left if repr(left[name]) != repr(right[name]))  # a NaN is like another
    same_rows = first.probabilities.shape == second.probabilities.shape
    difference = float(np.abs(first.probabilities - second.probabilities).max()) if same_rows else float("nan")
    picks = [[entry.selected for entry in result.record.rounds] for result in (first, second)]
    facts = set(fields) - {"rounds", "metrics", "informativeness", "test_probabilities_sha256"}
    degree: Degree
    if facts or not same_rows:
        degree = "other facts"
    elif picks[0] != picks[1]:
        degree = "other picks"
    elif fields:
        degree = "within tolerance" if difference <= TOLERANCE else "same picks"
    else:
        degree = "bit for bit"
    return Agreement(degree, difference, fields)


def keep(store: Store, key: str, record: bytes, probabilities: bytes) -> None:
    """Keep another result of a run; one that is kept already is not written again."""
    path = store.path / "replicates" / f"{key}.{hashlib.sha256(record).hexdigest()[:12]}.json"
    if not path.exists():
        write_atomically(path.with_suffix(".npy"), probabilities)
        write_atomically(path, record)


def files(store: Store) -> list[Path]:
    """Return the record files of a store's replicates."""
    return sorted((store.path / "replicates").glob("*.json"))


def read(path: Path) -> tuple[bytes, bytes]:
    """Return the bytes of a replicate: its record and its probabilities.

    Raises:
        StoreError: if they cannot be read.
    """
    with as_store_error(f"read {path}"):
        return path.read_bytes(), path.with_suffix(".npy").read_bytes()


def decode(key: str, record: bytes, probabilities: bytes, where: object) -> Result:
    """Return a result from its bytes.

    Raises:
        CorruptRecordError: if they are not valid, or not of the run that they are named after.
    """
    found = decode_record(record, key, "ok", where)
    if key != found.spec.key(found.fingerprint):
        raise CorruptRecordError(f"{where}: its name is not the hash of its configuration")
    return Result(found, decode_probabilities(probabilities, found, f"what goes with {where}"))


def agreements(store: Store) -> Iterator[tuple[RunRecord, RunRecord, Agreement]]:
    """Yield, for each replicate, the store's own run, the replicate and how far they agree.

    Raises:
        CorruptRecordError: if one of them is not valid.
        StoreError: if one of them cannot be read.
    """
    for path in files(store):
        key = path.name.partition(".")[0]
        own = decode(key, store.content(key), store.probabilities_content(key), store.file_of(key))
        other = decode(key, *read(path), path)
        yield own.record, other.record, compare(own, other)


def _with_common_metrics(*records: RunRecord) -> list[RunRecord]:
    """Return two records with the metrics that both have: one of them may have been rescored."""
    of_run = set.intersection(*(set(record.metrics) for record in records))
    of_each = [set(one.metrics) for record in records for one in record.rounds]
    of_rounds = set.intersection(*of_each) if of_each else set()

    def common(metrics: dict[str, float], names: set[str]) -> dict[str, float]:
        return {name: metrics[name] for name in sorted(names)}

    return [
        record.model_copy(
            update={
                "metrics": common(record.metrics, of_run),
                "rounds": tuple(
                    one.model_copy(update={"metrics": common(one.metrics, of_rounds)}) for one in record.rounds
                ),
            }
        )
        for record in records
    ]
