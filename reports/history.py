"""The history of the nightly job as one self-contained HTML file, which needs neither network nor script."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.nights import RULE, Night, cards, drifting, night_figures, series, verdict_of
from reports.page import page_environment
from reports.picture import picture_of


def history_page(nights: Sequence[Night]) -> str:
    """Return the page: the last night first, then every night's estimates, drift marked, and the nights in a table.

    Args:
        nights: in their order, at least one.
    """
    found = series(nights)
    states = {night: own["state"].value_counts() for night, own in found.groupby("night")}
    drawn = tuple(map(picture_of, night_figures(nights)))
    return (
        page_environment(drawn)
        .get_template("history.html")
        .render(
            nights=nights,
            last=nights[-1],
            shown=cards(nights),
            verdict=verdict_of,
            states=states,
            drifts=drifting(found),
            rule=RULE,
            pictures=drawn,
        )
        + "\n"
    )
