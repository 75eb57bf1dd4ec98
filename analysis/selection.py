"""Which runs a table takes, in which row and column each belongs, and which are missing."""

from __future__ import annotations

from itertools import product
from typing import Any

import pandas as pd

from analysis.condition import WHOLE_BLOCK, Condition, without
from analysis.definitions import Axis, TableDefinition, Values
from analysis.frame import IDENTITY
from analysis.layout import LABEL, PLACE, Layout
from analysis.names import natural_share, ratio_label, title_of, with_labels

ALWAYS_PRINTED = ("ratio", "start", "weighting", "bins")
"""Axes whose listed values are printed also where nothing was run; of the others only what was tried is."""


def select(definition: TableDefinition, condition: Condition) -> Layout | None:
    """Return the runs of a condition that a table takes, laid out; None if it has none.

    The store does not keep the grid that was asked for. Expected in each row is every task with every seed (and,
    where a cell summarises algorithms, every algorithm) that any run of the table was tried in, but for blocks
    that were only ever skipped.
    """
    finished, failed = _taken(condition.runs, definition), _taken(condition.failed, definition)
    if not len(finished):
        return None
    identity = [*IDENTITY, "bins"]
    tried = with_labels(pd.concat([finished[identity], failed[identity]]).drop_duplicates("key"))
    if definition.columns == "bins":
        tried = tried.assign(weighting_label=_bins_labels(tried))
    share = natural_share(finished)

    def spelt(axis: Axis, value: Any) -> str:
        return ratio_label(value, share) if axis == "ratio" else str(value)

    row_values, column_values = _rows(definition, tried), _values(definition, definition.columns, tried)
    row_labels, column_label = [LABEL[axis] for axis in definition.rows], LABEL[definition.columns]
    rows = pd.DataFrame(row_values, columns=pd.Index(row_labels)).assign(row=range(len(row_values)))
    columns = pd.DataFrame({column_label: column_values, "column": range(len(column_values))})
    runs = finished.merge(tried[["key", "algorithm_label", "weighting_label"]], on="key")
    runs = runs.merge(rows, on=row_labels).merge(columns, on=column_label)
    expected = without(_expected(definition, tried, rows, columns), condition.infeasible, WHOLE_BLOCK)
    absent = without(expected, runs, PLACE)
    lost = absent.merge(tried.loc[tried["key"].isin(failed["key"]), PLACE], how="left", indicator=True)
    return Layout(
        definition=definition,
        condition=condition,
        rows=tuple(tuple(map(spelt, definition.rows, values)) for values in row_values),
        columns=tuple(title_of(value) if definition.columns == "start" else value for value in column_values),
        runs=runs,
        tried=tried,
        absent=absent.assign(failed=(lost["_merge"] == "both").to_numpy()),
        asked=expected,
    )


def _taken(frame: pd.DataFrame, definition: TableDefinition) -> pd.DataFrame:
    taken = _matching(frame, definition.where)
    if definition.unless:
        taken &= ~_matching(frame, definition.unless)
    return frame[taken]


def _matching(frame: pd.DataFrame, values: Values) -> pd.Series[bool]:
    """Return which rows of a frame have one of the values on each of these axes."""
    matching = pd.Series(data=True, index=frame.index)
    for axis, wanted in values.items():
        matching &= frame[axis].isin(wanted)
    return matching


def _bins_labels(tried: pd.DataFrame) -> pd.Series[str]:
    versions = tried["weighting_version"]
    return tried["bins"] + (" (version " + versions + ")" if len(versions.unique()) > 1 else "")


def _rows(definition: TableDefinition, tried: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Return the values of each row: combinations that were tried, with each value that is always printed."""
    is_open = [not _fixed(definition, axis) for axis in definition.rows]
    labels = [LABEL[axis] for axis, this in zip(definition.rows, is_open, strict=True) if this]
    combinations = set(tried[labels].itertuples(index=False, name=None)) or {()}
    every = product(*(_values(definition, axis, tried) for axis in definition.rows))
    return [row for row in every if tuple(v for v, this in zip(row, is_open, strict=True) if this) in combinations]


def _fixed(definition: TableDefinition, axis: Axis) -> bool:
    return axis in ALWAYS_PRINTED and axis in definition.where


def _values(definition: TableDefinition, axis: Axis, tried: pd.DataFrame) -> list[Any]:
    """Return the labels of an axis in the order printed."""
    label = LABEL[axis]
    if not _fixed(definition, axis):
        return sorted(tried[label].unique(), key=_order)
    values: list[Any] = []
    for value in definition.where[axis]:
        found = sorted(tried.loc[tried[axis] == value, label].unique(), key=_order)
        values += found or [value if label == axis else title_of(value)]
    return values


def _order(value: str | int) -> tuple[int, str, str]:
    """The paper's order: numbers by size, names by letter, warm before cold."""
    if isinstance(value, str):
        return (value == "cold", value.lower(), value)
    return (int(value), "", "")


def _expected(
    definition: TableDefinition, tried: pd.DataFrame, rows: pd.DataFrame, columns: pd.DataFrame
) -> pd.DataFrame:
    """Return the place of each run that a table should have, with its row and column."""
    tasks, seeds = tried[["dataset", "positive"]].drop_duplicates(), tried[["seed"]].drop_duplicates()
    cells, blocks = rows.merge(columns, how="cross"), tasks.merge(seeds, how="cross")
    expected = cells.merge(blocks, on="dataset") if "dataset" in cells else cells.merge(blocks, how="cross")
    for axis in ("ratio", "start", "algorithm", "weighting"):
        if LABEL[axis] not in expected:
            others = pd.DataFrame({LABEL[axis]: _values(definition, axis, tried)})
            expected = expected.merge(others, how="cross")
    return expected[[*PLACE, "row", "column"]]
