"""The figures of a history page."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.figures import Figure
from analysis.nights.drift import series
from analysis.nights.nights import Night, Role

MOST_NIGHTS = 60
"""Nights that are drawn; older ones are in the table."""
TITLES: dict[Role, str] = {"gate": "Strategies, night by night", "canary": "The canary, night by night"}
ABOUT: dict[Role, str] = {
    "gate": "Estimates of candidate minus baseline with their bounds, each one-sided at 0.05.",
    "canary": "One strategy against its own stored runs: what moves it is the machine or a library, not a strategy.",
}


def night_figures(nights: Sequence[Night]) -> tuple[Figure, ...]:
    """Return a figure of the strategies and one of the canary, as far as there are estimates of them.

    Strategies that were outside or drifting in the last night come first, the worst of them on top.
    """
    found = series(nights)
    found = found[found["night"].isin([night.night for night in nights[-MOST_NIGHTS:]])]
    margins = {
        (one.role, one.name, point.metric, night.night): point.margin
        for night in nights
        for one in night.comparisons
        for point in one.points
    }
    places = found[["role", "name", "metric", "night"]].itertuples(index=False, name=None)
    found = found.assign(margin=pd.Series([margins[place] for place in places], found.index, dtype=float))
    own = {role: found[found["role"] == role] for role in TITLES}
    ordered = {role: _alarming_first(points) for role, points in own.items() if len(points)}
    return tuple(
        Figure(f"nights-{role}", "nights", TITLES[role], ABOUT[role], {"points": points}, _said(points))
        for role, points in ordered.items()
    )


def _alarming_first(points: pd.DataFrame) -> pd.DataFrame:
    last = points[points["night"] == points["night"].max()]
    alarm = last.assign(at=last["state"].map({"": 0, "outside": 1, "drift": 2}), fall=-last["estimate"])
    worst = alarm.groupby("name")[["at", "fall"]].max()
    order = points.assign(
        at=-points["name"].map(worst["at"]).fillna(0), fall=-points["name"].map(worst["fall"]).fillna(0)
    )
    return order.sort_values(["at", "fall", "name", "night"], kind="stable").drop(columns=["at", "fall"])


def _said(points: pd.DataFrame) -> str:
    """Return what the figure shows of the last night, in a sentence."""
    last = points[points["night"] == points["night"].max()]
    odd = last[last["state"] != ""]
    named = ", ".join(dict.fromkeys(odd["name"].astype(str)))
    return f"Last night {len(odd)} of {len(last)} estimates are outside or drift" + (f": {named}." if named else ".")
