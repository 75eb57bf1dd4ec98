"""What stored runs say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import inf, isnan, nan
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from analysis import Standing, ratio_label, standings_at
from bench.errors import StoreError
from bench.paths import expanded
from bench.store import Store
from bench.store.published import TEXTS
from reports import (
    ReportFiles,
    read_report,
    terminal_best,
    terminal_explanation,
    terminal_table,
    write_report,
)


@dataclass(frozen=True)
class Reported:
    """A report on disk.

    Attributes:
        files: what was written. shown: tables for a terminal. paper: the folder for an article, if one was asked for.
        finished: whether the store holds a finished run at all. values: what was written and who leads, for programs.
    """

    files: ReportFiles
    shown: RenderableType
    paper: Path | None
    finished: bool
    values: dict[str, Any]

    def refuse_empty(self, store: Path) -> None:
        """Make sure that there was something to report.

        Raises:
            StoreError: if no run is finished.
        """
        if not self.finished:
            raise StoreError(f"{store} holds no finished runs to report; run a grid first")


def report(
    store: Path,
    out: Path | None = None,
    *,
    tables: Sequence[str] = (),
    paper: Path | None = None,
    metrics: Sequence[str] = (),
    with_texts: bool = False,
    against_paper: bool = False,
) -> Reported:
    """Write the whole report of a store.

    Args:
        store: the store.
        out: folder to write; None: ``report/`` in the store.
        tables: addresses of those to return for a terminal; none: the full results.
        paper: folder for an article, if one is wanted.
        metrics: that tables show; none: the paper's.
        with_texts: whether the page shows excerpts of selected texts.
        against_paper: whether runs of other datasets than the paper's are held against it, too.

    Raises:
        StoreError, SpecError: if there is no such store, table or metric, or texts are wanted of one that was published
            without them; nothing is written then.
    """
    if with_texts:
        Store(store).published.refuse("a page with texts", TEXTS)
    found = read_report(store, metrics, against_paper=against_paper)
    shown = terminal_table(found, tables)  # first, so that a wrong name of a table writes nothing
    files = write_report(found, out or store / "report", paper, with_texts=with_texts)
    standings = [one for section in found.sections for one in section.standings]
    seen = found.overview
    values = {
        "page": str(files.html),
        "finished": seen.finished,
        "failed": seen.failed,
        "skipped": seen.skipped,
        "problems": [asdict(problem) for problem in seen.problems],
        "tables": [str(path) for path in files.tables],
        "figures": [str(path) for path in files.figures],
        "leaderboards": [_values_of(one) for one in standings],
    }
    return Reported(files, shown, paper, bool(Store(store).keys()), values)


@dataclass(frozen=True)
class Best:
    """Who leads at each ratio and start of a store, for a terminal, and as values."""

    shown: RenderableType
    values: list[dict[str, Any]]


def best(
    store: Path, *, ratio: str | None = None, start: str | None = None, metric: str = "auc", most: int = 10
) -> Best:
    """Return who leads, and what to take with the regret of taking it.

    Args:
        store: the store.
        ratio: such as 50 or natural; None: each.
        start: warm or cold; None: each.
        metric: that ranks.
        most: strategies of each leaderboard that are shown.

    Raises:
        StoreError, SpecError: if there is no such store, metric, ratio or start.
    """
    found = read_report(store, (metric,))
    shown = terminal_best(found, most, ratio, start)
    values = [_values_of(one) for own in standings_at(found.sections, ratio, start).values() for one in own]
    return Best(shown, values)


def _values_of(one: Standing) -> dict[str, Any]:
    board = one.board
    table = board.table.iloc[board.order]
    rows = table.assign(censored=table["saved"] == inf).replace({inf: nan}).to_dict("records")
    return {
        "ratio": ratio_label(board.panel.ratio),
        "start": board.panel.start,
        "metric": board.metric,
        "answer": board.lead,
        "advice": list(one.advice),
        "strategies": [{name: _plain(value) for name, value in row.items()} for row in rows],
    }


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: NaN is null."""
    return None if isinstance(value, float) and isnan(value) else value


def explain(address: Sequence[str], store: Path, settings: str = "") -> RenderableType:
    """Return the runs behind a number of a table; a store's folder may stand first in the address.

    Raises:
        SpecError: if the address names no cell, or several. StoreError: if there is no store.
    """
    if expanded(address[0]).is_dir():
        store, address = expanded(address[0]), address[1:]
    return terminal_explanation(store, address, settings)
