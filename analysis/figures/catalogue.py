"""Which figures a set of runs gives, and what is said of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pandas as pd

from analysis.comparisons import Numbers
from analysis.condition import Condition
from analysis.figures.curves import difference_curves, mean_curves, positives_found
from analysis.figures.effects import by_ratio, by_task, wins
from analysis.figures.leaders import (
    BEST,
    MOST_IN_MATRIX,
    best_curves,
    effects_by_task,
    matrix,
    said_of_curves,
    said_of_effects,
    said_of_groups,
    standing,
    unseparated,
)
from analysis.figures.model import Figure
from analysis.figures.selected import score_distribution
from analysis.names import LABELS, NATURAL_LEVEL, metric_title
from analysis.pairwise import AllPairs
from analysis.panels import Panel, panels
from analysis.selected_positives import informativeness
from analysis.stages import stage_seconds
from analysis.stats import ALPHA
from analysis.text import count
from bench.records import METRICS, RunRecord

_OVER_SEEDS = "95 % t-intervals over seeds, whose values are means over the tasks: they speak of these tasks only"


def figures_of(
    condition: Condition, full: Numbers, ranked: Sequence[AllPairs], metrics: Sequence[str] = METRICS
) -> tuple[Figure, ...]:
    """Return the figures of a condition: some for each ratio and start, some across ratios.

    A figure that would show nothing (a paired difference of a store that holds one weighting) is not among them.

    Args:
        condition: whose runs.
        full: the numbers of the full results, which leave the sweep of bins out, and so do figures.
        ranked: the pairs of each leaderboard of the condition.
        metrics: whose curves are drawn; all other figures are of the paper's three.
    """
    found: list[Figure] = []
    for pairs in ranked:
        panel = pairs.board.panel
        own = (*_who_leads(pairs), *_at_one_ratio(panel, metrics))
        found += [replace(figure, panel=panel.name) for figure in own]
    every = list(panels(condition, full.definition.unless))
    for start in dict.fromkeys(panel.start for panel in sorted(every, key=lambda one: one.start == "cold")):
        found += _across_ratios([panel for panel in every if panel.start == start], start, condition.suffix)
    return tuple(found)


def score_figure(record: RunRecord) -> Figure | None:
    """Return the paper's Figure 1 of a stored run; None if the run recorded no scores of its pool.

    Runs of strategies that need no pass over the pool, and runs older than the record's field, have none.
    """
    data = score_distribution(record)
    if not len(data):
        return None
    return Figure(
        name=f"scores-{record.key[:8]}",
        drawing="scores",
        title=f"Predicted probabilities over the pool: {record.spec}",
        caption="The layout of the paper's Figure 1, from one stored run. (a) The unlabelled pool before the round by "
        "the model's probability of the positive class, and the rows selected from it; logarithmic. (b) The share of "
        "the selection weight that falls on each range, and for comparison the share of the rows: a uniform draw.",
        data={"scores": data.assign(key=record.key)},
    )


def _who_leads(pairs: AllPairs) -> Iterator[Figure]:
    """Yield what answers the report's question: ranks and cost, the best curves, effects by task, all pairs."""
    board, frame = pairs.board, standing(pairs.board)
    name, where, metric = board.panel.name, board.panel.title, metric_title(board.metric)
    if len(frame) < 2:
        return
    groups = unseparated(pairs)
    yield Figure(
        f"standing-{name}",
        "standing",
        f"Ranks and cost, {where}",
        f"Left: mean rank by {metric} within a task and seed, with 95 % t-interval over seeds; bars join neighbours of "
        "which no two are distinguishable (seed-level test, Holm over all pairs). Right: mean against seconds a run "
        "(logarithmic), numbered by rank; the line joins strategies that none beats in both.",
        {"standing": frame, "groups": groups, "metric": pd.DataFrame({"title": [metric]})},
        said_of_groups(frame, groups),
        main=True,
    )
    curves = best_curves(board)
    if curves["mean"].notna().any():
        yield Figure(
            f"best-{name}",
            "best",
            f"Learning curves of the best, {where}",
            f"{metric}: means over tasks, with 95 % t-intervals over seeds; the {BEST} highest, and random+uniform.",
            {"curves": curves, "metric": pd.DataFrame({"title": [metric]})},
            said_of_curves(curves),
            main=True,
        )
    effects = effects_by_task(board)
    if effects["difference"].notna().any():
        yield Figure(
            f"effect-map-{name}",
            "effect-map",
            f"Effect by task and strategy, {where}",
            f"{metric} minus that of {effects['against'].iloc[0]}, in thousandths; darker is better. A dot: p < 0.05 "
            "over the task's seeds, after Holm over the figure.",
            {"effects": effects},
            said_of_effects(effects),
            main=True,
        )
    yield Figure(
        f"pairs-{name}-matrix",
        "matrix",
        f"Each against each, {where}",
        f"Row minus column by {metric}, in thousandths; wins, ties and losses over tasks and seeds; p after Holm over "
        f"all pairs, bold below 0.05. The {min(len(frame), MOST_IN_MATRIX)} highest by rank.",
        {"pairs": matrix(pairs)},
        f"{int((pairs.table['p_holm'] < ALPHA).sum())} of {len(pairs.table)} pairs are distinguished.",
    )


