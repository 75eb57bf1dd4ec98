"""Records as the two tables of a published store, a row a run and a row a run and round, and back.

A column is a field of the record; ``pool_``, ``made_``, ``metric_``, ``rows_`` and ``seconds_`` begin the fields of its
parts, and what ends in ``_json`` is a part written out. What is not there is null, which NaN is not. Rows are in the
order of blocks, and those of rounds first by their round, so that what runs share lies together and takes little room.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, Literal

from pydantic import BaseModel

from bench.records import (
    Block,
    Component,
    Informativeness,
    PoolFacts,
    Provenance,
    Round,
    RunRecord,
    RunSpec,
    Settings,
    Strategy,
    Task,
    learners_as_typed,
)

FlatRow = dict[str, Any]
COMPRESSION_LEVEL = 15
_INTEGERS = {
    *("run", "seed", "version_of_metrics", "round", "labelled", "labelled_positives", "selected_positives"),
    *("made_threads", "made_token_budget", *(f"pool_{name}" for name in PoolFacts.model_fields)),
}
_FLAGS = {"made_git_dirty"}
_NUMBERS = {"seconds", "peak_memory_mb"}
_LISTS_OF_INTEGERS = {"start_rows", "selected", "pool_p"}
_LISTS_OF_NUMBERS = {"control", "pairwise_distances", "start_distances", "selected_p", "selected_w", "pool_w"}
ValueKind = Literal["text", "integer", "number", "flag", "integers", "numbers"]
_DETAILS = ("selected", "selected_p", "selected_w", "pool_p", "pool_w")
"""Of a round, what only the runs that are kept whole have."""


def tables_of(records: Iterable[RunRecord]) -> tuple[Any, Any]:
    """Return records as two Arrow tables, of runs and of their rounds; the order of the records does not matter."""
    rows = sorted(((_run_row(record), record) for record in records), key=lambda it: _place(it[0]))
    runs = [{"run": number, **row} for number, (row, _) in enumerate(rows)]
    rounds = [_round_rows(number, record) for number, (_, record) in enumerate(rows)]
    return _table(runs), _table(sorted(chain.from_iterable(rounds), key=lambda row: (row["round"], row["run"])))


class Tables:
    """Runs in two tables, read one at a time."""

    def __init__(self, runs: Any, rounds: Any) -> None:
        """Take the tables that :func:`tables_of` made."""
        self._runs, self._rounds = _columns(runs), _columns(rounds)
        names = zip(self._runs["status"].values, self._runs["key"].values, strict=True)
        self.places: dict[tuple[str, str], int] = {name: number for number, name in enumerate(names)}
        """(status, key) -> the run's number."""
        self._rounds_of: list[list[int]] = [[] for _ in self.places]
        for at, number in enumerate(self._rounds["run"].values.tolist() if "run" in self._rounds else ()):
            self._rounds_of[number].append(at)

    def record(self, status: str, key: str) -> RunRecord:
        """Return the record of a run that is in the tables."""
        number = self.places[status, key]
        rounds = [_round(_row(self._rounds, at)) for at in self._rounds_of[number]]
        return _record(_row(self._runs, number), rounds)


def _place(row: FlatRow) -> tuple[Any, ...]:
    """Return what orders runs: those of a block side by side, from which strategies differ last."""
    of_block = (row["ratio"].rjust(9), row["start"], row["seed"], row["learner_json"], row["settings_json"])
    parts = (row["algorithm"], row["weighting"], row["key"])
    return (row["status"] != "ok", row["status"], row["dataset"], row["positive"], *of_block, *parts)


def _run_row(record: RunRecord) -> FlatRow:
    block, strategy, made = record.spec.block, record.spec.strategy, record.provenance
    parts = {"learner": block.learner, "algorithm": strategy.algorithm, "weighting": strategy.weighting}
    found = record.informativeness
    return {
        "key": record.key,
        "status": record.status,
        "reason": record.reason,
        "dataset": block.task.dataset,
        "positive": block.task.positive,
        "ratio": str(block.ratio),
        "seed": block.seed,
        "start": block.start,
        "learner": learners_as_typed(block.learners),
        "algorithm": strategy.algorithm.as_typed,
        "weighting": strategy.weighting.as_typed,
        **{f"{name}_json": part.model_dump_json() for name, part in parts.items()},
        "judge_json": block.judge and block.judge.model_dump_json(),
        "settings_json": record.spec.settings.model_dump_json(),
        "version_of_metrics": record.metric_version,
        "fingerprint": record.fingerprint,
        "pair_key": record.pair_key,
        **_prefixed("pool", record.pool.model_dump() if record.pool else {}),
        **_prefixed("metric", record.metrics),
        "pairwise_distances": None if found is None else list(found.pairwise),
        "start_distances": None if found is None else list(found.to_start),
        "seconds": record.seconds,
        **_prefixed("made", made.model_dump(exclude={"versions"}) if made else {}),
        "made_versions_json": None if made is None else json.dumps(made.versions),
        "control": list(record.control),
        "start_rows": list(record.start_rows) or None,
        "test_probabilities_sha256": record.test_probabilities_sha256,
    }


def _round_rows(number: int, record: RunRecord) -> Iterator[FlatRow]:
    for one in record.rounds:
        details = {name: getattr(one, name) for name in _DETAILS}
        yield {
            "run": number,
            "round": one.round,
            "labelled": one.labelled,
            "labelled_positives": one.labelled_positives,
            "selected_positives": one.selected_positives,
            **_prefixed("metric", one.metrics),
            **_prefixed("seconds", one.seconds),
            **_prefixed("rows", one.rows),
            "peak_memory_mb": one.peak_memory_mb,
            **{name: list(value) if value else None for name, value in details.items()},
            "state_json": None if one.state is None else json.dumps(one.state),
        }


