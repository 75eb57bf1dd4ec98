"""Table 3 for a terminal: one small grid per metric, side by side where the terminal is wide enough."""

from __future__ import annotations

from rich import box
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from analysis import Cell, Overview, Section, Table

# Names and reasons come from files: they are wrapped in Text, whose content rich never reads as markup.
LEGEND = "* and bold: larger than every other column, p < 0.05.  p: the largest of its tests.  †: runs missing."


def to_terminal(sections: list[Section], overview: Overview) -> RenderableType:
    """Return Table 3 of each section with its caption and notes, and what did not finish."""
    parts: list[RenderableType] = []
    for section in sections:
        parts += _table(section.table3)
    if not sections:
        parts.append(Text("No finished runs in this store yet."))
    for problem in overview.problems:
        parts.append(Text(f"{problem.count} {problem.status}: {problem.reason} (one is {problem.example})"))
    parts += [Text(f"unreadable: {line}") for line in overview.unreadable]
    return Group(*parts)


def _table(table: Table) -> list[RenderableType]:
    grids = []
    start = 0
    for group in table.groups:
        stop = start + len(group.columns)
        grid = Grid(title=Text(group.title), box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for header in table.headers:
            grid.add_column(Text(header), no_wrap=True)
        for column in group.columns:
            grid.add_column(Text(column), justify="right", no_wrap=True)
            grid.add_column(Text("p"), justify="right", no_wrap=True, style="dim")
        for row in table.rows:
            cells = [text for cell in row.cells[start:stop] for text in (_number(cell), Text(cell.p_text))]
            grid.add_row(*map(Text, row.labels), *cells)
        grids.append(grid)
        start = stop
    notes = [Text(f"- {note}", style="yellow") for note in table.notes]
    return [
        Text(table.title, style="bold"),
        Columns(grids, padding=(1, 3)),
        Text(LEGEND, style="dim"),
        Text(table.caption, style="dim"),
        *notes,
        Text(),
    ]


def _number(cell: Cell) -> Text:
    marks = ("*" if cell.bold else " ") + ("†" if cell.note else " ")
    return Text(cell.text + marks, style="bold" if cell.bold else "")
