"""The figures of a section, drawn once for the page, the folder and the paper."""

from __future__ import annotations

from dataclasses import dataclass

from analysis import Section
from reports.figure import learning_curves


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


def pictures(section: Section) -> tuple[Picture, ...]:
    """Return all figures of a section; the same section gives the same bytes."""
    return tuple(
        Picture(
            name=curves.name,
            title=f"Learning curves, {curves.title}",
            caption="Mean over tasks and seeds after each round; bands are 95 % t-intervals of that mean, which "
            "differences between tasks widen (the tests of the tables pair the runs, the bands do not). The positives "
            "ratio counts all rows selected so far.",
            svg=learning_curves(curves.data, "svg", curves.name),
            pdf=learning_curves(curves.data, "pdf", curves.name),
        )
        for curves in section.curves
    )
