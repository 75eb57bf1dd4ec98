"""``ib.report``: the page of a store."""

from __future__ import annotations

import os
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from imbal_bench.api.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imbal_bench.api.places import PathLike


@dataclass(frozen=True)
class Page:
    """A report on disk; a path wherever one is taken, and the page itself in a notebook."""

    path: Path

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def __str__(self) -> str:
        return str(self.path)

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own, since it brings its own style."""
        content = escape(self.path.read_text("utf-8"), quote=True)
        return f'<iframe srcdoc="{content}" style="width: 100%; height: 40em; border: 0"></iframe>'


def report(
    runs: Runs | PathLike,
    out: PathLike | None = None,
    *,
    metrics: Sequence[str] = (),
    paper: PathLike | None = None,
    with_texts: bool = False,
) -> Page:
    """Write the report of a store: tables, figures and the page, whose place is returned.

    Args:
        runs: of :func:`imbal_bench.run`, or a store's folder; the report is of all that the store holds.
        out: folder to write. Default: ``report/`` in the store.
        metrics: that tables show; none: the paper's.
        paper: folder for an article (LaTeX, PDF figures), if one is wanted.
        with_texts: whether the page shows excerpts of queried texts; mind their licences.

    Raises:
        StoreError: if there is no such store, no run in it is finished, or something cannot be written.
        SpecError: if there is no such metric.
    """
    from bench.paths import expanded
    from imbal_bench.workflows.report import report as write

    store = runs.store if isinstance(runs, Runs) else expanded(runs)
    written = write(
        store,
        None if out is None else expanded(out),
        metrics=metrics,
        paper=None if paper is None else expanded(paper),
        with_texts=with_texts,
    )
    written.refuse_empty(store)
    return Page(written.files.html)
