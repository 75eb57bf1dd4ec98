"""Which drawing a figure asks for, and its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from matplotlib.figure import Figure as Canvas

from analysis.figures import Figure
from analysis.figures.model import Drawing
from reports.figures.effects import effect_by_ratio, forest
from reports.figures.leaders import best_curves, effect_map, matrix, standing
from reports.figures.margins import margins
from reports.figures.nights import nights
from reports.figures.rounds import learning_curves, positives_found
from reports.figures.runs import informativeness, score_distribution, stage_times
from reports.figures.style import WIDE, ImageKind, rendered
from reports.figures.tallies import win_tie_loss

_DRAWINGS: Mapping[Drawing, Callable[..., Canvas]] = {
    "standing": standing,
    "best": best_curves,
    "effect-map": effect_map,
    "matrix": matrix,
    "curves": learning_curves,
    "positives": positives_found,
    "ratios": effect_by_ratio,
    "forest": forest,
    "wins": win_tie_loss,
    "times": stage_times,
    "scores": score_distribution,
    "informativeness": informativeness,
    "nights": nights,
    "margins": margins,
}


def draw(
    figure: Figure, width: float | None = None, kinds: Sequence[ImageKind] = ("svg", "pdf")
) -> dict[ImageKind, bytes]:
    """Return a figure as files; the same figure gives the same bytes.

    SVG keeps text as text and has no background, so that a page's colours show; PDF embeds its fonts. Both are drawn at
    once, since most of the time goes into finding places for all parts.

    Args:
        figure: what is drawn; its name is what an SVG's ids are derived from.
        width: inches; type is as large at any. None: as wide as a page's text.
        kinds: of files.
    """
    return rendered(lambda: _DRAWINGS[figure.drawing](**figure.data), figure.name, width or WIDE, kinds)
