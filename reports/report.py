"""One door: a store in, a folder of files or a terminal table out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import RenderableType

from analysis import Store, overview, read_results, sections, write_atomically
from reports.figure import learning_curves
from reports.latex import to_latex
from reports.page import to_html
from reports.plain import to_csv, to_markdown
from reports.terminal import to_terminal


@dataclass(frozen=True)
class ReportFiles:
    """What a report consists of on disk.

    Attributes:
        html: the self-contained page.
        tables: each table as .csv, .md and .tex.
        figures: each figure as .svg and .pdf.
    """

    html: Path
    tables: tuple[Path, ...]
    figures: tuple[Path, ...]


def write_report(store_path: str | Path, out_dir: str | Path) -> ReportFiles:
    """Write ``report.html``, ``tables/`` and ``figures/``; the same store gives the same bytes.

    Files of that name are replaced, each of them whole or not at all; the page is written last.

    Raises:
        StoreError: if there is no store, or a file cannot be written.
    """
    results = read_results(Store(store_path))
    parts, out = sections(results), Path(out_dir)
    tables, figures = {}, {}
    for section in parts:
        for table in section.tables:
            for suffix, spell in (("csv", to_csv), ("md", to_markdown), ("tex", to_latex)):
                tables[out / "tables" / f"{table.name}.{suffix}"] = spell(table).encode()
        for kind in ("svg", "pdf"):
            path = out / "figures" / f"curves-{section.name}.{kind}"
            figures[path] = learning_curves(section.curves, kind, section.name)
    page = {out / "report.html": to_html(parts, overview(results)).encode()}
    for path, content in (tables | figures | page).items():
        write_atomically(path, content)
    return ReportFiles(html=out / "report.html", tables=tuple(tables), figures=tuple(figures))


def terminal_table(store_path: str | Path) -> RenderableType:
    """Return Table 3 of a store as something ``rich`` prints, with its notes and what did not finish.

    Raises:
        StoreError: if there is no store.
    """
    results = read_results(Store(store_path))
    return to_terminal(sections(results), overview(results))
