"""The one engine: a definition and runs, laid out, in; a finished table out."""

from __future__ import annotations

from itertools import chain, permutations

from analysis.captions import caption, count, mark, shared, sound_mark
from analysis.cells import body
from analysis.inference import ALPHA
from analysis.layout import Layout
from analysis.model import Cell, Group, Row, Table, p_text, signed
from analysis.names import AXIS_TITLES
from analysis.notes import comparisons, notes, test_notes
from analysis.paired import Paired


def tabulate(layout: Layout) -> Table | None:
    """Return a table of the paper; None where nothing was run that it could compare.

    Missing runs make a cell a visible hole, and the notes say which they are.

    Raises:
        PairingError: if two runs claim one place.
    """
    definition = layout.definition
    groups, cells = body(layout)
    if not cells:
        return None
    headers, labels = _row_headers(layout)
    every = list(chain.from_iterable(cells))
    marked = mark(definition, every)
    rows = [Row(*both) for both in zip(labels, cells, strict=True)]
    told = shared(layout).values()
    return Table(
        name=f"table{definition.number}{layout.condition.suffix}",
        address=definition.address,
        title=", ".join([definition.title, *told]),
        caption=caption(layout, every),
        headers=headers,
        groups=groups,
        rows=tuple(rows),
        notes=notes(layout, rows, groups),
        mark=marked,
        sound_mark=sound_mark(definition, every),
        with_p=bool(marked) and definition.summary != "p",
    )


def _row_headers(layout: Layout) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return headers and labels of the rows; what all rows share is not among them."""
    rows, same = layout.definition.rows, shared(layout)
    kept = [i for i, axis in enumerate(rows) if axis not in same]
    headers = tuple(AXIS_TITLES[rows[i]] for i in kept)
    return headers, [tuple(labels[i] for i in kept) for labels in layout.rows]


def p_values(table: Table) -> Table | None:
    """Return the tests behind a table's marks: a row per claim; under each metric p, difference and pairs.

    None for a table whose columns were not tested against each other.
    """
    rows = []
    for row in table.rows if table.with_p else ():
        tests, cells = comparisons(row, table.groups), dict(zip(table.columns, row.cells, strict=True))
        for larger, smaller in permutations(table.groups[0].columns, 2):
            claim = chain.from_iterable(
                _test_cells(
                    tests[group.title, larger][smaller].paper,
                    cells[group.title, larger].runs + cells[group.title, smaller].runs,
                )
                for group in table.groups
            )
            rows.append(Row((*row.labels, f"{larger} > {smaller}"), tuple(claim)))
    if not rows:
        return None
    return Table(
        name=f"{table.name}-p",
        address=f"{table.address}-p",
        title=f"p-values and pairs: {table.title}",
        caption=f"p of the paired one-sided t-test (greater) that the first is larger, as in {table.address} and with "
        "its pairs; mean difference, and number of pairs (a dagger there: runs without a partner). "
        f"No correction; bold: p < {ALPHA}; a dash: no test.",
        headers=(*table.headers, "Claim"),
        groups=tuple(Group(group.title, ("p", "difference", "pairs")) for group in table.groups),
        rows=tuple(rows),
        notes=test_notes(table.rows, table.groups),
        mark=f"p < {ALPHA}",
    )


def _test_cells(test: Paired, runs: tuple[str, ...]) -> list[Cell]:
    alone = f"{count(test.unpaired, 'run')} without a partner" if test.unpaired else ""
    return [
        Cell(p_text(test.p), test.p, bold=test.p < ALPHA, note=test.note, runs=runs),
        Cell(signed(test.difference), test.difference, runs=runs),
        Cell(str(test.n), float(test.n), note=alone, runs=runs),
    ]
