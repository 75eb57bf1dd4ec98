"""One door: a store in, a folder of files or something for a terminal out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType

from analysis import (
    METRICS,
    Cache,
    Figure,
    Overview,
    Results,
    Section,
    Store,
    expanded,
    explain,
    overview,
    read_results,
    score_figure,
    sections,
    shown_metric,
    standings_at,
    traced,
    write_atomically,
)
from analysis.figures import nearest_texts, sourced
from reports.latex import to_latex
from reports.page import to_html
from reports.paper import paper_files
from reports.picture import PAGE, Picture, begun, pictures
from reports.plain import frame_to_csv, frame_to_parquet, to_csv, to_markdown
from reports.terminal import best, explained, to_terminal
from reports.trace import trace

if TYPE_CHECKING:
    from reports.figures import ImageKind

COLUMN = 3.3
"""Inches of a column of two."""


@dataclass(frozen=True)
class ReportFiles:
    """What a report consists of on disk.

    Attributes:
        html: the self-contained page.
        tables: each table as .csv, .md and .tex.
        figures: each figure as .svg, and its numbers with the runs behind them as .csv.
        runs: all finished runs, a row each, as .csv and .parquet.
        paper: the paper-ready folder, with each figure as .pdf, where one was asked for.
    """

    html: Path
    tables: tuple[Path, ...]
    figures: tuple[Path, ...]
    runs: tuple[Path, ...]
    paper: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Report:
    """What a store says, worked out once for the terminal, the page and the files.

    Attributes:
        store, results: what it is of. sections: what is shown. overview: what the store holds.
    """

    store: Store
    results: Results
    sections: list[Section]
    overview: Overview


def read_report(store_path: str | Path, metrics: Sequence[str] = (), *, against_paper: bool = False) -> Report:
    """Return what a store says.

    Args:
        store_path: the store.
        against_paper: whether runs of other datasets than the paper's are laid out as its tables, too.
        metrics: names or aliases of those that tables show; none: the paper's three.

    Raises:
        SpecError: if there is no such metric, or no run of the store has it.
        StoreError: if there is no store.
        PairingError: if two runs of the store claim one place of a table.
    """
    store = Store(store_path)
    results = read_results(store)
    chosen = tuple(dict.fromkeys(shown_metric(name, results.runs) for name in metrics)) or METRICS
    return Report(store, results, sections(results, chosen, against_paper=against_paper), overview(results))


def write_report(
    report: Report, out_dir: str | Path, paper_dir: str | Path | None = None, *, with_texts: bool = False
) -> ReportFiles:
    """Write ``report.html``, ``tables/``, ``figures/`` and ``runs``; the same store gives the same bytes.

    Files of that name are replaced, each of them whole or not at all; the page is written last. Figures are drawn only
    where their numbers have changed since the last report of the store (they are kept in its folder ``index/``).

    Args:
        report: what to write.
        out_dir: where to write.
        paper_dir: where to write the paper-ready folder (see :func:`reports.paper.paper_files`); none: not at all.
        with_texts: whether the page shows excerpts of texts that runs selected.

    Raises:
        StoreError: if a file cannot be written.
    """
    out, parts, seen = expanded(out_dir), report.sections, report.overview
    drawing = _begun(report, PAGE if paper_dir is None else (*PAGE, "pdf"))
    behind = trace(traced(report.store, report.results), [table for section in parts for table in section.tables])
    spellings = (("csv", to_csv), ("md", to_markdown), ("tex", to_latex))
    tables = {
        out / "tables" / f"{table.name}.{suffix}": spell(table).encode()
        for section in parts
        for table in section.tables
        for suffix, spell in spellings
    }
    figures = {
        out / "figures" / f"{figure.name}.csv": frame_to_csv(sourced(figure, section.runs_of(figure)))
        for section in parts
        for figure in _figures(report.store, section)
        if section.standings
    }
    drawn = drawing()
    figures |= {out / "figures" / f"{picture.name}.svg": picture.svg for own in drawn.values() for picture in own}
    runs = {
        out / "runs.csv": frame_to_csv(report.results.runs),
        out / "runs.parquet": frame_to_parquet(report.results.runs),
    }
    paper = {}
    if paper_dir is not None:
        files = paper_files(parts, seen, drawn, _narrow(report))
        paper = {expanded(paper_dir) / path: content for path, content in files.items()}
    gate = (out / "gate.html").exists()
    texts = {one.suffix: nearest_texts(map(report.store.read, one.block)) for one in parts if with_texts}
    page = {out / "report.html": to_html(parts, seen, behind, drawn, texts, gate=gate).encode()}
    for path, content in (tables | figures | runs | paper | page).items():
        write_atomically(path, content)
    return ReportFiles(out / "report.html", tuple(tables), tuple(figures), tuple(runs), tuple(paper))


def _begun(report: Report, kinds: Sequence[ImageKind]) -> Callable[[], dict[str, tuple[Picture, ...]]]:
    """Begin to draw all figures; return what waits for them and gives suffix of a section -> its figures."""
    wanted = {section.suffix: _figures(report.store, section) for section in report.sections}
    kept = Cache(report.store.path / "index" / "figures")
    waiting = begun([figure for own in wanted.values() for figure in own], kept, kinds=kinds)

    def drawn() -> dict[str, tuple[Picture, ...]]:
        made = iter(waiting())
        return {suffix: tuple(next(made) for _ in own) for suffix, own in wanted.items()}

    return drawn


def _narrow(report: Report) -> dict[str, tuple[Picture, ...]]:
    """Return suffix of a section -> the figures that answer its question, as wide as a column."""
    kept = Cache(report.store.path / "index" / "columns")
    wanted = {section.suffix: [one for one in section.figures if one.main] for section in report.sections}
    made = iter(pictures([one for own in wanted.values() for one in own], kept, COLUMN, ("pdf",)))
    return {suffix: tuple(next(made) for _ in own) for suffix, own in wanted.items()}


def _figures(store: Store, section: Section) -> list[Figure]:
    """Return a section's figures, the paper's Figure 1 last."""
    scores = score_figure(store.read(section.example))
    return [*section.figures, *([scores] if scores else [])]


def terminal_table(report: Report, wanted: Collection[str] = ()) -> RenderableType:
    """Return tables of a store as something ``rich`` prints, with their notes and what did not finish.

    Args:
        report: what to print.
        wanted: addresses such as ``T4``; none: the full results.

    Raises:
        UnknownNameError: if there is no such table.
    """
    return to_terminal(report.sections, report.overview, wanted)


def terminal_best(
    report: Report, most: int = 10, ratio: int | str | None = None, start: str | None = None
) -> RenderableType:
    """Return who leads at each ratio and start, and what to take, as something ``rich`` prints.

    Args:
        report: what to print.
        most: strategies of each leaderboard.
        ratio: of the one wanted, such as 50 or natural; none: all.
        start: warm or cold; none: both.

    Raises:
        SpecError: if nothing was run there; the message says what was.
    """
    return best(standings_at(report.sections, ratio, start), most)


def terminal_explanation(store_path: str | Path, address: Sequence[str], settings: str = "") -> RenderableType:
    """Return the runs behind a number of a table as something ``rich`` prints; see :func:`analysis.explain`.

    Raises:
        SpecError: if the address names no cell, or several.
        StoreError: if there is no store.
    """
    return explained(explain(Store(store_path), address, settings))
