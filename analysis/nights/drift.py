"""Where a series of nights drifts."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from statistics import median

import pandas as pd

from analysis.names import metric_title
from analysis.nights.nights import Night, Point

LEAST_BEFORE = 3
"""Earlier nights that a median is taken of."""
WINDOW, ENOUGH = 3, 2
"""A series drifts where so many of the last so many nights lie outside on one side."""
SERIES = ["role", "name", "metric", "night", "estimate", "low", "high", "reference", "state"]
RULE = (
    "A night lies outside where its interval excludes the reference: zero where a strategy is held against its own "
    "stored runs, else the median of the earlier nights that did not drift (at least three). Two of three nights in a "
    "row outside on the same side are drift (a run rule after the Western Electric handbook, 1956, with a night's own "
    "interval for its control limits): by chance alone about one night in a hundred of a series if nights were "
    "independent, and four to eight in a hundred since they share a baseline. A series starts "
    "afresh with another baseline or other settings."
)


def series(nights: Sequence[Night]) -> pd.DataFrame:
    """Return every estimate of every night, a row each, with its state.

    Returns:
        ``SERIES``: role, name (of the comparison), metric, night, estimate, low, high (the estimate itself where a
        night has no bounds), reference (NaN while there is none), and state: "", "outside" or "drift", as
        :data:`RULE` says.
    """
    columns = ["role", "name", "metric", "night", "estimate", "low", "high", "of_itself", "regime"]
    rows = [
        (one.role, one.name, point.metric, night.night, *_interval(point), one.candidate == one.baseline,
         f"{night.baseline_sha256} {night.settings}")
        for night in nights
        for one in night.comparisons
        for point in one.points
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=pd.Index(columns))
    frame = frame.assign(reference=nan, state="")
    for _, own in frame.groupby(["role", "name", "metric", "regime"], sort=False):
        references, states = _judged(own)
        frame.loc[own.index, "reference"], frame.loc[own.index, "state"] = references, states
    return frame[SERIES]


def _interval(point: Point) -> tuple[float, float, float]:
    low = point.estimate if point.low is None else point.low
    high = point.estimate if point.high is None else point.high
    return point.estimate, low, high


def _judged(own: pd.DataFrame) -> tuple[list[float], list[str]]:
    """Return references and states of one series, in the order of its nights."""
    of_itself = bool(own["of_itself"].iloc[0])
    sides: list[int] = []
    states: list[str] = []
    references: list[float] = []
    steady: list[float] = []
    for estimate, low, high in own[["estimate", "low", "high"]].itertuples(index=False, name=None):
        known = of_itself or len(steady) >= LEAST_BEFORE
        reference = (0.0 if of_itself else median(steady)) if known else nan
        side = int(low > reference) - int(high < reference)
        sides.append(side)
        drifts = side != 0 and sides[-WINDOW:].count(side) >= ENOUGH
        states.append("drift" if drifts else "outside" if side else "")
        references.append(reference)
        steady += [] if drifts else [estimate]
    return references, states


def drifting(found: pd.DataFrame) -> list[str]:
    """Return a line for each series that drifts in its last night, and since when."""
    lines = []
    for (role, name, metric), own in found.groupby(["role", "name", "metric"], sort=False):
        if own["state"].iloc[-1] != "drift":
            continue
        steady = own[own["state"] == ""]
        since = own.loc[own.index > steady.index[-1], "night"].iloc[0] if len(steady) else own["night"].iloc[0]
        estimate, reference = own[["estimate", "reference"]].iloc[-1]
        whose = name if role == "gate" else f"{role} {name}"
        lines.append(f"{whose}: {metric_title(str(metric))} {estimate:+.3f} since {since} (before: {reference:.3f})")
    return lines
