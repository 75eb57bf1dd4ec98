"""Figures with a row per algorithm and a panel per metric: who wins how often."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch

from analysis import metric_title
from reports.figures.style import GREY, INK, SMALLEST, by_name, canvas, in_order, legend, over_panels, wrapped

OUTCOMES = {"win": ("#5aa0d6", ""), "tie": ("#e4e4e4", ""), "loss": ("#f2b25c", "////")}
CENTRED: dict[str, Any] = {"ha": "center", "va": "center_baseline", "fontsize": SMALLEST, "color": INK}
"""A number on a coloured ground."""
NARROWEST = 0.09
"""A shorter part of a bar has no room for its number."""


def win_tie_loss(wins: pd.DataFrame) -> Canvas:
    """Draw how many pairs are won, tied and lost: a bar per algorithm, a panel per metric and opponent.

    Args:
        wins: as :func:`analysis.figures.effects.wins` returns it.
    """
    algorithms, metrics = by_name(wins["algorithm_label"]), in_order(wins["metric"])
    opponents = by_name(wins["smaller"])
    drawn = canvas(0.5 + len(opponents) * (0.45 + 0.19 * len(algorithms)))
    panels = drawn.subplots(len(opponents), len(metrics), squeeze=False, sharex=True, sharey=True)
    for row, opponent in zip(panels, opponents, strict=True):
        row[0].set_ylabel(f"{wins['larger'].iloc[0]}\nagainst {wrapped(opponent)}")
        for panel, metric in zip(row, metrics, strict=True):
            own = wins[(wins["smaller"] == opponent) & (wins["metric"] == metric)]
            _stacked(panel, own.set_index("algorithm_label").reindex(algorithms)[list(OUTCOMES)].fillna(0))
    for panel, metric in zip(panels[0], metrics, strict=True):
        panel.set_title(over_panels(metric_title(metric), len(metrics)))
    panels[0][0].set_ylim(len(algorithms) - 0.4, -0.6)
    for panel in panels[-1]:
        panel.set_xlabel("pairs")
    handles = {name: Patch(facecolor=face, hatch=hatch, edgecolor=GREY) for name, (face, hatch) in OUTCOMES.items()}
    legend(drawn, handles)
    return drawn


def _stacked(panel: Axes, counts: pd.DataFrame) -> None:
    left = np.zeros(len(counts))
    whole = counts.sum(axis=1).max()
    for outcome, (face, hatch) in OUTCOMES.items():
        width = counts[outcome].to_numpy(float)
        names = [wrapped(name, 30) for name in counts.index]
        panel.barh(names, width, left=left, height=0.8, color=face, hatch=hatch, edgecolor=GREY, linewidth=0.4)
        for place, (start, length) in enumerate(zip(left, width, strict=True)):
            if length >= NARROWEST * whole:
                ground = {"boxstyle": "square,pad=0.1", "facecolor": face, "edgecolor": "none"} if hatch else None
                panel.text(start + length / 2, place, f"{length:.0f}", **CENTRED, bbox=ground)
        left += width
    panel.grid(visible=False)
    sns.despine(ax=panel)
