"""The figures of a history page."""

from __future__ import annotations

from collections.abc import Sequence

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
    """Return a figure of the strategies and one of the canary, as far as there are estimates of them."""
    found = series(nights)
    found = found[found["night"].isin([night.night for night in nights[-MOST_NIGHTS:]])]
    return tuple(
        Figure(f"nights-{role}", "nights", TITLES[role], ABOUT[role], {"points": own})
        for role in TITLES
        if len(own := found[found["role"] == role])
    )
