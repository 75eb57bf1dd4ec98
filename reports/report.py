"""One door: a store in, a folder of files or something for a terminal out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import RenderableType

from analysis import Store, explain, overview, read_results, sections, write_atomically
from reports.figure import learning_curves
from reports.latex import to_latex
from reports.page import to_html
from reports.plain import frame_to_csv, frame_to_parquet, to_csv, to_markdown
from reports.terminal import explained, to_terminal


@dataclass(frozen=True)
class ReportFiles:
    """What a report consists of on disk.

    Attributes:
        html: the self-contained page.
        tables: each table as .csv, .md and .tex.
        figures: each figure as .svg and .pdf.
        runs: all finished runs, a row each, as .csv and .parquet.
    """

    html: Path
    tables: tuple[Path, ...]
    figures: tuple[Path, ...]
    runs: tuple[Path, ...]


def write_report(store_path: str | Path, out_dir: str | Path) -> ReportFiles:
    """Write ``report.html``, ``tables/``, ``figures/`` and ``runs``; the same store gives the same bytes.

    Files of that name are replaced, each of them whole or not at all; the page is written last.

    Raises:
        StoreError: if there is no store, or a file cannot be written.
        PairingError: if two runs of the store claim one place of a table.
    """
    results = read_results(Store(store_path))
    parts, out = sections(results), Path(out_dir)
    tables, figures = {}, {}
    for section in parts:
        for table in section.tables:
            for suffix, spell in (("csv", to_csv), ("md", to_markdown), ("tex", to_latex)):
                tables[out / "tables" / f"{table.name}.{suffix}"] = spell(table).encode()
        for curves in section.curves:
            for kind in ("svg", "pdf"):
                path = out / "figures" / f"{curves.name}.{kind}"
                figures[path] = learning_curves(curves.data, kind, curves.name)
    runs = {
        out / "runs.csv": frame_to_csv(results.runs),
        out / "runs.parquet": frame_to_parquet(results.runs),
    }
    page = {out / "report.html": to_html(parts, overview(results)).encode()}
    for path, content in (tables | figures | runs | page).items():
        write_atomically(path, content)
    return ReportFiles(html=out / "report.html", tables=tuple(tables), figures=tuple(figures), runs=tuple(runs))


def terminal_table(store_path: str | Path, wanted: Collection[str] = ()) -> RenderableType:
    """Return tables of a store as something ``rich`` prints, with their notes and what did not finish.

    Args:
        store_path: the store.
        wanted: addresses such as ``T4``; none: the full results.

    Raises:
        StoreError: if there is no store.
        PairingError: if two runs of the store claim one place of a table.
    """
    results = read_results(Store(store_path))
    return to_terminal(sections(results), overview(results), wanted)


def terminal_explanation(store_path: str | Path, address: Sequence[str], settings: str = "") -> RenderableType:
    """Return the runs behind a number of a table as something ``rich`` prints; see :func:`analysis.explain`.

    Raises:
        SpecError: if the address names no cell, or several.
        StoreError: if there is no store.
    """
    return explained(explain(Store(store_path), address, settings))
