"""The size of an effect by ratio, by task and by algorithm; who wins how often; and the p-values."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.figures.intervals import TASK, against_last, differences, first_against, intervals
from analysis.model import p_text
from analysis.paired import SPREAD
from bench.records import METRICS

ALL_ALGORITHMS = "All algorithms"
COMPARED = ["larger", "smaller", "metric"]


def by_ratio(runs: pd.DataFrame) -> pd.DataFrame:
    """Return InvProp's paired difference to each other weighting at each ratio, per algorithm and over all of them.

    Args:
        runs: rows of ``Results.runs`` with ``LABELS``, of one start.

    Returns:
        algorithm_label (``ALL_ALGORITHMS`` for the mean over all that were run), ratio, ``COMPARED``, and the columns
        of :func:`intervals` over seeds.
    """
    pairs = differences(runs, first_against(runs), METRICS)
    over_all = intervals(pairs, [*COMPARED, "ratio"]).assign(algorithm_label=ALL_ALGORITHMS)
    return pd.concat([over_all, intervals(pairs, ["algorithm_label", *COMPARED, "ratio"])], ignore_index=True)


def by_task(runs: pd.DataFrame) -> pd.DataFrame:
    """Return InvProp's paired difference to each other weighting on each task, and over all of them.

    Args:
        runs: rows of ``Results.runs`` with ``LABELS``, of one ratio and start.

    Returns:
        dataset, positive, ``COMPARED``, unit, and the columns of :func:`intervals` of the mean over algorithms. A
        task's interval is over seeds. Dataset and positive are empty in the two means over all tasks: over seeds (on
        these tasks) and over tasks (on tasks like these).
    """
    pairs = differences(runs, first_against(runs), METRICS)
    each = intervals(pairs, [*TASK, *COMPARED]).assign(unit="seed")
    whole = [intervals(pairs, COMPARED, unit).assign(unit=unit, dataset="", positive="") for unit in ("seed", "task")]
    return pd.concat([each, *whole], ignore_index=True)


def p_values(runs: pd.DataFrame) -> pd.DataFrame:
    """Return paper mode's test of each comparison of weightings: one-sided paired t over (task, seed) pairs.

    Args:
        runs: rows of ``Results.runs`` with ``LABELS``, of one ratio and start.

    Returns:
        algorithm_label, ``COMPARED``, the columns of :func:`intervals` over pairs, and text: p as it is printed. p
        is small if ``larger`` is larger, and near 1 if ``smaller`` is.
    """
    comparisons = dict.fromkeys([*first_against(runs), *against_last(runs)])
    table = intervals(differences(runs, comparisons, METRICS), ["algorithm_label", *COMPARED], "pair")
    return table.assign(text=table["p"].map(p_text))


def wins(runs: pd.DataFrame) -> pd.DataFrame:
    """Return in how many (task, seed) pairs InvProp has the larger, the same and the smaller value.

    Args:
        runs: rows of ``Results.runs`` with ``LABELS``, of one ratio and start.

    Returns:
        algorithm_label, ``COMPARED``, win, tie (equal but for rounding), loss, missing (runs without a partner).
    """
    pairs = differences(runs, first_against(runs), METRICS)
    value = pairs["value"].astype(float)
    outcomes = {
        "win": value > SPREAD,
        "tie": value.abs() <= SPREAD,
        "loss": value < -SPREAD,
        "missing": value.isna(),
    }
    counted = pairs.assign(**outcomes).groupby(["algorithm_label", *COMPARED])[list(outcomes)].sum()
    return counted.astype(np.int64).reset_index()
