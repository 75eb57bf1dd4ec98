"""The two shapes of table that commands print."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

MOST_LINES = 20
"""Lines of one kind that are shown; of more, their number."""


def table_of(title: str, *columns: str) -> Table:
    """Return an empty table with a title and the names of its columns."""
    table = Table(title=title or None, title_justify="left", header_style="bold", show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def facts_table(title: str, rows: Mapping[str, str | Text]) -> Table:
    """Return names with their values, without a header."""
    table = table_of(title, "", "")
    table.show_header = False
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def show_lines(prefix: str, lines: list[str], style: str, console: Console) -> None:
    """Print lines of one kind in a style, the first of them only if they are many."""
    for line in lines[:MOST_LINES]:
        console.print(f"{prefix}: {line}", style=style)
    if len(lines) > MOST_LINES:
        console.print(f"... and {len(lines) - MOST_LINES:,} more", style=style)
