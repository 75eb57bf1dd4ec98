"""What was run and how long it took, as tables."""

from __future__ import annotations

import pandas as pd

from analysis.condition import Condition
from analysis.cube import Selection
from analysis.names import AXIS_TITLES, LABELS, ratio_label, with_labels
from analysis.stages import stage_seconds
from analysis.tables.model import Cell, Group, Row, Table
from analysis.text import NO_VALUE

PLACE = ["ratio", "start", "dataset", "positive"]


def coverage(condition: Condition, full: Selection | None) -> Table:
    """Return a row per ratio, start and task with the size of its pool and its runs by how they ended.

    Args:
        condition: the runs.
        full: the runs of the table of all strategies, if there is one; its missing runs are counted.
    """
    frames = {
        "finished": condition.runs,
        "failed": condition.failed,
        "skipped": condition.unfinished[condition.unfinished["status"] == "skipped"],
    }
    keys = {ended: frame.groupby(PLACE)["key"].agg(tuple) for ended, frame in frames.items()}
    sizes = condition.runs.groupby(PLACE)[["pool_rows", "pool_positives", "test_rows"]].first()
    lacking = full.absent().query("not failed") if full else condition.runs[:0]
    absent = lacking.groupby(PLACE).size()
    places = pd.concat([frame[PLACE] for frame in (*frames.values(), lacking)]).drop_duplicates()
    rows = []
    for place in sorted(places.itertuples(index=False, name=None), key=lambda at: (at[0], at[1] == "cold", *at[2:])):
        known = sizes.loc[place] if place in sizes.index else pd.Series([None] * 3)
        runs = [keys[ended].get(place, ()) for ended in frames]
        counts = [*(Cell(f"{len(own):,}", float(len(own)), runs=own) for own in runs), _number(absent.get(place, 0))]
        rows.append(Row((ratio_label(place[0]), *map(str, place[1:])), (*map(_number, known), *counts)))
    return Table(
        name=f"runs{condition.suffix}",
        address="runs",
        title="What was run",
        caption="Pool and test set in rows; runs by how they ended. Missing: not in the store, though Table 8 "
        "expects them, because another strategy, task or ratio has runs of that task and seed.",
        headers=(*(AXIS_TITLES[axis] for axis in PLACE[:3]), "Positive class"),
        groups=(
            Group("Rows", ("pool", "positives", "test")),
            Group("Runs", (*frames, "missing")),
        ),
        rows=tuple(rows),
    )


def _number(value: float | None) -> Cell:
    return Cell(NO_VALUE) if value is None or pd.isna(value) else Cell(f"{int(value):,}", float(value))


def stage_times(condition: Condition) -> Table:
    """Return the mean seconds per run of each stage, a row per strategy."""
    runs = with_labels(condition.runs)
    long = stage_seconds(with_labels(condition.rounds))
    by = runs.groupby(LABELS)
    whole, keys = by["seconds"].mean(), by["key"].agg(tuple)
    stages = long.pivot_table(index=LABELS, columns="stage", values="seconds", observed=True)
    means = stages[list(long["stage"].unique())].reindex(whole.index).assign(**{"whole run": whole})
    return Table(
        name=f"time{condition.suffix}",
        address="time",
        title="Time per stage",
        caption="Mean seconds per run, summed over rounds, as each run recorded them.",
        headers=("Algorithm", "Weighting"),
        groups=(Group("Seconds per run", tuple(means.columns)),),
        rows=tuple(
            Row(tuple(map(str, labels)), tuple(Cell(f"{value:,.2f}", float(value), runs=own) for value in values))
            for labels, values, own in zip(means.index, means.to_numpy(), keys, strict=True)
        ),
    )