def _at_one_ratio(panel: Panel, metrics: Sequence[str]) -> Iterator[Figure]:
    name, where, over = panel.name, panel.title, _count(panel)
    means, differences = mean_curves(panel, metrics), difference_curves(panel, metrics)
    yield from _curves(means, differences, metrics, name, where, over)
    found = positives_found(panel)
    yield Figure(
        f"positives-{name}",
        "positives",
        f"Positives found, {where}",
        f"Positives among the queried examples, start set excluded, mean over {over}. Dashed: what a uniform "
        "random draw of as many rows finds on average. Dotted: the ceiling, all rows selected or all positives of the "
        "pool; it may lie above what is shown.",
        {"found": found},
        _said_of_found(found),
    )
    yield from _comparisons(by_task(panel), wins(panel), name, where)
    distances = informativeness(panel)
    if distances["mean"].notna().any():
        yield Figure(
            f"informativeness-{name}",
            "informativeness",
            f"Informativeness of the selected positives, {where}",
            "Mean cosine distances in the pre-trained encoder's space, after the last round; larger: more varied, or "
            f"less like what was known. {_OVER_SEEDS}. A seed with a run that found too few positives to measure is "
            f"left out.{_left_out(distances)}",
            {"distances": distances},
            _highest(distances[distances["mean"].notna()], "mean", [*LABELS, "metric"]),
        )
    times = stage_seconds(panel.rounds)
    yield Figure(
        f"times-{name}",
        "times",
        f"Time per stage, {where}",
        f"Mean seconds per run, summed over rounds, as each run recorded them; mean over {over}. What the runs of a "
        "block share (the first model) is counted in each of them.",
        {"times": times},
        _highest(times.groupby(LABELS)["seconds"].sum().reset_index(), "seconds", LABELS, "s a run, the most"),
    )


def _curves(
    means: pd.DataFrame, differences: pd.DataFrame, metrics: Sequence[str], name: str, where: str, over: str
) -> Iterator[Figure]:
    below = ""
    if len(differences):
        below = (
            f" Below: paired difference to {differences['smaller'].iloc[0]}, matched by task and seed. {_OVER_SEEDS}; "
            "a wide one may reach beyond what is shown."
        )
    for metric in (metric for metric in metrics if (means["metric"] == metric).any()):
        yield Figure(
            f"curves-{metric.replace('_', '-')}-{name}",
            "curves",
            f"{metric_title(metric)} by round, {where}",
            f"Above: mean over {over} after each round.{below}{_left_out(_of(differences, metric))}",
            {"means": _of(means, metric), "differences": _of(differences, metric)},
            _highest(_last_round(_of(means, metric)), "mean", LABELS, "after the last round, the highest"),
        )


