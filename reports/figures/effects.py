"""Figures of paired differences with their intervals: by ratio, and by task."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FixedLocator, NullLocator

from analysis import metric_title
from reports.figures.style import (
    GREY,
    PALETTE,
    Appearance,
    across,
    by_name,
    error_bars,
    in_order,
    legend,
    looks,
    row_of_panels,
    small_multiples,
    wrapped,
    zero_line,
)

OVER_ALL = {"seed": "these tasks", "task": "new tasks", "dataset": "new datasets"}
"""Unit of a mean over all tasks -> what it speaks of."""


def effect_by_ratio(ratios: pd.DataFrame) -> Canvas:
    """Draw the paired difference against the ratio, a small multiple for all algorithms and for each.

    Args:
        ratios: of one metric, as :func:`analysis.figures.effects.by_ratio` returns it: all algorithms together come
            first.
    """
    together, *each = dict.fromkeys(ratios["algorithm_label"])
    algorithms = [together, *by_name(each)]
    look, shown = looks(by_name(ratios["smaller"])), sorted(ratios["ratio"].unique())
    drawn, places = small_multiples(algorithms, (1.3,))
    marks: dict[str, Any] = {}
    for algorithm, (panel,) in zip(algorithms, places, strict=True):
        zero_line(panel)
        for place, (label, own) in enumerate(ratios[ratios["algorithm_label"] == algorithm].groupby("smaller")):
            at = own["ratio"] * 1.06 ** (place - (len(look) - 1) / 2)  # side by side
            marks[str(label)] = _points(panel, at, own["mean"], own, look[str(label)], line=True)
        panel.set_xscale("log")
        panel.xaxis.set_major_locator(FixedLocator(shown))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.set_xticklabels([f"1/{ratio}" for ratio in shown], rotation=45)
    for (panel,) in places[:: across()]:
        panel.set_ylabel("difference")
    drawn.supxlabel("positives in the pool", fontsize="medium")
    _legend_against(drawn, str(ratios["larger"].iloc[0]), marks)
    return drawn


def forest(tasks: pd.DataFrame) -> Canvas:
    """Draw the paired difference of each task with its interval, datasets together, and the means over all tasks.

    Args:
        tasks: as :func:`analysis.figures.effects.by_task` returns it; also ``edge``, if there is one to mark in a row.
    """
    metrics, look = in_order(tasks["metric"]), looks(by_name(tasks["smaller"]))
    each = tasks[tasks["dataset"] != ""]
    rows: list[tuple[str, str, str]] = []
    for dataset, own in each.groupby("dataset"):
        rows += [(str(dataset), "", ""), *((str(dataset), rare, "seed") for rare in by_name(own["positive"]))]
    over_all = set(tasks.loc[tasks["dataset"] == "", "unit"])
    rows += [("", "", ""), *(("", "", unit) for unit in OVER_ALL if unit in over_all)]
    at = {row: -place for place, row in enumerate(rows)}
    drawn, panels = row_of_panels(list(map(metric_title, metrics)), 0.9 + 0.19 * len(rows))
    marks: dict[str, Any] = {}
    for panel, metric in zip(panels, metrics, strict=True):
        zero_line(panel, vertical=True)
        here = tasks[tasks["metric"] == metric]
        for place, (label, own) in enumerate(here.groupby("smaller")):
            y = own[["dataset", "positive", "unit"]].apply(tuple, axis=1).map(at).astype(float) - 0.3 * (
                place - (len(look) - 1) / 2
            )
            marks[str(label)] = _points(panel, own["mean"], y, own, look[str(label)], vertical=False)
            if "edge" in own:
                panel.vlines(own["edge"], y - 0.5, y + 0.5, color=PALETTE[3], linestyle="--", linewidth=0.9)
        panel.set_xlabel("difference")
        panel.grid(visible=False, axis="y")
        panel.tick_params(axis="y", length=0)
        for row, place in at.items():
            panel.axhline(place, color=GREY, linewidth=0.5, alpha=0.25 if row[2] else 0, zorder=0)
    panels[0].set_yticks(list(at.values()), [_task_label(*row) for row in rows])
    for text, (dataset, rare, unit) in zip(panels[0].get_yticklabels(), rows, strict=True):
        text.set_fontweight("normal" if rare or not (dataset or unit) else "bold")
    panels[0].set_ylim(-len(rows) + 0.4, 0.6)
    _legend_against(drawn, str(tasks["larger"].iloc[0]), marks)
    return drawn


def _task_label(dataset: str, rare: str, unit: str) -> str:
    if dataset:
        return wrapped(rare or dataset, 30)
    return OVER_ALL.get(unit, "")


def _points(
    panel: Axes,
    x: pd.Series[float],
    y: pd.Series[float],
    frame: pd.DataFrame,
    look: Appearance,
    *,
    line: bool = False,
    vertical: bool = True,
) -> Any:
    """Draw means with their intervals; return a handle for the legend."""
    bars: dict[str, Any] = {"yerr" if vertical else "xerr": error_bars(frame)}
    return panel.errorbar(
        x,
        y,
        **bars,
        color=look.colour,
        linestyle=look.line if line else "none",
        marker=look.marker,
        elinewidth=0.9,
        capsize=1.5,
    )


def _legend_against(drawn: Canvas, larger: str, marks: dict[str, Any]) -> None:
    legend(drawn, {f"{larger} − {smaller}": mark for smaller, mark in sorted(marks.items())})
