"""The figures of a section, drawn once for the page, the folder and the paper."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING

from analysis import Cache, Figure

if TYPE_CHECKING:  # matplotlib is loaded where something is drawn: what was drawn before needs none
    from reports.figures import ImageKind

PAGE: tuple[ImageKind, ...] = ("svg",)
"""What a page shows figures as."""
_FEW = 16
"""Figures that are drawn about as fast as a second process starts."""


@dataclass(frozen=True)
class Picture:
    """A figure, drawn.

    Attributes:
        name: unique in a report; file name without suffix. title: one line. caption: what it shows.
        svg: with text as text and no background. pdf: with its fonts. Either is empty if it was not asked for.
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
        files = parts.get("svg", b""), parts.get("pdf", b"")
        return cls(figure.name, figure.title, figure.caption, *files, figure.alt, figure.panel, figure.main)


def picture_of(figure: Figure) -> Picture:
    """Return a figure, drawn now for a page."""
    from reports.figures import draw

    return Picture.of(figure, draw(figure, kinds=PAGE))


def pictures(
    figures: Sequence[Figure], drawn: Cache, width: float | None = None, kinds: Sequence[ImageKind] = PAGE
) -> tuple[Picture, ...]:
    """Return figures as files, in their order; the same figures give the same bytes.

    Args as for :func:`begun`.
    """
    return begun(figures, drawn, width, kinds)()


def begun(
    figures: Sequence[Figure], drawn: Cache, width: float | None = None, kinds: Sequence[ImageKind] = PAGE
) -> Callable[[], tuple[Picture, ...]]:
    """Begin to draw figures, many of them on all cores while the caller goes on; return what waits for them.

    Args:
        figures: what is wanted.
        drawn: what was drawn before; only what is not in it is drawn, and what is not wanted leaves it.
        width: inches; None: as wide as a page's text.
        kinds: of files. Most of the time of a PDF goes into its fonts.
    """
    names = [_digest(figure, width) for figure in figures]
    found = [_kept(drawn, name, kinds) for name in names]
    new = [number for number, parts in enumerate(found) if parts is None]
    made = _drawn([figures[number] for number in new], width, kinds)

    def finished() -> tuple[Picture, ...]:
        for number, parts in zip(new, made, strict=True):
            found[number] = parts
            for kind, content in parts.items():
                drawn.put(f"{names[number]}.{kind}", content)
        drawn.keep({f"{name}.{kind}" for name in names for kind in ("svg", "pdf")})
        return tuple(Picture.of(figure, parts) for figure, parts in zip(figures, found, strict=True) if parts)

    return finished


def _drawn(
    figures: Sequence[Figure], width: float | None, kinds: Sequence[ImageKind]
) -> Iterable[dict[ImageKind, bytes]]:
    """Yield figures as they are drawn; many are shared out among the cores, which begin now."""
    if not figures:
        return ()
    from joblib import Parallel, delayed

    from reports.figures import draw

    made: Iterable[dict[ImageKind, bytes]] = Parallel(n_jobs=1 if len(figures) <= _FEW else -1, return_as="generator")(
        delayed(draw)(figure, width, kinds) for figure in figures
    )
    return made


def _kept(drawn: Cache, name: str, kinds: Sequence[ImageKind]) -> dict[ImageKind, bytes] | None:
    found = {kind: content for kind in kinds if (content := drawn.get(f"{name}.{kind}")) is not None}
    return found if len(found) == len(kinds) else None


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
