"""The figures of a section, drawn once for the page, the folder and the paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from joblib import Parallel, delayed

from analysis import Figure
from reports.figures import draw

_FEW = 8
"""Figures that are drawn faster than a second process starts."""


@dataclass(frozen=True)
class Picture:
    """A figure, drawn.

    Attributes:
        name: unique in a report; file name without suffix. title: one line. caption: what it shows.
        svg: with text as text and no background. pdf: with its fonts.
    """

    name: str
    title: str
    caption: str
    svg: bytes
    pdf: bytes


def pictures(figures: Sequence[Figure]) -> tuple[Picture, ...]:
    """Return figures as files, in their order; the same figures give the same bytes. Many are drawn on all cores."""
    drawn = Parallel(n_jobs=1 if len(figures) <= _FEW else -1)(delayed(draw)(figure) for figure in figures)
    return tuple(
        Picture(figure.name, figure.title, figure.caption, svg=files["svg"], pdf=files["pdf"])
        for figure, files in zip(figures, drawn, strict=True)
    )
