"""Labels saved: how many labels the baseline needs to reach what each other strategy ends with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf, isinf

import numpy as np
import pandas as pd

from analysis.condition import Condition
from analysis.names import AXIS_TITLES, LABELS, TITLES, lower_is_better, metric_title, ratio_label, with_labels
from analysis.tables.model import Cell, Group, Row, Table
from analysis.text import count
from bench.metrics.labels_saved import LabelsSaved, LabelsSavedMetric

PLACE = ["ratio", "start", "dataset", "positive"]
BASELINE = (TITLES["random"], TITLES["uniform"])
COLUMNS = ("needed", "saved", "from", "to", "censored")


def labels_saved(condition: Condition, metrics: Sequence[str]) -> Table | None:
    """Return a row per task and strategy that was run beside random+uniform; None where there are none.

    Args:
        condition: its runs.
        metrics: names; those that are not of rounds have no learning curve and are left out.
    """
    rounds = with_labels(condition.rounds)
    chosen = [metric for metric in metrics if metric in rounds.columns]
    rows = [row for place, own in rounds.groupby(PLACE) for row in _rows(place, own, chosen)]
    if not rows:
        return None
    return Table(
        name=f"labels-saved{condition.suffix}",
        address="labels-saved",
        title="Labels saved",
        caption=f"{LabelsSavedMetric.summary.capitalize()}; the baseline is {'+'.join(BASELINE)}. Its mean curve over "
        "seeds is made monotone (the best value so far) and read between rounds along straight lines. From, to: 95 % "
        "interval by resampling seeds, of both strategies together. Censored: share of the resamples in which the "
        "baseline never gets there; then it needs more labels than were bought, which > and ∞ stand for.",
        headers=(*(AXIS_TITLES[axis] for axis in PLACE[:3]), "Positive class", "Algorithm", "Weighting"),
        groups=tuple(Group(metric_title(metric), COLUMNS) for metric in chosen),
        rows=tuple(rows),
    )


def _rows(place: tuple[object, ...], rounds: pd.DataFrame, metrics: Sequence[str]) -> Iterator[Row]:
    """Yield a row for each strategy of one task that shares seeds with the baseline."""
    curves = {tuple(map(str, labels)): own for labels, own in rounds.groupby(LABELS)}
    baseline = curves.pop(BASELINE, None)
    if baseline is None or not metrics:
        return
    for labels, own in curves.items():
        seeds = sorted(set(baseline["seed"]) & set(own["seed"]))
        labelled = own[own["seed"].isin(seeds)].groupby("round")["labelled"].unique()
        alike = bool(seeds) and all(len(values) == 1 for values in labelled)
        if alike:
            steps = [int(values[0]) for values in labelled]
            cells = [cell for metric in metrics for cell in _cells(place, labels, baseline, own, seeds, steps, metric)]
            level, *others = place
            yield Row((ratio_label(int(str(level))), *map(str, others), *labels), tuple(cells))


def _cells(
    place: tuple[object, ...],
    labels: tuple[str, ...],
    baseline: pd.DataFrame,
    own: pd.DataFrame,
    seeds: list[int],
    labelled: list[int],
    metric: str,
) -> Iterator[Cell]:
    one, other = (
        frame.pivot_table(index="seed", columns="round", values=metric, dropna=False).reindex(seeds).to_numpy(float)
        for frame in (baseline, own)
    )
    found = LabelsSavedMetric.compute(
        labelled, one, other, higher_is_better=not lower_is_better(metric), stream=f"{place} {labels} {metric}"
    )
    runs = tuple(pd.concat([baseline, own]).query("seed in @seeds")["key"].drop_duplicates())
    note = f"n = {count(len(seeds), 'seed')}"
    for text, value in _texts(found, labelled[-1]):
        yield Cell(text, value, n=len(seeds), note=note if len(seeds) < 2 else "", runs=runs)


def _texts(found: LabelsSaved, bought: int) -> Iterator[tuple[str, float]]:
    yield (f">{bought}" if isinf(found.needed) else f"{found.needed:.0f}"), found.needed
    yield (">0" if isinf(found.saved) else f"{round(found.saved):+d}"), found.saved
    for end in (found.low, found.high):
        yield ("∞" if end == inf else f"{round(end):+d}"), end
    yield f"{found.censored:.2f}", float(np.round(found.censored, 4))
