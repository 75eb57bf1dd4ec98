"""Where the time of a run goes."""

from __future__ import annotations

import pandas as pd

from analysis.names import LABELS

PREFIX = "seconds_"


def stage_seconds(rounds: pd.DataFrame) -> pd.DataFrame:
    """Return the mean seconds per run of each stage, summed over rounds as each run recorded them.

    Args:
        rounds: rows of ``Results.rounds`` with ``LABELS``.

    Returns:
        ``LABELS``, stage (the one that takes most of all time first), seconds, n (runs).
    """
    stages = [name for name in rounds.columns if name.startswith(PREFIX) and rounds[name].sum() > 0]
    by = rounds.groupby([*LABELS, "key"])[stages].sum().groupby(level=LABELS)
    means = by.mean()
    order = means.sum().sort_values(ascending=False, kind="stable").index
    long = means[order].assign(n=by.size()).reset_index().melt([*LABELS, "n"], list(order), "stage", "seconds")
    return long.assign(stage=long["stage"].str.removeprefix(PREFIX).str.replace("_", " "))
