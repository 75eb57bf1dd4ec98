"""Figures of a leaderboard: ranks beside cost, the curves of the best, effects by task, and each against each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FixedLocator, LogLocator, NullFormatter, NullLocator, StrMethodFormatter

from analysis.stats import ALPHA
from analysis.text import NO_VALUE
from reports.figures.style import (
    GREY,
    INK,
    SMALLEST,
    Appearance,
    canvas,
    error_bars,
    is_narrow,
    legend,
    several_looks,
    wrapped,
)

THOUSANDTHS = 1000.0
LIGHT, DARK = np.array([0.97, 0.97, 0.95]), np.array([0.03, 0.27, 0.45])
"""Ends of a scale whose lightness falls steadily, so that it reads in grey."""
ROOM = 0.5
"""Share of the range of the curves that is kept free above and below for bands."""
LUMINANCE, MIDDLE = np.array([0.2126, 0.7152, 0.0722]), 0.46
"""Weights of red, green and blue, and how light a ground is below which white type reads better than black."""
NAMED_POINTS = 3
"""Ranks whose points are numbered though others beat them."""


def standing(standing: pd.DataFrame, groups: pd.DataFrame, metric: pd.DataFrame) -> Canvas:
    """Draw mean ranks with what no test separates, and beside them quality against seconds a run.

    Args:
        standing: as :func:`analysis.figures.leaders.standing` returns it.
        groups: as :func:`analysis.figures.leaders.unseparated` returns them.
        metric: ``title`` of the metric that ranks.
    """
    by_rank = standing.sort_values(["mean_rank", "rank"], kind="stable").reset_index(drop=True)
    rows = 0.5 + 0.16 * len(by_rank)
    drawn = canvas(max(2.2, rows) if not is_narrow() else rows + 2.2)
    shape: dict[str, Any] = {"height_ratios": (rows, 2.0)} if is_narrow() else {"width_ratios": (1.25, 1)}
    left, right = drawn.subplots(*((2, 1) if is_narrow() else (1, 2)), **shape)
    look = dict(zip((False, True), several_looks(2), strict=True))
    for apart, own in by_rank.groupby("apart"):
        low, high = own["rank_low"].clip(lower=1), own["rank_high"].clip(upper=len(by_rank))
        bars = error_bars(pd.DataFrame({"mean": own["mean_rank"], "low": low, "high": high}))
        left.errorbar(
            own["mean_rank"], own.index, xerr=bars, color=look[bool(apart)].colour, marker=look[bool(apart)].marker,
            linestyle="none", elinewidth=0.9, capsize=1.5,
        )  # fmt: skip
    names = [f"{it.strategy}  {it.rank:.0f}" for it in _lines(by_rank)]
    left.set_yticks(range(len(by_rank)), names)
    left.set_ylim(len(by_rank) - 0.4, -0.6)
    left.set_xlabel("mean rank (1 is best)")
    edge = left.get_xlim()[1]
    step = 0.035 * (edge - left.get_xlim()[0])
    for number, (first, last) in enumerate(groups[["first", "last"]].itertuples(index=False, name=None)):
        left.plot([edge + step * (number + 1)] * 2, [first - 0.25, last + 0.25], color=GREY, linewidth=2.2)
    _cost(right, standing, str(metric["title"].iloc[0]), look)
    for panel in (left, right):
        sns.despine(ax=panel)
    left.grid(visible=False, axis="y")
    handles = {
        "not distinguishable from the first": _dot(look[False]),
        **({"distinguishable from it": _dot(look[True])} if by_rank["apart"].any() else {}),
    }
    legend(drawn, handles)
    return drawn


def _lines(frame: pd.DataFrame) -> list[Any]:
    """Return the lines of a frame as named tuples, whose fields pandas' stubs know nothing of."""
    return list(frame.itertuples(index=False))


def _dot(look: Appearance) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="none", marker=look.marker, color=look.colour)


def _cost(panel: Axes, frame: pd.DataFrame, metric: str, look: dict[bool, Appearance]) -> None:
    for apart, own in frame.groupby("apart"):
        panel.plot(
            own["seconds"],
            own["mean"],
            linestyle="none",
            marker=look[bool(apart)].marker,
            color=look[bool(apart)].colour,
        )
    best = frame[frame["frontier"]].sort_values("seconds")
    panel.plot(best["seconds"], best["mean"], color=GREY, linewidth=0.9, zorder=0)
    taken: list[np.ndarray] = []
    panel.set_xscale("log")
    low, high = frame["seconds"].min(), frame["seconds"].max()
    panel.set_xlim(low / 1.15, high * 1.2)
    panel.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    panel.xaxis.set_minor_formatter(NullFormatter())
    if high / low < 12:
        shown = np.unique([float(f"{value:.1g}") for value in np.geomspace(low, high, 3)])
        panel.xaxis.set_major_locator(FixedLocator(list(shown)))
        panel.xaxis.set_minor_locator(NullLocator())
    else:
        panel.xaxis.set_major_locator(LogLocator())
    panel.margins(y=0.12)
    for it in _lines(frame.sort_values("rank")):
        if it.frontier or it.rank <= NAMED_POINTS:
            at = panel.transData.transform((it.seconds, it.mean))
            if all(np.abs(at - other).max() > 9 for other in taken):
                panel.annotate(
                    f"{it.rank:.0f}", (it.seconds, it.mean), (3, 3), textcoords="offset points", fontsize=SMALLEST
                )
                taken.append(at)
    panel.set_xlabel("seconds a run")
    panel.set_ylabel(wrapped(metric, 22))


