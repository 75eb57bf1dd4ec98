"""The paper's printed tables, and ours beside them."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from analysis.model import Cell, Group, Row, Table, decimal, signed
from analysis.names import METRIC_TITLES, TITLES


@cache
def printed(number: int) -> Any:  # the JSON of a printed table
    """Return one of the paper's Tables 2 to 6: ``arms``, and ``rows`` of means with their marks."""
    return json.loads(files("analysis").joinpath("paper_tables.json").read_text("utf-8"))["tables"][str(number)]


def beside_table3(ours: Table) -> Table | None:
    """Return our Table 3 beside the paper's for the strategies that both have; None if there are none."""
    rows = []
    for line in printed(3)["rows"]:
        for row in ours.rows:
            if row.labels == (TITLES[line["row"]],):
                rows += _rows(line, row, ours)
    if not rows:
        return None
    return Table(
        name=f"{ours.name}-paper",
        title="The paper's Table 3 beside ours",
        caption="The paper: bert-base-uncased, 14 tasks, 10 seeds, two weightings marked against each other. "
        "Ours: as the caption of our table says, marks against every weighting run; another encoder, fewer "
        "tasks or a smaller pool make the two differ. Difference: ours minus the paper's.",
        headers=("Algorithm", "Weighting"),
        groups=tuple(Group(title, ("ours", "paper", "difference")) for title in METRIC_TITLES.values()),
        rows=tuple(rows),
    )


def _rows(line: Any, row: Row, ours: Table) -> list[Row]:
    cells = dict(zip(ours.columns, row.cells, strict=True))
    rows = []
    for arm in printed(3)["arms"]:
        if (METRIC_TITLES["auc"], arm) not in cells:
            continue
        beside: list[Cell] = []
        for metric, title in METRIC_TITLES.items():
            cell, theirs = cells[title, arm], line["metrics"][metric][arm]
            difference = cell.value - theirs["mean"]
            beside += [
                Cell(cell.text, cell.value, cell.n, cell.bold, cell.note),
                Cell(decimal(theirs["mean"]), theirs["mean"], bold=theirs["bold"]),
                Cell(signed(difference), difference),
            ]
        rows.append(Row((*row.labels, arm), tuple(beside)))
    return rows
