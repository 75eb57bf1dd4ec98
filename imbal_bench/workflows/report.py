"""What stored runs say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import RenderableType

from bench.errors import StoreError
from bench.paths import expanded
from bench.store import Store
from reports import ReportFiles, read_report, terminal_explanation, terminal_table, write_report


@dataclass(frozen=True)
class Reported:
    """A report on disk.

    Attributes:
        files: what was written. shown: tables for a terminal. paper: the folder for an article, if one was asked for.
        finished: whether the store holds a finished run at all.
    """

    files: ReportFiles
    shown: RenderableType
    paper: Path | None
    finished: bool

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
) -> Reported:
    """Write the whole report of a store.

    Args:
        store: the store.
        out: folder to write; None: ``report/`` in the store.
        tables: addresses of those to return for a terminal; none: the full results.
        paper: folder for an article, if one is wanted.
        metrics: that tables show; none: the paper's.
        with_texts: whether the page shows excerpts of selected texts.

    Raises:
        StoreError, SpecError: if there is no such store, table or metric; nothing is written then.
    """
    found = read_report(store, metrics)
    shown = terminal_table(found, tables)  # first, so that a wrong name of a table writes nothing
    files = write_report(found, out or store / "report", paper, with_texts=with_texts)
    return Reported(files, shown, paper, bool(Store(store).keys()))


def explain(address: Sequence[str], store: Path, settings: str = "") -> RenderableType:
    """Return the runs behind a number of a table; a store's folder may stand first in the address.

    Raises:
        SpecError: if the address names no cell, or several. StoreError: if there is no store.
    """
    if expanded(address[0]).is_dir():
        store, address = expanded(address[0]), address[1:]
    return terminal_explanation(store, address, settings)