def _record(row: FlatRow, rounds: Sequence[Round]) -> RunRecord:
    made, pool, pairwise = _with_prefix("made", row), _with_prefix("pool", row), row["pairwise_distances"]
    versions = made.pop("versions_json", None)
    found = None if pairwise is None else {"pairwise": pairwise, "to_start": row["start_distances"]}
    return RunRecord(
        metric_version=row["version_of_metrics"],
        key=row["key"],
        spec=_spec(row),
        status=row["status"],
        reason=row["reason"],
        fingerprint=row["fingerprint"],
        pair_key=row["pair_key"],
        pool=PoolFacts.model_validate(pool) if pool else None,
        start_rows=tuple(row["start_rows"] or ()),
        rounds=tuple(rounds),
        metrics=_with_prefix("metric", row),
        informativeness=None if found is None else Informativeness.model_validate(found),
        seconds=row["seconds"],
        provenance=None if versions is None else _provenance(made, versions),
        control=tuple(row["control"]),
        test_probabilities_sha256=row["test_probabilities_sha256"],
    )


def _provenance(made: FlatRow, versions: str) -> Provenance:
    nothing = dict.fromkeys(("git_commit", "git_dirty"))
    return Provenance.model_validate({**nothing, **made, "versions": json.loads(versions)})


def _spec(row: FlatRow) -> RunSpec:
    block = Block(
        task=Task(dataset=row["dataset"], positive=row["positive"]),
        ratio="natural" if row["ratio"] == "natural" else int(row["ratio"]),
        seed=row["seed"],
        start=row["start"],
        learner=_parsed(Component, row["learner_json"]),
        judge=None if row["judge_json"] is None else _parsed(Component, row["judge_json"]),
    )
    strategy = Strategy(
        algorithm=_parsed(Component, row["algorithm_json"]), weighting=_parsed(Component, row["weighting_json"])
    )
    return RunSpec(block=block, strategy=strategy, settings=_parsed(Settings, row["settings_json"]))


@lru_cache(1024)
def _parsed(kind: type[BaseModel], text: str) -> Any:
    """Return a frozen value from its JSON: runs by the thousand share a few of them."""
    return kind.model_validate_json(text)


def _round(row: FlatRow) -> Round:
    state = row["state_json"]
    return Round(
        round=row["round"],
        labelled=row["labelled"],
        labelled_positives=row["labelled_positives"],
        selected=tuple(row["selected"] or ()),
        selected_p=_or_none(row["selected_p"]),
        selected_w=tuple(row["selected_w"] or ()),
        selected_positives=row["selected_positives"],
        pool_p=_or_none(row["pool_p"]),
        pool_w=_or_none(row["pool_w"]),
        state=None if state is None else json.loads(state),
        metrics=_with_prefix("metric", row),
        seconds=_with_prefix("seconds", row),
        rows=_with_prefix("rows", row),
        peak_memory_mb=row["peak_memory_mb"],
    )


def _or_none(values: list[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)


def _prefixed(prefix: str, values: Mapping[str, Any]) -> FlatRow:
    return {f"{prefix}_{name}": value for name, value in values.items()}


def _with_prefix(prefix: str, row: FlatRow) -> FlatRow:
    """Return the values that are there of the columns that begin so, by the rest of their names."""
    begin = f"{prefix}_"
    return {
        name.removeprefix(begin): value for name, value in row.items() if value is not None and name.startswith(begin)
    }


def _table(rows: list[FlatRow]) -> Any:
    """Return rows as an Arrow table, with a column for each name that any of them has."""
    import pyarrow as pa

    names = list(dict.fromkeys(name for row in rows for name in row))
    types: dict[ValueKind, Any] = {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "flag": pa.bool_(),
        "integers": pa.list_(pa.int64()),
        "numbers": pa.list_(pa.float64()),
    }
    return pa.table({name: pa.array([row.get(name) for row in rows], types[kind_of(name)]) for name in names})


def kind_of(name: str) -> ValueKind:
    """Return what the values of a column are."""
    if name in _NUMBERS or name.startswith(("metric_", "seconds_")):
        return "number"
    if name in _INTEGERS or name.startswith("rows_"):
        return "integer"
    if name in _LISTS_OF_INTEGERS:
        return "integers"
    if name in _LISTS_OF_NUMBERS:
        return "numbers"
    return "flag" if name in _FLAGS else "text"


def encoded(table: Any) -> bytes:
    """Return a table as the bytes of a Parquet file, the same for the same table."""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    repeated = [field.name for field in table.schema if not pa.types.is_floating(field.type)]
    pq.write_table(
        table, buffer, compression="zstd", compression_level=COMPRESSION_LEVEL, use_dictionary=repeated,
        write_statistics=False, store_schema=False,
    )  # fmt: skip
    return buffer.getvalue()


@dataclass(frozen=True)
class _Column:
    """The values of a column: Python's in a list, or numbers in an array with a mask of those that are there."""

    values: Any
    there: Any = None

    def __getitem__(self, at: int) -> Any:
        if self.there is None:
            return self.values[at]
        return self.values[at].item() if self.there[at] else None


def _columns(table: Any) -> dict[str, _Column]:
    import pyarrow as pa

    found = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type
        if pa.types.is_floating(kind) or pa.types.is_integer(kind):
            found[name] = _Column(column.fill_null(0).to_numpy(), column.is_valid().to_numpy())
        else:
            found[name] = _Column(column.to_pylist())
    return found


def _row(columns: Mapping[str, _Column], at: int) -> FlatRow:
    return {name: column[at] for name, column in columns.items()}
