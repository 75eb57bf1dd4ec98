"""Table 3 of the paper, and the tests behind its marks."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, combinations, permutations
from math import nan

import pandas as pd

from analysis.condition import Condition
from analysis.frame import BLOCK
from analysis.model import ALPHA, NO_VALUE, Cell, Group, Row, Table, decimal, p_text, signed
from analysis.names import metric_title
from analysis.paired import Paired, paired
from bench.errors import PairingError
from bench.records import METRICS

PLACES = 4
"""Places that a note names before it only counts them."""


def table3(condition: Condition) -> Table:
    """Return Table 3: a row per algorithm and, under each metric, a column per weighting.

    A cell is the flat mean over tasks and seeds of the metric after the last round; it is bold if p < .05 in
    the paired one-sided t-test against every other column. Missing runs make the cell a visible hole, and a
    column without runs leaves its row without marks.
    """
    algorithms, columns = condition.labels("algorithm"), condition.labels("weighting")
    rows = []
    for label in algorithms:
        arms = {column: _arm(condition, label, column) for column in columns}
        holes = {column: _hole(condition, label, column) for column in columns}
        cells = (_cell(arms, column, metric, holes[column]) for metric in METRICS for column in columns)
        rows.append(Row((label,), tuple(cells)))
    groups = tuple(Group(metric_title(metric), tuple(columns)) for metric in METRICS)
    return Table(
        name=f"table3-{condition.name}",
        title=f"{' vs '.join(columns)} per algorithm, {condition.title}",
        caption=_caption(condition, rows),
        headers=("Algorithm",),
        groups=groups,
        rows=tuple(rows),
        notes=(*condition.notes, *_hole_notes(rows, groups), *_test_notes(rows, groups)),
    )


def _arm(condition: Condition, algorithm: str, weighting: str) -> pd.DataFrame:
    runs = condition.runs
    return runs[(runs["algorithm_label"] == algorithm) & (runs["weighting_label"] == weighting)]


def _cell(arms: dict[str, pd.DataFrame], column: str, metric: str, hole: str) -> Cell:
    arm = arms[column]
    against = tuple((other, _test(arm, runs, metric)) for other, runs in arms.items() if other != column)
    mean = float(arm[metric].mean(skipna=False)) if len(arm) else nan
    lost = int(arm[metric].isna().sum())
    notes = [hole, f"{metric_title(metric)} is NaN in {lost} of {len(arm)} runs" if lost else ""]
    return Cell(
        text=decimal(mean) if len(arm) else NO_VALUE,
        value=mean,
        n=len(arm),
        bold=bool(against) and all(test.p < ALPHA for _, test in against),
        note="; ".join(filter(None, notes)),
        against=against,
    )


def _test(arm: pd.DataFrame, other: pd.DataFrame, metric: str) -> Paired:
    """Test one column against another; runs that must not be paired leave the mark out and say why."""
    try:
        return paired(arm, other, metric)
    except PairingError as error:
        return Paired(0, len(arm) + len(other), nan, nan, nan, str(error))


def _hole(condition: Condition, algorithm: str, weighting: str) -> str:
    """Return how many runs a strategy lacks; empty if none."""
    expected, failed = condition.expected, condition.failed
    held = _arm(condition, algorithm, weighting)[BLOCK].drop_duplicates().merge(expected, on=BLOCK)
    missing = len(expected) - len(held)
    failures = ((failed["algorithm_label"] == algorithm) & (failed["weighting_label"] == weighting)).sum()
    if not missing:
        return ""
    return f"{missing} of {len(expected)} runs missing" + (f", {failures} of them failed" if failures else "")


def _hole_notes(rows: list[Row], groups: tuple[Group, ...]) -> tuple[str, ...]:
    columns = [column for group in groups for column in group.columns]
    return _gathered(
        (cell.note, f"{', '.join(row.labels)}, {column}")
        for row in rows
        for column, cell in zip(columns, row.cells, strict=True)
        if cell.note
    )


def _test_notes(rows: Iterable[Row], groups: tuple[Group, ...]) -> tuple[str, ...]:
    """Return why tests were not made; said once for a test and its reverse."""
    found = []
    for row in rows:
        places = ((group.title, column) for group in groups for column in group.columns)
        tests = {place: dict(cell.against) for place, cell in zip(places, row.cells, strict=True)}
        for one, other in combinations(groups[0].columns, 2):
            notes = {group.title: tests[group.title, one][other].note for group in groups}
            where = f"{', '.join(row.labels)}, {one} and {other}"
            if len(set(notes.values())) == 1:
                found.append((notes[groups[0].title], where))
            else:
                found += [(note, f"{where}, {metric}") for metric, note in notes.items()]
    return _gathered((note, where) for note, where in found if note)


def _gathered(notes: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return a line per distinct note with the places it holds for."""
    places: dict[str, list[str]] = {}
    for note, place in notes:
        if place not in places.setdefault(note, []):
            places[note].append(place)
    return tuple(
        f"{note}: {'; '.join(where[:PLACES])}" + (f"; and {len(where) - PLACES} more" if len(where) > PLACES else "")
        for note, where in places.items()
    )


