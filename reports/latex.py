"""Tables as LaTeX for booktabs and graphicx; compiles with latex-base and latex-recommended."""

from __future__ import annotations

from functools import cache
from itertools import zip_longest
from math import ceil

from jinja2 import Environment, PackageLoader, StrictUndefined

from analysis import DISAGREE, HOLE, SEED_LEVEL, Table

ROWS = 35
"""Rows that a page holds below a long caption."""
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "–": "--",
    "−": "$-$",
    "±": r"$\pm$",
    SEED_LEVEL: r"\S{}",
    DISAGREE: r"$\neq$",
    HOLE: r"\textdagger{}",
    **{char: f"\\{char}" for char in "&%$#_{}"},
}
_TOGETHER = {"--", "''", "``", "?`", "!`"}
"""Neighbours of which TeX's fonts make one sign."""


def escaped(value: object) -> str:
    """Return a value as LaTeX text.

    pdfLaTeX stops at characters that its fonts lack, so anything beyond ASCII and the accented letters of
    Latin-1 is its code point (``[U+4E2D]``); control characters are spaces. Empty groups keep apart what would
    mean something together: hyphens or quotes that become one sign, and a bracket or a star at the start, which the
    command before it (the end of a table's row) would take for its own.
    """
    characters = str(value)
    text = "".join(
        _escaped(char) + "{}" * (char + follower in _TOGETHER)
        for char, follower in zip_longest(characters, characters[1:], fillvalue="")
    )
    return "{}" + text if text.lstrip().startswith(("[", "*")) else text


def _escaped(char: str) -> str:
    if char in _SPECIAL:
        return _SPECIAL[char]
    if not char.isprintable():
        return " "
    has_glyph = char.isascii() or (char.isalpha() and "À" <= char <= "ÿ" and char not in "ÐðÞþ")
    return char if has_glyph else f"[U+{ord(char):04X}]"


@cache
def environment() -> Environment:
    """Return the templates of LaTeX files: ``<< value >>`` is escaped, ``<% ... %>`` are blocks."""
    return Environment(
        loader=PackageLoader("reports"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - HTML's escapes are not TeX's; every value passes through `finalize`
        finalize=escaped,
        trim_blocks=True,
        lstrip_blocks=True,
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
    )


def to_latex(table: Table) -> str:
    """Return ``table*`` environments: booktabs rules, bold marks, superscript signs, caption and notes.

    A table with more rows than a page holds is continued in further environments, about equally long.
    """
    size = ceil(len(table.shown) / max(1, ceil(len(table.shown) / ROWS)))
    parts = [table.shown[start : start + size] for start in range(0, len(table.shown), max(size, 1))]
    return environment().get_template("table.tex").render(table=table, parts=parts) + "\n"