def _comparisons(tasks: pd.DataFrame, score: pd.DataFrame, name: str, where: str) -> Iterator[Figure]:
    if not tasks["mean"].notna().any():
        return
    larger = tasks["larger"].iloc[0]
    yield Figure(
        f"forest-{name}",
        "forest",
        f"Paired difference per task, {where}",
        f"{larger} minus each other weighting, mean over algorithms, matched by task and seed. 95 % t-intervals: of a "
        f"task over its seeds; of these tasks over seeds; of new tasks over tasks.{_left_out(tasks)}",
        {"tasks": tasks},
        _said_of_differences(tasks[tasks["dataset"] != ""], larger),
    )
    yield Figure(
        f"wins-{name}",
        "wins",
        f"Wins, ties and losses, {where}",
        f"In how many pairs (one task and seed) {larger} has the larger, the same or the smaller value. No test."
        f"{_missing(score['missing'])}",
        {"wins": score},
        f"{larger} wins {score['win'].sum():,}, ties {score['tie'].sum():,} and loses {score['loss'].sum():,} pairs.",
    )


def _across_ratios(every: Sequence[Panel], start: str, suffix: str) -> Iterator[Figure]:
    own = [panel for panel in every if panel.ratio != NATURAL_LEVEL]  # no place on an axis: each task has its own
    if len(own) < 2:
        return
    ratios = by_ratio(own)
    if not ratios["mean"].notna().any():
        return
    for metric in METRICS:
        yield Figure(
            f"ratios-{metric.replace('_', '-')}-{start}{suffix}",
            "ratios",
            f"Effect on {metric_title(metric)} by ratio, {start} start",
            f"{ratios['larger'].iloc[0]} minus each other weighting, matched by task and seed, against the ratio. "
            f"{_OVER_SEEDS}. Ratios may differ in which tasks are feasible.{_left_out(_of(ratios, metric))}",
            {"ratios": _of(ratios, metric)},
            _said_of_differences(_of(ratios, metric), str(ratios["larger"].iloc[0])),
        )


def _highest(frame: pd.DataFrame, column: str, names: Sequence[str], unit: str = "the highest") -> str:
    """Return the line with the largest value as a sentence; empty of nothing."""
    if not len(frame):
        return ""
    top = frame.sort_values(column, kind="stable").iloc[-1]
    return f"{', '.join(str(top[name]) for name in names)}: {top[column]:.4g}, {unit}."


def _last_round(means: pd.DataFrame) -> pd.DataFrame:
    known: pd.DataFrame = means[means["mean"].notna()]
    last: pd.DataFrame = known[known["round"] == known["round"].max()]
    return last


def _said_of_found(found: pd.DataFrame) -> str:
    last = found[found["round"] == found["round"].max()]
    if not len(last):
        return ""
    return _highest(
        last, "found", LABELS, f"positives found, the most; a random draw finds {last['expected'].mean():.4g}"
    )


def _said_of_differences(frame: pd.DataFrame, larger: str) -> str:
    known = frame[frame["mean"].notna()]
    sure = ((known["low"] > 0) | (known["high"] < 0)).sum()
    above = (known["mean"] > 0).sum()
    return f"{larger} is above the other in {above} of {len(known)} differences; {sure} intervals leave 0 out."


def _of(frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    return frame[frame["metric"] == metric]


def _count(panel: Panel) -> str:
    tasks, seeds = (panel.runs >= 0).any(axis=(0, 1, 3)).sum(), (panel.runs >= 0).any(axis=(0, 1, 2)).sum()
    return f"{count(int(tasks), 'task')} and {count(int(seeds), 'seed')}"


def _left_out(frame: pd.DataFrame) -> str:
    """Return how many units an interval lacks at most, as a sentence; empty if none does."""
    most = int(frame["left_out"].max()) if len(frame) else 0
    return f" Up to {most} seeds or tasks of an interval are left out: a value is missing." if most else ""


def _missing(counts: pd.Series[int]) -> str:
    return f" Up to {counts.max()} pairs of a cell are missing." if counts.max() else ""
