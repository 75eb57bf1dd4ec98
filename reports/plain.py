"""Tables as CSV and Markdown; frames as CSV and Parquet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable
from math import isnan
from typing import Literal

import pandas as pd
from tabulate import tabulate

from analysis import Cell, CellTest, Table

Quoting = Literal[0, 1]
"""``csv.QUOTE_MINIMAL`` or ``csv.QUOTE_ALL``."""
CELL = ("metric", "column", "value", "text", "n", "bold", "seed-level bold", "disagrees", "note")
TESTS = (
    *("against", "pairs", "difference", "t", "p", "test note"),
    *("seeds", "estimate", "low", "high", "seed-level p", "seed-level p (Holm)", "seed-level note"),
)


def to_csv(table: Table) -> str:
    """Return a table in long form: a line per cell with its unrounded value, and one per test behind it.

    Columns: the row headers, metric, column, value, text, n, bold, seed-level bold (empty where that is not known),
    disagrees, note, then against, and of the run-level test pairs, difference, t, p and note (empty where a cell has no
    tests), and of the seed-level test seeds, estimate, low, high, p, p (Holm) and note. NaN is an empty field. Text is
    kept exactly: a spreadsheet that takes ``=1+1`` for a formula has to be told to read it as text.
    """
    lines: list[list[object]] = [[*table.headers, *CELL, *TESTS]]
    for row in table.shown:
        for (group, column), cell in zip(table.columns, row.cells, strict=True):
            count = "" if cell.n is None else cell.n
            known = "" if cell.seed_bold is None else cell.seed_bold
            head = [*row.labels, group, column, _exact(cell.value), cell.text, count]
            head += [cell.bold, known, cell.disagrees, cell.note]
            lines += ([*head, *test] for test in map(_test, cell.tests or [None]))
    return _quoted(lambda quoting: _csv(lines, quoting))


def _csv(lines: Iterable[Iterable[object]], quoting: Quoting) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=quoting).writerows(lines)
    return out.getvalue()


def _quoted(write: Callable[[Quoting], str]) -> str:
    """Return what is written with all fields in quotes if one holds a carriage return, which ends a line for readers.

    Before Python 3.13 the writer takes only the end of line that it writes itself for one.
    """
    text = write(csv.QUOTE_MINIMAL)
    return write(csv.QUOTE_ALL) if "\r" in text else text


def _test(one: CellTest | None) -> list[object]:
    if one is None:
        return [""] * len(TESTS)
    run_level = [one.against, one.pairs, *map(_exact, (one.difference, one.t, one.p)), one.note]
    if not one.has_seed_level:
        return run_level + [""] * (len(TESTS) - len(run_level))
    return [
        *run_level,
        one.units,
        *map(_exact, (one.estimate, one.low, one.high, one.p_seed, one.p_holm)),
        one.seed_note,
    ]


def _exact(value: float) -> str:
    return "" if isnan(value) else repr(value)


def frame_to_csv(frame: pd.DataFrame) -> bytes:
    """Return a frame as CSV with unrounded numbers; NaN is an empty field."""
    text = _quoted(lambda quoting: str(frame.to_csv(index=False, lineterminator="\n", quoting=quoting)))
    return text.encode()


def frame_to_parquet(frame: pd.DataFrame) -> bytes:
    """Return a frame as Parquet."""
    content: bytes = frame.to_parquet(None, index=False)
    return content


def to_markdown(table: Table) -> str:
    """Return a table as GitHub Markdown with its caption and notes; bold marks are ``**``, other signs follow."""
    headers = [*table.headers, *(f"{group}: {column}" for group, column in table.columns)]
    rows = [[*map(escaped, row.labels), *map(_marked, row.cells)] for row in table.shown]
    align = ["left"] * len(table.headers) + ["right"] * len(table.columns)
    # disable_numparse: tabulate would print 0.7000 as 0.7
    grid = tabulate(rows, list(map(escaped, headers)), "pipe", disable_numparse=True, colalign=align)
    notes = "".join(f"- {escaped(note)}\n" for note in table.notes)
    return f"**{escaped(table.heading)}**\n\n{grid}\n\n{escaped(table.caption)}\n" + (f"\n{notes}" if notes else "")


def _marked(cell: Cell) -> str:
    text = f"**{escaped(cell.text)}**" if cell.bold else escaped(cell.text)
    return text + cell.signs


def escaped(text: str) -> str:
    """Return a text as one line in which Markdown reads no mark, also where it begins a paragraph or an item."""
    line = re.sub(r"([\\`*_{}\[\]<>|#~$&])", r"\\\1", " ".join(text.split()))
    return re.sub(r"^(\d*)([-+=.)])(?=\s|$|[-=]+$)", r"\1\\\2", line)
