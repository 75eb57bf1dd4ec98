"""Figures with the rounds of the loop on the x axis, a small multiple per algorithm."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from analysis import metric_title
from reports.figures.style import GREY, Appearance, across, by_name, legend, looks, small_multiples, zero_line

BOUNDS = {"uniform random draw": "expected", "ceiling": "ceiling"}
HEADROOM = 2.5
"""A ceiling or band that reaches beyond this many times what was found is cut off, so that differences stay visible."""


def learning_curves(means: pd.DataFrame, differences: pd.DataFrame) -> Canvas:
    """Draw the mean of a metric, and beneath it each weighting's paired difference with its band.

    Args:
        means: of one metric, as :func:`analysis.figures.curves.mean_curves` returns it.
        differences: as :func:`analysis.figures.curves.difference_curves`; may be empty.
    """
    algorithms, look = by_name(means["algorithm_label"]), looks(by_name(means["weighting_label"]))
    drawn, places = small_multiples(algorithms, (1.1, 0.9) if len(differences) else (1.2,))
    lines: dict[str, Line2D] = {}
    for algorithm, panels in zip(algorithms, places, strict=True):
        own = means[means["algorithm_label"] == algorithm]
        lines |= _lines(panels[0], own, "weighting_label", ("labelled", "mean"), look)
        for panel in panels[1:]:
            zero_line(panel)
            own = differences[differences["algorithm_label"] == algorithm]
            _lines(panel, own, "larger", ("labelled", "mean"), look)
            for label, band in own.groupby("larger"):
                colour = look[str(label)].colour
                panel.fill_between(band["labelled"], band["low"], band["high"], color=colour, alpha=0.2, linewidth=0)
    reach = HEADROOM * differences["mean"].abs().max() if len(differences) else 0.0
    if reach and differences[["low", "high"]].abs().max().max() > reach:
        places[0][1].set_ylim(-reach, reach)
    for panels in places[:: across()]:
        for panel, title in zip(panels, (metric_title(str(means["metric"].iloc[0])), "difference"), strict=False):
            panel.set_ylabel(title)
    drawn.supxlabel("rows labelled", fontsize="medium")
    legend(drawn, {label: lines[label] for label in look})
    return drawn


def positives_found(found: pd.DataFrame) -> Canvas:
    """Draw the positives found so far, and what chance would find and the pool would yield.

    Args:
        found: as :func:`analysis.figures.curves.positives_found` returns it.
    """
    algorithms, look = by_name(found["algorithm_label"]), looks(by_name(found["weighting_label"]))
    drawn, places = small_multiples(algorithms, (1.5,))
    lines: dict[str, Line2D] = {}
    for algorithm, (panel,) in zip(algorithms, places, strict=True):
        own = found[found["algorithm_label"] == algorithm]
        bounds = own.groupby("selected")[["expected", "ceiling"]].mean()
        for (title, column), dashes in zip(BOUNDS.items(), ((6, 2), (1, 1.5)), strict=True):
            (lines[title],) = panel.plot(bounds.index, bounds[column], color=GREY, linestyle=(0, dashes))
        lines |= _lines(panel, own, "weighting_label", ("selected", "found"), look)
    top = np.nanmin([found["ceiling"].max(), HEADROOM * found[["found", "expected"]].max().max()])
    places[0][0].set_ylim(-0.05 * max(top, 1), 1.05 * max(top, 1))
    drawn.supxlabel("rows selected", fontsize="medium")
    drawn.supylabel("positives found", fontsize="medium")
    legend(drawn, {label: lines[label] for label in [*look, *BOUNDS]})
    return drawn


def _lines(
    panel: Axes, frame: pd.DataFrame, by: str, axes: tuple[str, str], look: dict[str, Appearance]
) -> dict[str, Line2D]:
    """Draw a line per value of a column, and return the lines by value."""
    lines = {}
    for label, own in frame.groupby(by):
        this = look[str(label)]
        (lines[str(label)],) = panel.plot(
            own[axes[0]], own[axes[1]], color=this.colour, linestyle=this.line, marker=this.marker
        )
    return lines
