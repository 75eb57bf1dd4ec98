"""Round by round: means, paired differences, and the positives found against what chance would find."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.figures.intervals import PLACE, against_last, differences, intervals
from analysis.names import LABELS
from bench.records import METRICS


def mean_curves(rounds: pd.DataFrame, metrics: Sequence[str] = METRICS) -> pd.DataFrame:
    """Return the mean of each metric after each round, over runs of all tasks and seeds.

    Args:
        rounds: rows of ``Results.rounds`` with ``LABELS``, of one ratio and start.
        metrics: which; one that is not of rounds is left out.

    Returns:
        ``LABELS``, metric, round, labelled (mean rows labelled), n (runs), mean (NaN if any run's is). The positives
        ratio counts all rows selected so far and starts at round 1.
    """
    whole = _with_ratio(rounds)
    long = whole.melt([*LABELS, "round", "labelled", "selected"], _of_rounds(whole, metrics), "metric")
    long = long[(long["metric"] != "positives_ratio") | (long["selected"] > 0)]
    by = long.groupby([*LABELS, "metric", "round"])
    mean = by["value"].mean().where(by["value"].count() == by.size())
    return pd.DataFrame({"labelled": by["labelled"].mean(), "n": by.size(), "mean": mean}).reset_index()


def difference_curves(runs: pd.DataFrame, rounds: pd.DataFrame, metrics: Sequence[str] = METRICS) -> pd.DataFrame:
    """Return each weighting's paired difference to the last one (Uniform) after each round.

    Args:
        runs: rows of ``Results.runs`` with ``LABELS``, of one ratio and start.
        rounds: theirs.
        metrics: which; one that is not of rounds is left out.

    Returns:
        algorithm_label, larger, smaller, metric, round, labelled, and the columns of :func:`intervals` over seeds.
    """
    keyed = _with_ratio(rounds).merge(runs[["key", "pair_key"]], on="key")
    chosen = _of_rounds(keyed, metrics)
    pairs = differences(keyed, against_last(runs["weighting_label"]), chosen, [*PLACE, "round"])
    pairs = pairs[(pairs["metric"] != "positives_ratio") | (pairs["round"] > 0)]
    table = intervals(pairs, ["algorithm_label", "larger", "smaller", "metric", "round"])
    labelled = rounds.groupby(["algorithm_label", "round"])["labelled"].mean().rename("labelled")
    return table.join(labelled, on=["algorithm_label", "round"])


def positives_found(runs: pd.DataFrame, rounds: pd.DataFrame) -> pd.DataFrame:
    """Return the positives that each strategy has found after each round, the start set excluded.

    Args:
        runs: rows of ``Results.runs`` with ``LABELS``, of one ratio and start.
        rounds: theirs.

    Returns:
        ``LABELS``, round, selected (rows), n (runs), found, expected (what as many uniform random draws from the
        pool without its start set would find) and ceiling (all rows selected, or all positives there are), each the
        mean over tasks and seeds.
    """
    start = rounds.loc[rounds["round"] == 0, ["key", "labelled", "labelled_positives"]]
    pool = runs[["key", "pool_rows", "pool_positives"]].merge(start, on="key").set_index("key")
    left = (pool["pool_positives"] - pool["labelled_positives"]).astype(float)
    share = left / (pool["pool_rows"] - pool["labelled"])
    here = rounds.assign(
        found=rounds["selected_positives"],
        expected=rounds["selected"] * rounds["key"].map(share),
        ceiling=np.minimum(rounds["selected"], rounds["key"].map(left)),
    )
    by = here.groupby([*LABELS, "round"])
    return by[["selected", "found", "expected", "ceiling"]].mean().assign(n=by.size()).reset_index()


def _with_ratio(rounds: pd.DataFrame) -> pd.DataFrame:
    return rounds.assign(positives_ratio=rounds["selected_positives"] / rounds["selected"].replace(0, np.nan))


def _of_rounds(rounds: pd.DataFrame, metrics: Sequence[str]) -> list[str]:
    return [metric for metric in metrics if metric in rounds.columns]