def best_curves(curves: pd.DataFrame, metric: pd.DataFrame) -> Canvas:
    """Draw the learning curves of the best strategies and of random+uniform, each with its band.

    Args:
        curves: as :func:`analysis.figures.leaders.best_curves` returns it.
        metric: ``title`` of theirs.
    """
    drawn = canvas(2.5)
    panel = drawn.subplots()
    names, handles = list(dict.fromkeys(curves["strategy"])), {}
    for name, look in zip(names, several_looks(len(names)), strict=True):
        own = curves[curves["strategy"] == name]
        (handles[name],) = panel.plot(
            own["labelled"], own["mean"], color=look.colour, linestyle=look.line, marker=look.marker
        )
        panel.fill_between(own["labelled"], own["low"], own["high"], color=look.colour, alpha=0.12, linewidth=0)
    low, high = curves["mean"].min(), curves["mean"].max()
    room = ROOM * max(high - low, 0.01)  # a wide band is cut off, so that the curves stay apart
    ends = curves[["low", "high"]].fillna({"low": low, "high": high})
    panel.set_ylim(max(low - room, ends["low"].min() - 0.1 * room), min(high + room, ends["high"].max() + 0.1 * room))
    panel.set_xlabel("rows labelled")
    panel.set_ylabel(wrapped(str(metric["title"].iloc[0]), 24))
    sns.despine(ax=panel)
    legend(drawn, handles)
    return drawn


def effect_map(effects: pd.DataFrame) -> Canvas:
    """Draw differences as a map: a row a strategy, a column a task, the number printed, a dot where it is significant.

    Args:
        effects: as :func:`analysis.figures.leaders.effects_by_task` returns it.
    """
    strategies = list(dict.fromkeys(effects["strategy"]))
    tasks = list(dict.fromkeys(zip(effects["dataset"], effects["positive"], strict=True)))
    values = effects["difference"].to_numpy(float).reshape(len(strategies), len(tasks))
    sure = effects["p"].to_numpy(float).reshape(values.shape) < ALPHA
    drawn = canvas(1.3 + 0.17 * len(strategies))
    panel = drawn.subplots()
    inks = _map(panel, values, [[_short(own) for own in row] for row in values])
    row, column = np.nonzero(sure)
    panel.scatter(column + 0.86, row + 0.2, s=3, color=inks[row, column])
    panel.set_yticks(np.arange(len(strategies)) + 0.5, strategies)
    panel.set_xticks(np.arange(len(tasks)) + 0.5, [wrapped(rare, 14) for _, rare in tasks], rotation=90)
    starts = [number for number, task in enumerate(tasks) if not number or task[0] != tasks[number - 1][0]]
    for number in starts[1:]:
        panel.axvline(number, color=INK, linewidth=0.9)
    _bare(panel)
    return drawn


def _short(value: float) -> str:
    """Return a value in thousandths with a typographic minus; empty where there is none."""
    return "" if np.isnan(value) else str(round(THOUSANDTHS * value)).replace("-", "−")


def _brief_p(p: float) -> str:
    """Return p to three digits without what it cannot have before the point; a dash where there was no test."""
    if np.isnan(p):
        return NO_VALUE
    return "<.001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def _map(panel: Axes, values: np.ndarray, texts: list[list[str]], bold: np.ndarray | None = None) -> np.ndarray:
    """Fill a panel with cells whose lightness falls from the least to the largest value, and print a text in each.

    Returns:
        The colour of each text.
    """
    reach = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 1.0
    share = np.clip((values / (reach or 1.0) + 1) / 2, 0, 1)
    colours = LIGHT + (DARK - LIGHT) * np.nan_to_num(share, nan=0.0)[..., None]
    colours[np.isnan(values)] = 1.0
    panel.imshow(colours, aspect="auto", extent=(0, values.shape[1], values.shape[0], 0), interpolation="nearest")
    inks = np.where(colours @ LUMINANCE < MIDDLE, "white", INK)
    for (row, column), text in np.ndenumerate(np.array(texts, dtype=object)):
        panel.text(
            column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=SMALLEST, linespacing=1.0,
            color=inks[row, column], weight="bold" if bold is not None and bold[row, column] else "normal",
        )  # fmt: skip
    return inks


def _bare(panel: Axes) -> None:
    panel.grid(visible=False)
    panel.tick_params(length=0)
    sns.despine(ax=panel, left=True, bottom=True)


def matrix(pairs: pd.DataFrame) -> Canvas:
    """Draw each strategy against each: mean difference, wins/ties/losses, and p after Holm.

    Args:
        pairs: as :func:`analysis.figures.leaders.matrix` returns it, the better strategy of a pair first.
    """
    names = list(dict.fromkeys([*pairs["one"], *pairs["other"]]))
    most = 5 if is_narrow() else len(names)
    names = names[:most]
    at = {name: number for number, name in enumerate(names)}
    values = np.full((len(names), len(names)), np.nan)
    texts = [["" for _ in names] for _ in names]
    bold = np.zeros(values.shape, dtype=bool)
    for it in _lines(pairs):
        if it.one in at and it.other in at:
            row, column = at[it.one], at[it.other]
            values[row, column] = it.difference
            texts[row][column] = f"{_short(it.difference)}\n{it.win}/{it.tie}/{it.loss}\n{_brief_p(it.p_holm)}"
            bold[row, column] = it.p_holm < ALPHA
    drawn = canvas(0.7 + 0.4 * len(names))
    panel = drawn.subplots()
    _map(panel, values, texts, bold)
    panel.set_yticks(np.arange(len(names)) + 0.5, [f"{name}  {number}" for number, name in enumerate(names, 1)])
    panel.set_xticks(np.arange(len(names)) + 0.5, [str(number) for number in range(1, len(names) + 1)])
    _bare(panel)
    return drawn
