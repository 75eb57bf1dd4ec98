"""Round by round: means, paired differences, and the positives found against what chance would find."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.names import LABELS
from analysis.panels import Panel, against_last, over_units
from bench.records import METRICS


def mean_curves(panel: Panel, metrics: Sequence[str] = METRICS) -> pd.DataFrame:
    """Return the mean of each metric after each round, over runs of all tasks and seeds.

    Args:
        panel: the runs.
        metrics: which; one that is not of rounds is left out.

    Returns:
        ``LABELS``, metric, round, labelled (mean rows labelled), n (runs), mean (NaN if any run's is). The positives
        ratio counts all rows selected so far and starts at round 1.
    """
    whole = _with_ratio(panel.rounds)
    long = whole.melt([*LABELS, "round", "labelled", "selected"], _of_rounds(whole, metrics), "metric")
    long = long[(long["metric"] != "positives_ratio") | (long["selected"] > 0)]
    by = long.groupby([*LABELS, "metric", "round"])
    mean = by["value"].mean().where(by["value"].count() == by.size())
    return pd.DataFrame({"labelled": by["labelled"].mean(), "n": by.size(), "mean": mean}).reset_index()


def difference_curves(panel: Panel, metrics: Sequence[str] = METRICS) -> pd.DataFrame:
    """Return each weighting's paired difference to the last one (Uniform) after each round.

    Args:
        panel: the runs.
        metrics: which; one that is not of rounds is left out.

    Returns:
        algorithm_label, larger, smaller, metric, round, n, left_out, mean, low, high (over seeds, as
        :func:`analysis.panels.over_units` returns them) and labelled.
    """
    rounds = _with_ratio(panel.rounds)
    labelled = rounds.groupby(["algorithm_label", "round"])["labelled"].mean().rename("labelled")
    parts = []
    for larger, smaller in against_last(panel.finished_weightings):
        for metric in _of_rounds(rounds, metrics):
            values, there = panel.difference((larger, smaller), panel.by_round(rounds[metric]))
            first = int(metric == "positives_ratio")  # nothing is selected in round 0
            for at, algorithm in enumerate(panel.algorithms):
                if there[at].any():
                    own = over_units(values[at : at + 1], there[at : at + 1])
                    part = pd.DataFrame({"round": range(values.shape[-1]), **own})[first:]
                    names = {"algorithm_label": algorithm, "larger": larger, "smaller": smaller, "metric": metric}
                    parts.append(part.assign(**names))
    columns = ["algorithm_label", "larger", "smaller", "metric", "round", "n", "left_out", "mean", "low", "high"]
    found = pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=pd.Index(columns))
    return found.join(labelled, on=["algorithm_label", "round"])


def positives_found(panel: Panel) -> pd.DataFrame:
    """Return the positives that each strategy has found after each round, the start set excluded.

    Returns:
        ``LABELS``, round, selected (rows), n (runs), found, expected (what as many uniform random draws from the
        pool without its start set would find) and ceiling (all rows selected, or all positives there are), each the
        mean over tasks and seeds.
    """
    rounds = panel.rounds
    start = rounds.loc[rounds["round"] == 0, ["key", "labelled", "labelled_positives"]]
    pool = panel.labelled[["key", "pool_rows", "pool_positives"]].merge(start, on="key").set_index("key")
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
