"""Figures of what runs did: the scores of one run's pool, where the time went, and how positives vary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import StrMethodFormatter

from analysis.selected_positives import DISTANCES
from reports.figures.style import (
    by_name,
    canvas,
    error_bars,
    legend,
    looks,
    row_of_panels,
    several_looks,
    wrapped,
)

MOST_ROUNDS = 3


def score_distribution(scores: pd.DataFrame) -> Canvas:
    """Draw the paper's Figure 1: (a) the pool and the selected rows by score, (b) the weight by score.

    Args:
        scores: as :func:`analysis.figures.selected.score_distribution` returns it, not empty; of more than
            ``MOST_ROUNDS`` rounds the first, the middle and the last are drawn.
    """
    every = sorted(scores["round"].unique())
    rounds = sorted({every[0], every[len(every) // 2], every[-1]})
    drawn = canvas(3.6)
    panels = drawn.subplots(2, len(rounds), squeeze=False, sharex=True, sharey="row")
    pool, picked = several_looks(2)
    handles: dict[str, Any] = {}
    for (above, below), number in zip(panels.T, rounds, strict=True):
        own = scores[scores["round"] == number]
        middle, width = (own["low"] + own["high"]) / 2, own["high"] - own["low"]
        above.set_title(f"round {number}")
        above.set_yscale("symlog", linthresh=1)
        above.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))  # the default one speaks TeX
        handles["rows of the pool"] = above.bar(middle, own["rows"], width, color=pool.colour, alpha=0.55)
        chosen = own[own["selected"] > 0]
        (handles["rows selected"],) = above.plot(
            middle[chosen.index], chosen["selected"], linestyle="none", marker="D", color=picked.colour
        )
        handles["share of the weight"] = below.bar(
            middle, own["weight"], width, color="none", edgecolor=picked.colour, hatch=picked.hatch, linewidth=0.8
        )
        (handles["share of the rows"],) = below.step(
            [*own["low"], 1.0], [*own["rows"] / own["rows"].sum(), np.nan], where="post", color=pool.colour
        )
        for panel in (above, below):
            sns.despine(ax=panel)
    panels[0][0].set_ylabel("(a) rows")
    panels[1][0].set_ylabel("(b) share")
    drawn.supxlabel("probability of the positive class", fontsize="medium")
    legend(drawn, handles)
    return drawn


def stage_times(times: pd.DataFrame) -> Canvas:
    """Draw the mean seconds per run of each stage: a stacked bar per strategy, algorithms together.

    Args:
        times: as :func:`analysis.stages.stage_seconds` returns it.
    """
    strategies = times[["algorithm_label", "weighting_label"]].drop_duplicates()
    pairs = sorted(strategies.itertuples(index=False, name=None), key=lambda pair: tuple(map(str.lower, pair)))
    at: dict[tuple[str, str], float] = {}
    last = ""
    for algorithm, weighting in pairs:
        gap = 1.0 if algorithm == last else 1.6
        at[algorithm, weighting] = max(at.values(), default=-gap) + gap
        last = algorithm
    drawn = canvas(0.9 + 0.135 * (max(at.values()) + 1))
    panel = drawn.subplots()
    stages = list(dict.fromkeys(times["stage"]))
    left, handles = np.zeros(len(pairs)), {}
    for stage, look in zip(stages, several_looks(len(stages)), strict=True):
        own = times[times["stage"] == stage].set_index(["algorithm_label", "weighting_label"])["seconds"]
        width = own.reindex(pairs).fillna(0.0).to_numpy(float)
        handles[stage] = panel.barh(
            list(at.values()), width, left=left, color=look.colour, hatch=look.hatch, edgecolor="white", linewidth=0.3
        )
        left += width
    panel.set_yticks(list(at.values()), [f"{wrapped(algorithm, 30)}, {weighting}" for algorithm, weighting in at])
    panel.tick_params(axis="y", labelsize=7, length=0)
    panel.set_ylim(max(at.values()) + 0.8, -0.8)
    panel.set_xlabel("seconds per run")
    panel.grid(visible=False, axis="y")
    sns.despine(ax=panel)
    legend(drawn, handles)
    return drawn


def informativeness(distances: pd.DataFrame) -> Canvas:
    """Draw how the selected positives vary and how far they are from the start set: a row per algorithm.

    Args:
        distances: as :func:`analysis.selected_positives.informativeness` returns it.
    """
    algorithms, look = by_name(distances["algorithm_label"]), looks(by_name(distances["weighting_label"]))
    drawn, panels = row_of_panels(list(DISTANCES.values()), 0.9 + 0.3 * len(algorithms))
    handles: dict[str, Any] = {}
    for panel, metric in zip(panels, DISTANCES, strict=True):
        here = distances[distances["metric"] == metric]
        for place, (label, this) in enumerate(look.items()):
            own = here[here["weighting_label"] == label]
            y = own["algorithm_label"].map(algorithms.index) + 0.22 * (place - (len(look) - 1) / 2)
            handles[label] = panel.errorbar(
                own["mean"],
                y,
                xerr=error_bars(own),
                color=this.colour,
                linestyle="none",
                marker=this.marker,
                elinewidth=0.9,
                capsize=1.5,
            )
        panel.set_xlabel("mean cosine distance")
    panels[0].set_yticks(range(len(algorithms)), [wrapped(name, 30) for name in algorithms])
    panels[0].set_ylim(len(algorithms) - 0.4, -0.6)
    legend(drawn, handles)
    return drawn
