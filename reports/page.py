"""The report as one self-contained HTML file: no script, no network."""

from __future__ import annotations

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from analysis import Curves, Overview, Section
from reports.figure import learning_curves

TITLES = {
    "model": "Encoder",
    "device": "Device",
    "precision": "Precision",
    "lm_head": "Masked-LM head (ALPS)",
    "data_source": "Data from",
    "git_commit": "Code (git commit)",
    "last run": "Last run finished",
}


def to_html(sections: list[Section], overview: Overview) -> str:
    """Return the page: what was run and what is missing first, then a part for each section."""
    environment = Environment(
        loader=PackageLoader("reports"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(figure=_figure)
    template = environment.get_template("page.html")
    return template.render(sections=sections, overview=overview, fact_titles=TITLES) + "\n"


def _figure(curves: Curves) -> Markup:
    """Return learning curves as an inline SVG element; matplotlib escapes the text in it."""
    drawn = learning_curves(curves.data, "svg", curves.name).decode()
    element = drawn[drawn.index("<svg") :]
    # ids are unique within a drawing only; width and height give way to the page's layout
    element = re.sub(r'(<svg\b[^>]*?) width="[^"]*" height="[^"]*"', r"\1", element, count=1)
    element = re.sub(r'\bid="([\w.]+)"', rf'id="{curves.name}-\1"', element)
    element = re.sub(r'(href="|url\()#([\w.]+)', rf"\1#{curves.name}-\2", element)
    return Markup(element)  # noqa: S704 - drawn here, from escaped text
