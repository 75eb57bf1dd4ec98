"""The papers of the strategies that were run, as BibTeX.

Reports need no code of the strategies, so the entries are data: ``strategies.bib`` beside this file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class BibEntry:
    """An entry of a BibTeX file: its key, its whole text, and the names of the strategies it belongs to."""

    key: str
    text: str
    names: frozenset[str]


@cache
def entries() -> tuple[BibEntry, ...]:
    """Return all entries that come with the package.

    Written by hand: our own file, each entry from an ``@`` to a ``}`` at the start of a line, needs no parser.
    """
    bib = files("reports").joinpath("strategies.bib").read_text("utf-8")
    return tuple(
        BibEntry(match[2], match[1], frozenset(re.split(r",\s*", match[3])))
        for match in re.finditer(r"^(@\w+\{(\w+),.*?^  keywords = \{(.*?)\},\n\})", bib, re.DOTALL | re.MULTILINE)
    )


def cited(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the keys of the papers of each algorithm or weighting; none for one that is not shipped."""
    return {name: tuple(entry.key for entry in entries() if name in entry.names) for name in names}


def bibliography(names: Iterable[str]) -> str:
    """Return the BibTeX of all papers of these algorithms and weightings."""
    wanted = set(names)
    return "\n\n".join(entry.text for entry in entries() if entry.names & wanted) + "\n"
