"""What was run and how long it took, as tables."""

from __future__ import annotations

import pandas as pd

from analysis.condition import LABELS, Condition
from analysis.model import NO_VALUE, Cell, Group, Row, Table


def coverage(condition: Condition) -> Table:
    """Return a row per task with the size of its pool and its runs by how they ended."""
    strategies = len(condition.labels("algorithm")) * len(condition.labels("weighting"))
    tasks = pd.concat([condition.runs, condition.unfinished])[["dataset", "positive"]].drop_duplicates()
    return Table(
        name=f"runs-{condition.name}",
        title=f"What was run, {condition.title}",
        caption="Pool and test set in rows; runs by how they ended. Not run: expected, because another "
        "strategy or task has a run of that seed, but not in the store.",
        headers=("Dataset", "Positive class"),
        groups=(
            Group("Rows", ("pool", "positives", "test")),
            Group("Runs", ("finished", "failed", "skipped", "not run")),
        ),
        rows=tuple(
            _coverage_row(condition, str(dataset), str(positive), strategies)
            for dataset, positive in sorted(tasks.itertuples(index=False, name=None))
        ),
    )


def _coverage_row(condition: Condition, dataset: str, positive: str, strategies: int) -> Row:
    def mine(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[(frame["dataset"] == dataset) & (frame["positive"] == positive)]

    runs, failed = mine(condition.runs), mine(condition.failed)
    absent = max(0, len(mine(condition.expected)) * strategies - len(runs) - len(failed))
    sizes = [runs[column].dropna() for column in ("pool_rows", "pool_positives", "test_rows")]
    counts = [len(runs), len(failed), len(mine(condition.skipped)), absent]
    known = (_number(size.iloc[0]) if len(size) else Cell(NO_VALUE) for size in sizes)
    return Row((dataset, positive), (*known, *map(_number, counts)))


def _number(value: int) -> Cell:
    return Cell(f"{int(value):,}", float(value))


def stage_times(condition: Condition) -> Table:
    """Return the mean seconds per run of each stage, a row per strategy."""
    stages = [name for name in condition.rounds.columns if name.startswith("seconds_")]
    stages = [name for name in stages if condition.rounds[name].notna().any()]
    per_run = condition.rounds.groupby([*LABELS, "key"])[stages].sum()
    per_run["whole"] = condition.runs.set_index([*LABELS, "key"])["seconds"]
    means = per_run.groupby(level=LABELS).mean()
    titles = (name.removeprefix("seconds_").replace("_", " ") for name in stages)
    return Table(
        name=f"time-{condition.name}",
        title=f"Time per stage, {condition.title}",
        caption="Mean seconds per run, summed over rounds, as each run recorded them.",
        headers=("Algorithm", "Weighting"),
        groups=(Group("Seconds per run", (*titles, "whole run")),),
        rows=tuple(
            Row(tuple(map(str, labels)), tuple(Cell(f"{value:,.2f}", float(value)) for value in values))
            for labels, values in zip(means.index, means.to_numpy(), strict=True)
        ),
    )
