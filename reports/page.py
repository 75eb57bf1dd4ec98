"""The report as one self-contained HTML file: no network, and nothing that cannot be read without its script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from analysis import Overview, Section, Table
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
_SHEET = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def to_html(
    sections: Sequence[Section],
    overview: Overview,
    trace: Trace,
    pictures: Mapping[str, Sequence[Picture]],
    texts: Mapping[str, pd.DataFrame] | None = None,
    *,
    gate: bool = False,
) -> str:
    """Return the page: what was run, what it says and what is missing first, then a part for each section.

    Args:
        sections: what is shown.
        overview: of the same store.
        trace: the runs behind the cells of all tables of the sections.
        pictures: suffix of a section -> its figures.
        texts: suffix of a section -> excerpts as :func:`analysis.figures.nearest_texts` returns them; none: not shown.
        gate: whether a verdict of the gate, ``gate.html``, lies beside the page and is to be linked.
    """
    environment = page_environment(picture for own in pictures.values() for picture in own)
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
    return environment.get_template("page.html").render(sections=sections, pictures=pictures, texts=texts or {}) + "\n"


def page_environment(pictures: Iterable[Picture]) -> Environment:
    """Return what renders a page with some figures: all is escaped but the style, and figures by way of ``element``."""
    environment = Environment(
        loader=PackageLoader("reports"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # style is ours, and what figures bring along is drawn here
    environment.globals.update(
        element=_element,
        most_marks=_most_marks,
        style=Markup(_own("page.css") + _sheet(pictures)),  # noqa: S704
    )
    return environment


def _own(name: str) -> str:
    return files("reports").joinpath("templates", name).read_text("utf-8")


def _element(picture: Picture) -> Markup:
    """Return a figure as an inline SVG element without its style sheet; matplotlib escapes the text in it."""
    drawn = picture.svg.decode()
    element = _SHEET.sub("", drawn[drawn.index("<svg") :])
    # width and height give way to the page's layout
    element = re.sub(r'(<svg\b[^>]*?) width="[^"]*" height="[^"]*"', r"\1", element, count=1)
    return Markup(element)  # noqa: S704 - drawn here, from escaped text


def _sheet(pictures: Iterable[Picture]) -> str:
    """Return the rules of all figures, each once; classes of figures are named by what they say."""
    found = [
        line for picture in pictures for sheet in _SHEET.findall(picture.svg.decode()) for line in sheet.split("\n")
    ]
    return "\n".join(dict.fromkeys(found))


def _most_marks(table: Table) -> int:
    """Return how many characters follow the number of a cell at most; a column keeps room for them."""
    return max((cell.bold + len(cell.signs) for cell in table.cells), default=0)