def _caption(condition: Condition, rows: list[Row]) -> str:
    """Return what the numbers are: a mean over what; the test's side, unit and pairs; data; runs held."""
    blocks, loop = condition.expected, condition.settings.loop
    tasks = len(blocks[["dataset", "positive"]].drop_duplicates())
    wanted = len(blocks) * len(condition.labels("algorithm")) * len(condition.labels("weighting"))
    data = condition.runs.groupby("dataset")["fingerprint"].first()
    return (
        "Layout of the paper's Table 3. "
        f"Mean over {_count(tasks, 'task')} and {_count(blocks['seed'].nunique(), 'seed')} after "
        f"{_count(loop.rounds, 'round')} of {_count(loop.batch, 'row')}; {condition.start} start; positives "
        f"are 1/{condition.ratio} of the pool. "
        f"Bold: larger than every other column of its row and metric, p < {ALPHA} in a paired one-sided "
        f"t-test (greater), no correction, {_pairs(rows)}; a pair is two runs of one task, seed and "
        "algorithm. "
        "As in the paper the test takes runs as independent, though runs of one task are not. "
        f"{_encoder(condition)}. "
        f"Data: {', '.join(f'{name} {fingerprint[:8]}' for name, fingerprint in data.items())}. "
        f"Runs: {len(condition.runs):,} of {wanted:,}; a dagger marks cells that lack some."
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def _pairs(rows: list[Row]) -> str:
    sizes = [test.n for row in rows for cell in row.cells for _, test in cell.against]
    if not sizes:
        return "nothing to test against"
    low, high = min(sizes), max(sizes)
    return f"{_count(low, 'pair')} in each test" if low == high else f"{low} to {high} pairs in a test"


def _encoder(condition: Condition) -> str:
    pool, model = condition.settings.pool, condition.settings.model.name
    limits = [
        f"{what} limited to {rows:,} rows"
        for what, rows in (("pool", pool.limit), ("test set", pool.test_limit))
        if rows is not None
    ]
    return f"Encoder: {model}; " + (f"a subset, {' and '.join(limits)}" if limits else "whole pool and test set")


def p_values(table: Table) -> Table:
    """Return the tests behind a table's marks: a row per claim; under each metric p, difference and pairs."""
    rows = []
    for row in table.rows:
        tests = {place: dict(cell.against) for place, cell in zip(table.columns, row.cells, strict=True)}
        for larger, smaller in permutations(table.groups[0].columns, 2):
            cells = chain.from_iterable(_test_cells(tests[group.title, larger][smaller]) for group in table.groups)
            rows.append(Row((*row.labels, f"{larger} > {smaller}"), tuple(cells)))
    return Table(
        name=f"{table.name}-p",
        title=f"p-values and pairs: {table.title}",
        caption="p of the paired one-sided t-test that the first weighting is larger, mean difference, and "
        f"number of pairs (a dagger there: runs without a partner); bold: p < {ALPHA}; a dash: no test.",
        headers=(*table.headers, "Claim"),
        groups=tuple(Group(group.title, ("p", "difference", "pairs")) for group in table.groups),
        rows=tuple(rows),
        notes=_test_notes(table.rows, table.groups),
    )


def _test_cells(test: Paired) -> list[Cell]:
    alone = f"{_count(test.unpaired, 'run')} without a partner" if test.unpaired else ""
    return [
        Cell(p_text(test.p), test.p, bold=test.p < ALPHA, note=test.note),
        Cell(signed(test.difference), test.difference),
        Cell(str(test.n), float(test.n), note=alone),
    ]
