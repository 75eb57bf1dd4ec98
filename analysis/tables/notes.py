"""What is missing or odd in a table, one line each."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

from analysis.comparisons import OPEN, Numbers, lines
from analysis.names import metric_title, ratio_short
from analysis.stats import UNITS
from analysis.summaries import ESTIMAND
from analysis.tables.headings import row_headers
from analysis.tables.model import CellTest, Group, Row
from analysis.text import count

PLACES = 4
"""Places that a note names before it only counts them."""


def hole(cell: Any) -> str:
    """Return how many runs a cell (a line of :attr:`Numbers.cells`) lacks; empty if none."""
    failures = f", {cell.failed} of them failed" if cell.failed else ""
    return f"{cell.missing} of {cell.expected} runs missing{failures}" if cell.missing else ""


def nan_note(cell: Any) -> str:
    """Return in how many runs of a cell its metric is NaN; empty if in none."""
    held = cell.expected - cell.missing
    return f"{metric_title(cell.metric)} is NaN in {cell.nan} of {held} runs" if cell.nan else ""


def notes(numbers: Numbers, rows: tuple[Row, ...], groups: tuple[Group, ...]) -> tuple[str, ...]:
    """Return the notes of a table: runs left out, holes, missing runs, tests that were not made."""
    return (
        *numbers.condition.notes,
        *holes(rows, groups),
        *_absent(numbers),
        *test_notes(numbers),
        *_seed_level(rows, groups),
    )


def holes(rows: Iterable[Row], groups: tuple[Group, ...]) -> tuple[str, ...]:
    """Return the notes of cells with the places that have them."""
    columns = [column for group in groups for column in group.columns]
    return _gathered(
        (cell.note, ", ".join((*row.labels, column)))
        for row in rows
        for column, cell in zip(columns, row.cells, strict=True)
        if cell.note
    )


def test_notes(numbers: Numbers) -> tuple[str, ...]:
    """Return why tests between columns were not made; said once for a test and its reverse."""
    if numbers.definition.reference:
        return ()
    (_, labels), columns = row_headers(numbers), numbers.selection.column_labels
    own = numbers.comparisons[numbers.comparisons["note"] != ""]
    why = {(it.row, it.column, it.other, it.metric): it.note for it in lines(own)}
    found = []
    for row, (one, other) in (
        (row, pair) for row in range(len(labels)) for pair in combinations(range(len(columns)), 2)
    ):
        said = {metric: why.get((row, one, other, metric), "") for metric in numbers.definition.metrics}
        where = f"{', '.join(labels[row])}, {columns[one]} and {columns[other]}"
        if len(set(said.values())) == 1:
            found.append((next(iter(said.values())), where))
        else:
            found += [(note, f"{where}, {metric_title(metric)}") for metric, note in said.items()]
    return _gathered((note, where) for note, where in found if note)


def _seed_level(rows: tuple[Row, ...], groups: tuple[Group, ...]) -> list[str]:
    """Return where both tests disagree, where the seed-level one leaves units out, and where it was not made."""
    names = [(group.title, column) for group in groups for column in group.columns]
    found = [
        (cell, ", ".join((*row.labels, *name))) for row in rows for name, cell in zip(names, row.cells, strict=True)
    ]
    tested = [(cell, where) for cell, where in found if cell.seed_bold is not None]
    differ = [where for cell, where in tested if cell.disagrees]
    agree = f"Run-level and seed-level tests disagree in {len(differ)} of {count(len(tested), 'cell')}"
    every = [(test, where) for cell, where in found for test in cell.tests]
    lines = (
        *_gathered((_left_out(test), where) for test, where in every if test.left_out),
        *_gathered(
            (test.seed_note, where)
            for test, where in every
            if test.seed_note == OPEN or (test.seed_note and not test.note)
        ),
    )
    return [f"{agree}: {_first(differ)}"] * bool(differ) + [f"Seed-level test: {line}" for line in lines]


def _left_out(test: CellTest) -> str:
    """Return how many units a comparison does without, and which."""
    unit = UNITS[ESTIMAND]
    whole = count(len(test.left_out) + test.units, unit)
    return f"{len(test.left_out)} of {whole} left out, which lack a run ({unit} {', '.join(test.left_out)})"


def _gathered(found: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return a line per distinct note with the places it holds for."""
    places: dict[str, dict[str, None]] = {}
    for note, place in found:
        places.setdefault(note, {})[place] = None
    return tuple(f"{note}: {_first(list(where))}" for note, where in places.items())


def _first(places: list[str]) -> str:
    return "; ".join(places[:PLACES]) + (f"; and {len(places) - PLACES:,} more" if len(places) > PLACES else "")


def _absent(numbers: Numbers) -> list[str]:
    """Return which runs are missing: how many of what, and the first few."""
    absent = numbers.selection.absent()
    if not len(absent):
        return []
    numbers_of = [
        count(len(absent[columns].drop_duplicates()), noun, plural)
        for noun, plural, columns in (
            ("task", "tasks", ["dataset", "positive"]),
            ("seed", "seeds", ["seed"]),
            ("ratio", "ratios", ["ratio"]),
            ("strategy", "strategies", ["algorithm", "weighting"]),
        )
    ]
    names = [
        f"{it.dataset}/{it.positive} {ratio_short(it.ratio)} seed {it.seed} {it.start} {it.algorithm}, {it.weighting}"
        + " (failed)" * it.failed
        for it in lines(absent.head(PLACES))
    ]
    more = f"; and {len(absent) - PLACES:,} more" if len(absent) > PLACES else ""
    expected = int(numbers.selection.expected.sum())
    return [f"{len(absent):,} of {expected:,} runs missing ({', '.join(numbers_of)}): {'; '.join(names)}{more}"]
