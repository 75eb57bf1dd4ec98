"""From each cell of a page to the runs behind it: every run is listed once, cells name sets of its lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import pandas as pd

from analysis import METRICS, Row, Table, metric_title, ratio_label


@dataclass(frozen=True)
class Trace:
    """The runs of a page, and which of them are behind each cell.

    Attributes:
        listing: tab-separated text with a header: a line per run, readable as it stands.
        sets: each as numbers of lines, from 0: start, length, start, length ...; most sets are one stretch.
        numbers: keys of the runs behind a cell -> the number of its set.
    """

    listing: str
    sets: tuple[tuple[int, ...], ...] = ()
    numbers: dict[tuple[str, ...], int] = field(default_factory=dict)

    def of_row(self, row: Row) -> int | None:
        """Return the number of the set behind all cells of a row; None if they have several, or some have none."""
        behind = {cell.runs for cell in row.cells}
        return self.numbers.get(behind.pop()) if len(behind) == 1 else None


def trace(runs: pd.DataFrame, tables: Iterable[Table]) -> Trace:
    """Return the listing of all runs, sorted so that those of a cell are neighbours, and the sets of all cells.

    Args:
        runs: as :func:`analysis.traced` returns them.
        tables: all tables of the page.
    """
    sort = ["status", "ratio", "start", "dataset", "algorithm", "weighting", "positive", "seed"]
    runs = runs.sort_values(sort, kind="stable")
    runs = runs.assign(ratio=runs["ratio"].map(ratio_label))
    lines = {key: number for number, key in enumerate(runs.index)}
    behind = dict.fromkeys(cell.runs for table in tables for cell in table.cells if cell.runs)
    return Trace(
        listing="\n".join(map("\t".join, [_header(runs), *_rows(runs)])),
        sets=tuple(_stretches({lines[key] for key in keys}) for keys in behind),
        numbers={keys: number for number, keys in enumerate(behind)},
    )


def _header(runs: pd.DataFrame) -> list[str]:
    return [metric_title(name) if name in METRICS else str(name) for name in runs.columns]


def _rows(runs: pd.DataFrame) -> Iterable[list[str]]:
    for row in runs.itertuples(index=False):
        yield [f"{value:.6f}" if isinstance(value, float) else " ".join(str(value).split()) for value in row]


def _stretches(lines: set[int]) -> tuple[int, ...]:
    """Return numbers as start and length of each unbroken stretch."""
    ordered = sorted(lines)
    breaks = [i for i, (one, other) in enumerate(pairwise(ordered), 1) if other != one + 1]
    edges = [0, *breaks, len(ordered)]
    return tuple(number for low, high in pairwise(edges) for number in (ordered[low], high - low))
