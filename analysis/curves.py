"""Learning curves: each metric against the rows labelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.condition import Condition
from analysis.inference import LEVEL
from analysis.part import LABELS, parts
from bench.records import METRICS

CURVE_METRICS = METRICS


@dataclass(frozen=True)
class Curves:
    """The learning curves of one ratio and start.

    Attributes:
        name: for file names. title: for headings. data: see :func:`mean_curves`.
    """

    name: str
    title: str
    data: pd.DataFrame


def curves(condition: Condition) -> tuple[Curves, ...]:
    """Return the curves of each ratio and start, in that order, warm first."""
    return tuple(Curves(f"curves-{part.name}", part.title, mean_curves(part.rounds)) for part in parts(condition))


def mean_curves(rounds: pd.DataFrame) -> pd.DataFrame:
    """Return the mean of each metric after each round with its confidence interval.

    Args:
        rounds: rows of ``Results.rounds`` with ``LABELS``.

    Returns:
        One row per strategy, metric and round: ``LABELS``, metric, round, labelled (mean rows labelled), n
        (runs), mean, low, high. The interval is the t-interval of the mean over runs of all tasks and seeds,
        so tasks that differ in difficulty widen it; it says nothing of paired differences. It is NaN for a
        single run. The positives ratio counts all rows selected so far and starts at round 1.
    """
    ratio = rounds["selected_positives"] / rounds["selected"].replace(0, np.nan)
    rounds = rounds.assign(positives_ratio=ratio)
    keys = [*LABELS, "round"]
    long = rounds.melt([*keys, "labelled", "selected"], list(CURVE_METRICS), var_name="metric")
    long = long[(long["metric"] != "positives_ratio") | (long["selected"] > 0)]
    by = long.groupby([*LABELS, "metric", "round"])
    table = pd.DataFrame(
        {
            "labelled": by["labelled"].mean(),
            "n": by["value"].size(),
            "mean": by["value"].agg(lambda values: values.mean(skipna=False)),
            "sd": by["value"].agg(lambda values: values.std(skipna=False)),
        }
    ).reset_index()
    half = stats.t.ppf((1 + LEVEL) / 2, table["n"] - 1) * table["sd"] / np.sqrt(table["n"])
    return table.assign(low=table["mean"] - half, high=table["mean"] + half).drop(columns="sd")
