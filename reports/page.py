"""The report as one self-contained HTML file: no network, and nothing that cannot be read without its script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from analysis import DISAGREE, HOLE, SEED_LEVEL, Cell, Overview, Section, Table
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
PACKED_FROM = 60_000
"""Characters from which what is folded is kept compressed, and unpacked by the page's script when it is unfolded."""
FURTHER = "Further figures"
"""What figures are called that stand behind."""
WHOLE = "whole pool and test set"
"""What pools and test sets are unless a section says otherwise."""
_RATIO = re.compile(r", (?:natural )?ratio\b")
"""Where a picture's title goes on with what it is of."""
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
        listing=packed(trace.listing),
        whole=WHOLE,
        ways=_ways,
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
        spoken=_spoken,
        pack=packed,
        packed_from=PACKED_FROM,
        style=Markup(_own("page.css") + _sheet(pictures)),  # noqa: S704
    )
    return environment


def packed(text: str) -> str:
    """Return text as base64 of its zlib stream, which a browser unpacks itself."""
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _spoken(cell: Cell) -> str:
    """Return what a screen reader says of the marks after a number."""
    said = (
        (cell.bold, "significant"),
        (SEED_LEVEL in cell.signs, "significant by the seed-level test"),
        (DISAGREE in cell.signs, "the tests disagree"),
        (HOLE in cell.signs, "incomplete, see the notes"),
    )
    return ", ".join(words for holds, words in said if holds)


def _ways(section: Section, pictures: Sequence[Picture]) -> list[tuple[str, list[str]]]:
    """Return kind -> the id of what is of that kind at each ratio and start, in the order of the leaderboards."""
    found: dict[str, dict[str, str]] = {}
    panels = [one.board.panel.name for one in section.standings]
    for one in section.standings:
        for table in (one.table, *one.beside):
            found.setdefault(table.title.partition(",")[0], {})[one.board.panel.name] = table.name
    for picture in pictures:
        if picture.panel:
            kind = _RATIO.split(picture.title)[0] if picture.main else FURTHER
            found.setdefault(kind, {}).setdefault(picture.panel, picture.name)
    return [(kind, [by.get(panel, "") for panel in panels]) for kind, by in found.items()]


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
