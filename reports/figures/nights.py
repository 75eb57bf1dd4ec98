"""Estimates night by night: a row of sparklines per comparison, a panel per metric."""

from __future__ import annotations

from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from analysis import metric_title
from reports.figures.style import (
    GREY,
    SMALLEST,
    Appearance,
    canvas,
    error_bars,
    in_order,
    legend,
    over_panels,
    several_looks,
    wrapped,
)

STATES = {"": "steady", "outside": "outside", "drift": "drift"}
HEIGHT, MANY_HEIGHT, FEW = 0.42, 0.26, 8
"""Inches of a strategy's row, of one among more than a few, and how many are a few."""
NAMES = 1.3
"""Inches of the names of strategies."""
REFERENCE, MARGIN = "reference", "margin"


def nights(points: pd.DataFrame) -> Canvas:
    """Draw a row of sparklines a strategy, one for each metric: estimates with intervals beside reference and margin.

    Args:
        points: rows of one role, as :func:`analysis.nights.series` returns them, in the order in which strategies are
            drawn; also ``margin``, where there is one to mark.
    """
    names, metrics = list(dict.fromkeys(points["name"])), in_order(points["metric"])
    at = {night: number for number, night in enumerate(sorted(set(points["night"])))}
    height = HEIGHT if len(names) <= FEW else MANY_HEIGHT
    drawn = canvas(0.9 + height * len(names))
    panels = drawn.subplots(len(names), len(metrics), squeeze=False, sharex=True, sharey="col")
    blue, orange, _, red = several_looks(4)
    look = dict(zip(STATES.values(), (blue, orange, red), strict=True))
    marks: dict[str, Any] = {}
    for name, row in zip(names, panels, strict=True):
        for metric, panel in zip(metrics, row, strict=True):
            own = points[(points["name"] == name) & (points["metric"] == metric)].sort_values("night")
            marks |= _nights(panel, own.assign(at=own["night"].map(at), mean=own["estimate"]), look)
            panel.tick_params(labelsize=SMALLEST, length=2)
            panel.yaxis.set_major_locator(MaxNLocator(2))
            sns.despine(ax=panel)
        row[0].set_ylabel(wrapped(name, 24), rotation=0, ha="right", va="center", fontsize=SMALLEST)
    for metric, panel in zip(metrics, panels[0], strict=True):
        panel.set_title(over_panels(metric_title(metric), len(metrics), NAMES))
    shown = sorted({0, len(at) // 2, len(at) - 1})
    panels[0][0].set_xticks(shown, [list(at)[number].partition("-")[2] for number in shown])  # the year is in the text
    panels[0][0].set_xlim(-0.6, len(at) - 0.4)
    drawn.supxlabel("night (candidate − baseline)", fontsize="medium")
    legend(drawn, {label: marks[label] for label in [*STATES.values(), REFERENCE, MARGIN] if label in marks})
    return drawn


def _nights(panel: Axes, own: pd.DataFrame, look: dict[str, Appearance]) -> dict[str, Any]:
    """Draw one series; return handles for the legend."""
    marks: dict[str, Any] = {}
    (marks[REFERENCE],) = panel.plot(own["at"], own["reference"], color=GREY, linestyle="--", linewidth=0.8)
    if "margin" in own and own["margin"].notna().any():
        red = look[STATES["drift"]].colour
        (marks[MARGIN],) = panel.plot(own["at"], -own["margin"], color=red, linestyle=":", linewidth=0.9)
    for state, label in STATES.items():
        these = own[own["state"] == state]
        if len(these):
            marks[label] = panel.errorbar(
                these["at"], these["mean"], yerr=error_bars(these), color=look[label].colour, linestyle="none",
                marker=look[label].marker, markersize=2.5, elinewidth=0.7, capsize=1,
            )  # fmt: skip
    return marks
