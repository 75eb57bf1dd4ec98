"""Where a candidate stands: of each metric an axis with the margins on it, and the interval that decided."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from analysis import metric_title
from reports.figures.style import GREY, PALETTE, canvas

COLOURS = {"better": PALETTE[2], "equivalent": PALETTE[0], "worse within the margin": PALETTE[1], "worse": PALETTE[3]}
"""Of a verdict; one that is undecided is grey. The word stands beside it."""
ROOM = 1.25
"""How far an axis reaches, in what is drawn on it."""
LEAST = 1.6
"""How far it reaches at least, in margins."""


def margins(metrics: pd.DataFrame) -> Canvas:
    """Draw an axis for each metric: -margin, 0 and +margin, the interval with its coverage, and the verdict.

    Args:
        metrics: a line each, as :func:`analysis.gate.margins` returns it.
    """
    drawn = canvas(0.25 + 0.75 * len(metrics))
    panels = list(drawn.subplots(len(metrics), 1, squeeze=False)[:, 0])
    for panel, one in zip(panels, metrics.to_dict("records"), strict=True):
        _standing(panel, one)
    return drawn


def _standing(panel: Axes, one: Mapping[Any, Any]) -> None:
    margin, mean = one["margin"], one["mean"]
    ends = [mean if isnan(one[end]) else one[end] for end in ("low", "high")]
    reach = max(LEAST * margin, ROOM * np.abs([mean, *ends]).max(), 1e-6)
    colour = COLOURS.get(one["standing"], GREY)
    panel.axvline(0, color=GREY, linewidth=0.8)
    if margin:
        panel.axvspan(-margin, margin, color=GREY, alpha=0.12, linewidth=0)
        for edge in (-margin, margin):
            panel.axvline(edge, color=GREY, linestyle="--", linewidth=0.9)
    closed = [not isnan(one[end]) for end in ("low", "high")]
    panel.plot([ends[0] if closed[0] else -reach, ends[1] if closed[1] else reach], [0, 0], color=colour, linewidth=2.2)
    for end, shut in zip(ends, closed, strict=True):
        if shut:
            panel.plot([end, end], [-0.25, 0.25], color=colour, linewidth=1.4)
    panel.plot([mean], [0], marker="o", color=colour, markersize=5)
    panel.set_xlim(-reach, reach)
    panel.set_ylim(-0.9, 1.1)
    panel.set_yticks([])
    panel.set_xticks([-margin, 0.0, margin] if margin else [0.0])
    panel.set_xticklabels([f"−{margin:g}", "0", f"+{margin:g}"] if margin else ["0"])
    panel.grid(visible=False)
    panel.set_title(f"{metric_title(one['metric'])}: {one['standing']}", loc="left", fontweight="bold")
    panel.set_title(f"{mean:+.4f}, {one['coverage']:.1%} interval".replace("-", "−"), loc="right")
    sns.despine(ax=panel, left=True)
