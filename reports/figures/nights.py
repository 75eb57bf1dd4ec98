"""Estimates night by night, a small multiple per comparison and a panel per metric."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from analysis import metric_title
from reports.figures.style import (
    GREY,
    Appearance,
    across,
    error_bars,
    in_order,
    legend,
    several_looks,
    small_multiples,
    wrapped,
)

STATES = {"": "steady", "outside": "outside", "drift": "drift"}
HEIGHT, MANY_HEIGHT = 1.0, 0.65
"""Inches of a panel where all names stand in one row, and where they do not."""
REFERENCE = "reference"


def nights(points: pd.DataFrame) -> Canvas:
    """Draw each night's estimate with its interval beside the reference; nights outside and drift have other marks.

    Args:
        points: rows of one role, as :func:`analysis.nights.series` returns them, in the order of the nights.
    """
    names, metrics = list(dict.fromkeys(points["name"])), in_order(points["metric"])
    at = {night: number for number, night in enumerate(dict.fromkeys(points["night"]))}
    drawn, places = small_multiples(names, (HEIGHT if len(names) <= across() else MANY_HEIGHT,) * len(metrics))
    blue, orange, _, red = several_looks(4)
    look = dict(zip(STATES.values(), (blue, orange, red), strict=True))
    marks: dict[str, Any] = {}
    for name, panels in zip(names, places, strict=True):
        for metric, panel in zip(metrics, panels, strict=True):
            own = points[(points["name"] == name) & (points["metric"] == metric)]
            marks |= _nights(panel, own.assign(at=own["night"].map(at), mean=own["estimate"]), look)
    for panels in places[:: across()]:
        for metric, panel in zip(metrics, panels, strict=True):
            panel.set_ylabel(wrapped(metric_title(metric), 10))
    shown = sorted({0, len(at) // 2, len(at) - 1})
    places[0][0].set_xticks(shown, [list(at)[number].partition("-")[2] for number in shown])  # the year is in the text
    places[0][0].set_xlim(-0.6, len(at) - 0.4)
    for panels in places:
        panels[-1].tick_params(axis="x", rotation=30)
    drawn.supylabel("candidate − baseline", fontsize="medium")
    legend(drawn, {label: marks[label] for label in [*STATES.values(), REFERENCE] if label in marks})
    return drawn


def _nights(panel: Axes, own: pd.DataFrame, look: dict[str, Appearance]) -> dict[str, Any]:
    """Draw one series; return handles for the legend."""
    marks: dict[str, Any] = {}
    (marks[REFERENCE],) = panel.plot(own["at"], own["reference"], color=GREY, linestyle="--", linewidth=0.8)
    for state, label in STATES.items():
        these = own[own["state"] == state]
        if len(these):
            marks[label] = panel.errorbar(
                these["at"], these["mean"], yerr=error_bars(these), color=look[label].colour, linestyle="none",
                marker=look[label].marker, elinewidth=0.9, capsize=1.5,
            )  # fmt: skip
    return marks
