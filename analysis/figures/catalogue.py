"""Which figures a set of runs gives, and what is said of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from analysis.comparisons import Numbers
from analysis.condition import Condition
from analysis.figures.curves import difference_curves, mean_curves, positives_found
from analysis.figures.effects import by_ratio, by_task, p_values, wins
from analysis.figures.model import Figure
from analysis.figures.selected import score_distribution
from analysis.names import NATURAL_LEVEL, metric_title
from analysis.panels import Panel, panels
from analysis.selected_positives import informativeness
from analysis.stages import stage_seconds
from analysis.text import count, pairs_of
from bench.records import METRICS, RunRecord

_OVER_SEEDS = "95 % t-intervals over seeds, whose values are means over the tasks: they speak of these tasks only"


def figures_of(condition: Condition, full: Numbers, metrics: Sequence[str] = METRICS) -> tuple[Figure, ...]:
    """Return the figures of a condition: some for each ratio and start, some across ratios.

    A figure that would show nothing (a paired difference of a store that holds one weighting) is not among them.

    Args:
        condition: whose runs.
        full: the numbers of the full results, which leave the sweep of bins out, and so do figures.
        metrics: whose curves are drawn; all other figures are of the paper's three.
    """
    found: list[Figure] = []
    every, tests = list(panels(condition, full.definition.unless)), p_values(full)
    for panel in every:
        own = tests[(tests["ratio"] == panel.ratio) & (tests["start"] == panel.start)]
        found += _at_one_ratio(panel, own, metrics)
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
        data={"scores": data},
    )


def _at_one_ratio(panel: Panel, p: pd.DataFrame, metrics: Sequence[str]) -> Iterator[Figure]:
    name, where, over = panel.name, panel.title, _count(panel)
    means, differences = mean_curves(panel, metrics), difference_curves(panel, metrics)
    yield from _curves(means, differences, metrics, name, where, over)
    yield Figure(
        f"positives-{name}",
        "positives",
        f"Positives found, {where}",
        f"Positives among the queried examples, start set excluded, mean over {over}. Dashed: what a uniform "
        "random draw of as many rows finds on average. Dotted: the ceiling, all rows selected or all positives of the "
        "pool; it may lie above what is shown.",
        {"found": positives_found(panel)},
    )
    yield from _comparisons(by_task(panel), wins(panel), p, name, where)
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
        )
    yield Figure(
        f"times-{name}",
        "times",
        f"Time per stage, {where}",
        f"Mean seconds per run, summed over rounds, as each run recorded them; mean over {over}. What the runs of a "
        "block share (the first model) is counted in each of them.",
        {"times": stage_seconds(panel.rounds)},
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
        )


def _comparisons(tasks: pd.DataFrame, score: pd.DataFrame, p: pd.DataFrame, name: str, where: str) -> Iterator[Figure]:
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
    )
    yield Figure(
        f"wins-{name}",
        "wins",
        f"Wins, ties and losses, {where}",
        f"In how many pairs (one task and seed) {larger} has the larger, the same or the smaller value. No test."
        f"{_missing(score['missing'])}",
        {"wins": score},
    )
    yield Figure(
        f"p-values-{name}",
        "p-values",
        f"p-values per algorithm, {where}",
        "Paired one-sided t-test that the first weighting is larger, as in Table 8: a pair is two runs of one task and "
        f"seed, which the test takes as independent; {pairs_of(p['n'])}; no correction. Bold and blue: p < 0.05. "
        f"Orange: p > 0.95, the second is larger. A dash: no test.{_alone(p['unpaired'])}",
        {"p": p},
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
        )


def _of(frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    return frame[frame["metric"] == metric]


def _count(panel: Panel) -> str:
    tasks, seeds = (panel.runs >= 0).any(axis=(0, 1, 3)).sum(), (panel.runs >= 0).any(axis=(0, 1, 2)).sum()
    return f"{count(int(tasks), 'task')} and {count(int(seeds), 'seed')}"


def _left_out(frame: pd.DataFrame) -> str:
    """Return how many units an interval lacks at most, as a sentence; empty if none does."""
    most = int(frame["left_out"].max()) if len(frame) else 0
    return f" Up to {most} seeds or tasks of an interval are left out: a value is missing." if most else ""


def _alone(counts: pd.Series[int]) -> str:
    return f" Up to {count(counts.max(), 'run')} of a test without a partner." if counts.max() else ""


def _missing(counts: pd.Series[int]) -> str:
    return f" Up to {counts.max()} pairs of a cell are missing." if counts.max() else ""
