"""The figures of a section, drawn once for the page, the folder and the paper."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING

from analysis import Cache, Figure

if TYPE_CHECKING:  # matplotlib is loaded where something is drawn: what was drawn before needs none
    from reports.figures import ImageKind

_FEW = 16
"""Figures that are drawn about as fast as a second process starts."""


@dataclass(frozen=True)
class Picture:
    """A figure, drawn.

    Attributes:
        name: unique in a report; file name without suffix. title: one line. caption: what it shows.
        svg: with text as text and no background. pdf: with its fonts.
        alt: what it shows, for those who cannot see it. panel: whose ratio and start it is of; empty if of several.
        main: whether it answers the report's question, and is shown unfolded.
    """

    name: str
    title: str
    caption: str
    svg: bytes
    pdf: bytes
    alt: str = ""
    panel: str = ""
    main: bool = True

    @classmethod
    def of(cls, figure: Figure, parts: Mapping[ImageKind, bytes]) -> Picture:
        """Return a figure with the files it was drawn as."""
        said = (figure.name, figure.title, figure.caption)
        return cls(*said, parts["svg"], parts["pdf"], figure.alt, figure.panel, figure.main)


def picture_of(figure: Figure) -> Picture:
    """Return a figure, drawn now."""
    from reports.figures import draw

    return Picture.of(figure, draw(figure))


def pictures(figures: Sequence[Figure], drawn: Cache, width: float | None = None) -> tuple[Picture, ...]:
    """Return figures as files, in their order; the same figures give the same bytes. Many are drawn on all cores.

    Args:
        figures: what is wanted.
        drawn: what was drawn before; only what is not in it is drawn, and what is not wanted leaves it.
        width: inches; None: as wide as a page's text.
    """
    names = [_digest(figure, width) for figure in figures]
    found = [_kept(drawn, name) for name in names]
    new = [number for number, parts in enumerate(found) if parts is None]
    made = _drawn([figures[number] for number in new], width)
    for number, parts in zip(new, made, strict=True):
        found[number] = parts
        for kind, content in parts.items():
            drawn.put(f"{names[number]}.{kind}", content)
    drawn.keep({f"{name}.{kind}" for name in names for kind in ("svg", "pdf")})
    return tuple(Picture.of(figure, parts) for figure, parts in zip(figures, found, strict=True) if parts)


def _drawn(figures: Sequence[Figure], width: float | None) -> list[dict[ImageKind, bytes]]:
    """Return figures drawn now; many are shared out among the cores."""
    if not figures:
        return []
    from joblib import Parallel, delayed

    from reports.figures import draw

    made: list[dict[ImageKind, bytes]] = Parallel(n_jobs=1 if len(figures) <= _FEW else -1)(
        delayed(draw)(figure, *([] if width is None else [width])) for figure in figures
    )
    return made


def _kept(drawn: Cache, name: str) -> dict[ImageKind, bytes] | None:
    svg, pdf = drawn.get(f"{name}.svg"), drawn.get(f"{name}.pdf")
    return None if svg is None or pdf is None else {"svg": svg, "pdf": pdf}


def _digest(figure: Figure, width: float | None) -> str:
    """Return what tells a drawing from others: its name, numbers and width, and the code that draws."""
    parts = [_code(), figure.name, figure.drawing, str(width)]
    for name, frame in figure.data.items():
        parts += [name, frame.to_csv()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


@cache
def _code() -> str:
    """Return the hash of the drawing code and the versions of what it draws with."""
    sources = sorted(
        (path.name, path.read_text("utf-8")) for path in files("reports.figures").iterdir() if path.is_file()
    )
    return hashlib.sha256(repr([sources, version("matplotlib"), version("seaborn")]).encode()).hexdigest()
