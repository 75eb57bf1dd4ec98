"""The report as one self-contained HTML file: no network, and nothing that cannot be read without its script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from analysis import Overview, Section
from reports.picture import Picture
from reports.trace import Trace

TITLES = {
    "model": "Encoder",
    "data_source": "Data from",
    "device": "Device",
    "precision": "Precision",
    "lm_head": "Masked-LM head (ALPS)",
    "git_commit": "Code (git commit)",
    "last run": "Last run finished",
}


def to_html(
    sections: Sequence[Section],
    overview: Overview,
    trace: Trace,
    pictures: Mapping[str, Sequence[Picture]],
    *,
    gate: bool = False,
) -> str:
    """Return the page: what was run, what it says and what is missing first, then a part for each section.

    Args:
        sections: what is shown.
        overview: of the same store.
        trace: the runs behind the cells of all tables of the sections.
        pictures: suffix of a section -> its figures.
        gate: whether a verdict of the gate, ``gate.html``, lies beside the page and is to be linked.
    """
    environment = page_environment()
    script = _own("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # the script is ours, and the sets are numbers; whatever a store holds is escaped
    environment.globals.update(
        script=Markup(script),  # noqa: S704
        script_hash=f"sha256-{digest}",  # no other script runs, should one ever find its way in
        sets=Markup(json.dumps(trace.sets, separators=(",", ":"))),  # noqa: S704
        fact_titles=TITLES,
        overview=overview,
        trace=trace,
        gate=gate,
    )
    return environment.get_template("page.html").render(sections=sections, pictures=pictures) + "\n"


def page_environment() -> Environment:
    """Return what renders a page: everything is escaped but the style, and figures by way of ``element``."""
    environment = Environment(
        loader=PackageLoader("reports"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(element=_element, style=Markup(_own("page.css")))  # noqa: S704 - ours
    return environment


def _own(name: str) -> str:
    return files("reports").joinpath("templates", name).read_text("utf-8")


def _element(picture: Picture) -> Markup:
    """Return a figure as an inline SVG element; matplotlib escapes the text in it."""
    drawn = picture.svg.decode()
    element = drawn[drawn.index("<svg") :]
    # ids are unique within a drawing only; width and height give way to the page's layout
    element = re.sub(r'(<svg\b[^>]*?) width="[^"]*" height="[^"]*"', r"\1", element, count=1)
    element = re.sub(r'\bid="([\w.]+)"', rf'id="{picture.name}-\1"', element)
    element = re.sub(r'(href="|url\()#([\w.]+)', rf"\1#{picture.name}-\2", element)
    return Markup(element)  # noqa: S704 - drawn here, from escaped text
