"""What a report says first: a few lines, each read out of its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isnan

from analysis.definitions import DEFINITIONS
from analysis.model import Cell, Row, Table, p_text, signed
from analysis.paper import FIRST, Agreement

EFFECT = 4
"""The table of the effect by ratio."""
FULL_RESULTS = 8
"""The table that shows every strategy, whatever was run."""


def findings(tables: Mapping[int, Table], agreement: Agreement) -> tuple[str, ...]:
    """Return up to five lines: the effect on each metric, the highest means, and how far the paper agrees.

    Args:
        tables: number -> the tables that could be made.
        agreement: with the paper.
    """
    return (
        *(_effects(tables[EFFECT]) if EFFECT in tables else ()),
        *(_highest(tables[FULL_RESULTS]) if FULL_RESULTS in tables else ()),
        *([f"Against the paper's printed tables: {agreement.line}"] if agreement.marks else ()),
    )


def _effects(table: Table) -> Iterator[str]:
    """A line per metric: the paired difference and its p in each row that has both."""
    for group in table.groups:
        found = [effect for row in table.rows for effect in _effect(table, row, group.title)]
        other = next(column for column in group.columns if column != FIRST)
        if found:
            yield f"{group.title}, {FIRST} minus {other} (p: paired, one-sided): {'; '.join(found)} ({table.address})"


def _effect(table: Table, row: Row, metric: str) -> Iterator[str]:
    cell = _by_place(table, row)[metric, FIRST]
    for test in (comparison.paper for comparison in cell.against):
        if not isnan(test.difference):
            yield f"{signed(test.difference)} at ratio 1/{row.labels[0]} (p {p_text(test.p)}, {test.n:,} pairs)"


def _highest(table: Table) -> Iterator[str]:
    """One line: the strategy with the largest mean of each metric."""
    found = []
    for group in table.groups:
        places = [
            (cell.value, (*row.labels, column), cell)
            for row in table.rows
            for (title, column), cell in _by_place(table, row).items()
            if title == group.title and not isnan(cell.value)
        ]
        if places:
            _, place, cell = max(places, key=lambda one: one[0])
            found.append(f"{group.title} {cell.text} ({', '.join(place)})")
    if found:
        title = DEFINITIONS[FULL_RESULTS].address
        yield f"Highest means, not tested for being the highest: {'; '.join(found)} ({title})"


def _by_place(table: Table, row: Row) -> dict[tuple[str, str], Cell]:
    return dict(zip(table.columns, row.cells, strict=True))
