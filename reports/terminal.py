"""Tables for a terminal: one small grid per metric, side by side where the terminal is wide enough."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import isinf, isnan
from typing import Any

from rich import box
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from analysis import (
    DISAGREE,
    FULL_RESULTS,
    HOLE,
    NO_VALUE,
    SEED_LEVEL,
    Cell,
    CellTest,
    Explanation,
    Leaderboard,
    Overview,
    Section,
    Standing,
    Table,
    count,
    metric_title,
    p_text,
)

# Names and reasons come from files: they are wrapped in Text, whose content rich never reads as markup.


def to_terminal(sections: list[Section], overview: Overview, wanted: Collection[str] = ()) -> RenderableType:
    """Return tables of each section with captions and notes, what else there is, and what did not finish.

    Args:
        sections: what to show.
        overview: of the same store.
        wanted: addresses of the tables to print; none: the full results (all tables, if a section has none).

    Raises:
        UnknownNameError: if a section has no such table.
    """
    parts: list[RenderableType] = []
    for section in sections:
        chosen = [section.table(name) for name in wanted] or _by_default(section)
        parts += [part for table in chosen for part in printed(table)]
        others = [table.address for table in section.tables if table not in chosen]
        parts.append(Text(f"Further tables: {', '.join(others)}", style="dim"))
        if section.agreement.marks:
            parts.append(Text(f"Against the paper's Tables 2 to 6: {section.agreement.line}"))
        parts += [Text(line, style="dim") for line in section.not_run.values()]
    if not sections:
        parts.append(Text("No finished runs in this store yet."))
    for problem in overview.problems:
        parts.append(Text(f"{problem.count} {problem.status}: {problem.reason} (one is {problem.example})"))
    parts += [Text(f"unreadable: {line}") for line in overview.unreadable]
    return Group(*parts)


def _by_default(section: Section) -> list[Table]:
    if not section.of_paper:
        return [one.table for one in section.standings]
    numbered = [one.table for one in section.numbered]
    return [table for table in numbered if table.address == FULL_RESULTS] or numbered


def best(standings: Mapping[str, Sequence[Standing]], most: int) -> RenderableType:
    """Return leaderboards, a line for each of the highest ranked strategies, with what to take.

    Args:
        standings: title of a section -> its own.
        most: lines of a leaderboard; random+uniform comes at the end where it is not among them.
    """
    parts: list[RenderableType] = []
    for title, own in standings.items():
        if len(standings) > 1 and own:
            parts.append(Text(title, style="bold underline"))
        for one in own:
            parts += [Text(one.board.lead, style="bold"), _ranked(one.board, most)]
            parts += [*(Text(line) for line in one.advice), Text()]
    if not any(standings.values()):
        parts.append(Text("No finished runs here to rank."))
    return Group(*parts)


def _ranked(board: Leaderboard, most: int) -> RenderableType:
    shown = board.order[:most]
    if board.baseline is not None and board.baseline not in shown:
        shown = [*shown, board.baseline]
    means: Any = board.cells[board.cells["metric"] == board.metric].set_index("strategy")
    against: Any = board.against_baseline
    tests = against[against["metric"] == board.metric].set_index("strategy")
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    grid.add_column("")
    grid.add_column("strategy", no_wrap=True)
    for header in (f"{metric_title(board.metric)} ± 95 %", "− random", "p", "saved", "s a run"):
        grid.add_column(Text(header), justify="right")
    for at in shown:
        facts: Any = board.table.iloc[at]
        mean = means.loc[at]
        half = "" if isnan(mean["low"]) else f" ± {(mean['high'] - mean['low']) / 2:.3f}"
        away = ("", "")
        if at in tests.index and not isnan(tests.loc[at, "estimate"]):
            away = (f"{tests.loc[at, 'estimate']:+.3f}", p_text(tests.loc[at, "p_holm"]))
        saved = "" if isnan(facts["saved"]) else ">0" if isinf(facts["saved"]) else f"{facts['saved']:+.0f}"
        rank = NO_VALUE if isnan(facts["rank"]) else f"{facts['rank']:.0f}"
        score, seconds = f"{mean['value']:.3f}{half}", f"{facts['seconds']:,.1f}"
        grid.add_row(rank, Text(board.names[at]), score, *away, saved, seconds)
    return grid


def printed(table: Table) -> list[RenderableType]:
    """Return a table: a grid per group of columns, its legend, caption and notes."""
    grids = []
    start, width = 0, max(len(cell.signs) for cell in table.cells)
    for group in table.groups:
        stop = start + len(group.columns)
        grid = Grid(title=Text(group.title), box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for header in table.headers:
            grid.add_column(Text(header), no_wrap=True)
        for column in group.columns:
            grid.add_column(Text(column), justify="right", no_wrap=True)
            if table.with_p:
                grid.add_column(Text("p"), justify="right", no_wrap=True, style="dim")
        for row in table.shown:
            cells = [text for cell in row.cells[start:stop] for text in _texts(cell, width, with_p=table.with_p)]
            grid.add_row(*map(Text, row.labels), *cells)
        grids.append(grid)
        start = stop
    legend = [
        f"* and bold: {table.mark}." if table.mark else "",
        f"{SEED_LEVEL}: by the seed-level test. {DISAGREE}: the two disagree." if table.seed_mark else "",
        "p: the largest of its tests." if table.with_p else "",
        f"{HOLE}: see below." if any(cell.note for cell in table.cells) else "",
    ]
    return [
        Text(table.heading, style="bold"),
        Columns(grids, padding=(1, 3)),
        Text("  ".join(filter(None, legend)), style="dim"),
        Text(table.caption, style="dim"),
        *(Text(f"- {note}", style="yellow") for note in table.notes),
        Text(),
    ]


def _texts(cell: Cell, width: int, *, with_p: bool) -> list[Text]:
    marks = ("*" if cell.bold else " ") + cell.signs.ljust(width)
    return [Text(cell.text + marks, style="bold" if cell.bold else ""), *([Text(p_text(cell.p))] if with_p else [])]


def explained(found: Explanation) -> RenderableType:
    """Return a cell with what it was tested against, and a line per run behind it."""
    cell = found.cell
    tests = [line for one in cell.tests for line in _tests(one)]
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in found.runs.columns:
        grid.add_column(Text(str(name)), overflow="fold")
    for run in found.runs.itertuples(index=False):
        grid.add_row(*(Text(f"{value:.6f}" if isinstance(value, float) else str(value)) for value in run))
    return Group(
        Text(found.table.heading, style="bold"),
        Text(f"{', '.join(found.place)}: {cell.text} ({cell.value!r})"),
        *(Text(line) for line in tests),
        *([Text(f"{HOLE} {cell.note}", style="yellow")] if cell.note else []),
        Text(f"{count(len(found.runs), 'run')} behind it, in {found.store}:"),
        grid,
    )


def _tests(one: CellTest) -> list[str]:
    """Return a line for each test."""
    lines = [
        f"against {one.against}: {count(one.pairs, 'pair')}, difference {_six(one.difference)}, p {_six(one.p, '')}"
        + f" ({one.note})" * bool(one.note)
    ]
    if one.has_seed_level:
        lines.append(
            f"    seed-level: {count(one.units, 'seed')}, difference {_six(one.estimate)} "
            f"[{_six(one.low)}, {_six(one.high)}], p {_six(one.p_seed, '')}, after Holm {_six(one.p_holm, '')}"
            + f" ({one.seed_note})"
            * bool(one.seed_note)
        )
    return lines


def _six(value: float, sign: str = "+") -> str:
    """Return a number to six digits; a dash where there is none."""
    return NO_VALUE if isnan(value) else f"{value:{sign}.6f}"
