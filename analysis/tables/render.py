"""From a table's numbers to what is printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import permutations
from math import isnan, nan
from typing import Any

from analysis.comparisons import OPEN, Numbers, lines
from analysis.names import metric_title
from analysis.stats import ALPHA
from analysis.summaries import HalfWidth
from analysis.tables.captions import caption, mark, seed_mark
from analysis.tables.headings import row_headers, shared
from analysis.tables.model import Cell, CellTest, Group, Row, Table
from analysis.tables.notes import hole, nan_note, notes, test_notes
from analysis.text import NO_VALUE, count, decimal, p_text, signed

CellTests = Mapping[tuple[int, int, str], list[CellTest]]
"""(row, column, metric) -> what that cell was tested against."""


def render(numbers: Numbers) -> Table | None:
    """Return a table; None where nothing was run that it could compare.

    Missing runs make a cell a visible hole, and the notes say which they are.
    """
    if not _comparable(numbers):
        return None
    groups, cells = _body(numbers)
    headers, labels = row_headers(numbers)
    rows = tuple(Row(*both) for both in zip(labels, cells, strict=True))
    definition, condition = numbers.definition, numbers.condition
    return Table(
        name=f"{definition.name}{condition.suffix}",
        address=definition.address,
        title=", ".join([definition.title, *shared(numbers).values()]),
        caption=caption(numbers),
        headers=headers,
        groups=groups,
        rows=rows,
        notes=notes(numbers, rows, groups),
        mark=mark(numbers),
        seed_mark=seed_mark(numbers),
        with_p=bool(mark(numbers)) and not definition.reference,
    )


def _comparable(numbers: Numbers) -> bool:
    """Return whether a table whose columns are listed has at least two of them, or runs beside its reference."""
    definition, held = numbers.definition, numbers.selection.held > 0
    if definition.reference:
        return numbers.reference is not None and held.sum() > 1
    if isinstance(definition.summary, HalfWidth):
        return bool(held.any(axis=0).all())
    return definition.columns not in definition.where or held.any(axis=0).sum() > 1


def _body(numbers: Numbers) -> tuple[tuple[Group, ...], list[tuple[Cell, ...]]]:
    definition, columns = numbers.definition, numbers.selection.column_labels
    tests, places = tests_of(numbers), {(it.row, it.metric, it.column): it for it in lines(numbers.cells)}
    shown, widths = list(range(len(columns))), isinstance(definition.summary, HalfWidth)
    make: Callable[[CellLines, list[CellTest], At], Cell] = _width_cell if widths else _mean_cell
    if numbers.reference:
        make = partial(_p_cell, numbers.reference)
        shown = [at for at in shown if numbers.reference[0] is not None or at != numbers.reference[1]]
    cells: list[tuple[Cell, ...]] = []
    for row in range(len(numbers.selection.rows)):
        line: list[Cell] = []
        for metric in definition.metrics:
            own = [make(places, tests.get((row, at, metric), []), (row, metric, at)) for at in shown]
            line += [*own, _quotient(*own)] if widths else own
        cells.append(tuple(line))
    names = [columns[at] for at in shown]
    extra = [" / ".join(names)] if widths else []
    return tuple(Group(metric_title(metric), (*names, *extra)) for metric in definition.metrics), cells


def tests_of(numbers: Numbers) -> CellTests:
    """Return what each cell was tested against, in the order of the columns."""
    found: dict[tuple[int, int, str], list[tuple[tuple[int, int], CellTest]]] = {}
    rows, columns = numbers.selection.row_labels, numbers.selection.column_labels
    for it in lines(numbers.comparisons):
        first, second = (it.row, it.column), (it.other_row, it.other)
        cell, other = (second, first) if numbers.definition.turned else (first, second)
        name = ", ".join((*(rows[other[0]] if other[0] != cell[0] else ()), columns[other[1]]))
        test = CellTest(name, *(getattr(it, field) for field in CellTest._fields[1:]))
        found.setdefault((*cell, it.metric), []).append((other, test))
    return {place: [test for _, test in sorted(own, key=lambda one: one[0])] for place, own in found.items()}


def _seed_bold(tests: Sequence[CellTest]) -> bool | None:
    undecided = [isnan(test.p_holm) or test.seed_note == OPEN for test in tests]
    marks = [None if open_ else test.p_holm < ALPHA for test, open_ in zip(tests, undecided, strict=True)]
    if False in marks:
        return False
    return None if None in marks or not marks else True


CellLines = Mapping[tuple[int, str, int], Any]
"""(row, metric, column) -> the line of the frame of cells."""
At = tuple[int, str, int]


def _mean_cell(places: CellLines, tests: list[CellTest], at: At) -> Cell:
    it = places[at]
    return Cell(
        text=decimal(it.value) if it.n else NO_VALUE,
        value=it.value,
        n=it.n,
        bold=bool(tests) and all(test.p < ALPHA for test in tests),
        seed_bold=_seed_bold(tests),
        note=_joined(hole(it), nan_note(it)),
        tests=tuple(tests),
        runs=it.keys,
        interval=(it.low, it.high),
    )


def _p_cell(reference: tuple[int | None, int], places: CellLines, tests: list[CellTest], at: At) -> Cell:
    """The p of the test of a cell against the reference."""
    if not tests:
        return Cell(NO_VALUE)
    (test,), (row, metric, _) = tests, at
    lone, column = reference
    own, other = places[at], places[row if lone is None else lone, metric, column]
    alone = f"{test.unpaired} runs without a partner" if test.unpaired else ""
    return Cell(
        text=p_text(test.p),
        value=test.p,
        n=test.pairs,
        bold=test.p < ALPHA or test.p > 1 - ALPHA,
        seed_bold=_seed_bold(tests),
        note=_joined(hole(own), hole(other), alone, test.note),
        tests=tuple(tests),
        runs=(*own.keys, *other.keys),
    )


def _width_cell(places: CellLines, tests: list[CellTest], at: At) -> Cell:
    it = places[at]
    too_few = "a task with one seed has no interval" if it.n and isnan(it.value) and not it.nan else ""
    return Cell(
        text=NO_VALUE if isnan(it.value) else decimal(it.value),
        value=it.value,
        n=it.n,
        note=_joined(hole(it), nan_note(it), too_few),
        tests=tuple(tests),
        runs=it.keys,
    )


def _quotient(cold: Cell, warm: Cell) -> Cell:
    value = cold.value / warm.value if warm.value else nan
    return Cell(
        text=NO_VALUE if isnan(value) else f"{value:.2f}",
        value=value,
        note=_joined(cold.note, warm.note),
        runs=(*cold.runs, *warm.runs),
    )


def _joined(*parts: str) -> str:
    return "; ".join(dict.fromkeys(filter(None, parts)))


def p_values(numbers: Numbers, table: Table) -> Table | None:
    """Return the run-level tests behind a table's marks: a row per claim; under each metric p, difference and pairs.

    None for a table whose columns were not tested against each other.
    """
    if not table.with_p:
        return None
    columns, metrics = numbers.selection.column_labels, numbers.definition.metrics
    tests = {(it.row, it.column, it.other, it.metric): it for it in lines(numbers.comparisons)}
    keys = {(it.row, it.column, it.metric): it.keys for it in lines(numbers.cells)}
    rows = [
        Row(
            (*own.labels, f"{columns[a]} > {columns[b]}"),
            tuple(
                cell
                for metric in metrics
                for cell in _test_cells(tests[row, a, b, metric], keys[row, a, metric] + keys[row, b, metric])
            ),
        )
        for row, own in enumerate(table.rows)
        for a, b in permutations(range(len(columns)), 2)
    ]
    return Table(
        name=f"{table.name}-p",
        address=f"{table.address}-p",
        title=f"p-values and pairs: {table.title}",
        caption=f"p of the paired one-sided t-test (greater) that the first is larger, as in {table.address} and with "
        "its pairs; mean difference, and number of pairs (a dagger there: runs without a partner). "
        f"No correction; bold: p < {ALPHA}; a dash: no test.",
        headers=(*table.headers, "Claim"),
        groups=tuple(Group(metric_title(metric), ("p", "difference", "pairs")) for metric in metrics),
        rows=tuple(rows),
        notes=test_notes(numbers),
        mark=f"p < {ALPHA}",
    )


def _test_cells(test: Any, runs: tuple[str, ...]) -> list[Cell]:
    alone = f"{count(test.unpaired, 'run')} without a partner" if test.unpaired else ""
    return [
        Cell(p_text(test.p), test.p, bold=test.p < ALPHA, note=test.note, runs=runs),
        Cell(signed(test.difference), test.difference, runs=runs),
        Cell(str(test.pairs), float(test.pairs), note=alone, runs=runs),
    ]
