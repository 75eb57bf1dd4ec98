"""Learning curves with matplotlib, drawn the same bytes every time."""

from __future__ import annotations

import io
from itertools import cycle
from typing import Any, Literal

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis import CURVE_METRICS, metric_title

GREY = "#808080"  # readable on white and on black
STYLES = ("-", "--", ":", "-.")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
METADATA: dict[str, dict[str, None]] = {
    "svg": dict.fromkeys(("Date", "Creator", "Format", "Type")),
    "pdf": dict.fromkeys(("CreationDate", "Creator", "Producer")),
}


def learning_curves(curves: pd.DataFrame, kind: Literal["svg", "pdf"], salt: str) -> bytes:
    """Return a figure of learning curves: a row of panels per algorithm, a column per metric.

    A line is the mean over tasks and seeds against the rows labelled, its band the 95 % t-interval of that
    mean; weightings differ in colour, line style and marker.

    Args:
        curves: ``analysis.Curves.data``, not empty.
        kind: ``svg`` keeps text as text and has no background, so that a page's colours show; ``pdf`` embeds
            its fonts.
        salt: what an SVG's ids are derived from instead of chance.
    """
    style: Any = {
        **sns.axes_style("ticks"),
        "svg.hashsalt": salt,
        "svg.fonttype": "none",
        "pdf.fonttype": 42,
        "text.parse_math": False,  # a `$` in a name is a dollar sign
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.edgecolor": GREY,
        "xtick.color": GREY,
        "ytick.color": GREY,
        # black text is written without a colour, so that a page can set its own
        **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"), "black"),
        "grid.color": GREY,
        "grid.alpha": 0.25,
    }
    with mpl.rc_context(style):
        figure = _draw(curves)
        out = io.BytesIO()
        figure.savefig(out, format=kind, transparent=kind == "svg", metadata=METADATA[kind])
    return out.getvalue()


def _draw(curves: pd.DataFrame) -> Figure:
    algorithms = list(dict.fromkeys(curves["algorithm_label"]))
    weightings = sorted(set(curves["weighting_label"]))
    looks = dict(
        zip(
            weightings,
            zip(cycle(sns.color_palette("colorblind")), cycle(STYLES), cycle(MARKERS)),
            strict=False,
        )
    )
    figure = Figure(figsize=(9, 0.7 + 2.1 * len(algorithms)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(algorithms), len(CURVE_METRICS), squeeze=False, sharex=True, sharey="col")
    lines = {}
    for row, algorithm in zip(panels, algorithms, strict=True):
        for panel, metric in zip(row, CURVE_METRICS, strict=True):
            here = curves[(curves["algorithm_label"] == algorithm) & (curves["metric"] == metric)]
            for weighting, own in here.groupby("weighting_label"):
                colour, line, marker = looks[str(weighting)]
                lines[weighting] = panel.plot(
                    own["labelled"], own["mean"], color=colour, linestyle=line, marker=marker, markersize=3.5
                )[0]
                panel.fill_between(own["labelled"], own["low"], own["high"], color=colour, alpha=0.15, linewidth=0)
            panel.grid(visible=True)
            sns.despine(ax=panel)
        row[0].set_ylabel(algorithm)
    for panel, metric in zip(panels[0], CURVE_METRICS, strict=True):
        panel.set_title(metric_title(metric))
    for panel in panels[-1]:
        panel.set_xlabel("rows labelled")
    figure.legend(
        [lines[weighting] for weighting in weightings if weighting in lines],
        [weighting for weighting in weightings if weighting in lines],
        loc="outside upper center",
        ncols=6,
        frameon=False,
    )
    return figure
