"""The history of the nightly job as one self-contained HTML file, which needs neither network nor script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from analysis.history import RULE, Night, drifting, night_figures, series, verdict_of
from reports.picture import Picture, pictures


def history_page(nights: Sequence[Night]) -> str:
    """Return the page: the last night first, then every night's estimates, drift marked, and the nights in a table.

    Args:
        nights: in their order, at least one.
    """
    environment = Environment(
        loader=PackageLoader("reports"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found = series(nights)
    states = {night: own["state"].value_counts() for night, own in found.groupby("night")}
    style = files("reports").joinpath("templates", "page.css").read_text("utf-8")
    return (
        environment.get_template("history.html").render(
            style=Markup(style),  # noqa: S704 - ours
            nights=nights,
            last=nights[-1],
            verdict=verdict_of,
            states=states,
            drifts=drifting(found),
            rule=RULE,
            pictures=pictures(night_figures(nights)),
            element=_element,
        )
        + "\n"
    )


def _element(picture: Picture) -> Markup:
    """Return a figure as an inline SVG element whose ids are its own; matplotlib escapes the text in it."""
    drawn = picture.svg.decode()
    element = re.sub(r'(<svg\b[^>]*?) width="[^"]*" height="[^"]*"', r"\1", drawn[drawn.index("<svg") :], count=1)
    element = re.sub(r'\bid="', f'id="{picture.name}-', element)
    element = re.sub(r'(href="|url\()#', rf"\1#{picture.name}-", element)
    return Markup(element)  # noqa: S704 - drawn here, from escaped text
