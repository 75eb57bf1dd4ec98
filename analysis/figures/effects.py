"""The size of an effect by ratio, by task and by algorithm; who wins how often; and the p-values."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.figures.intervals import against_last, differences, first_against, intervals
from analysis.frame import TASK
from analysis.layout import Layout
from analysis.model import Table, p_text
from analysis.names import ratio_level
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
    pairs = differences(runs, first_against(runs["weighting_label"]), METRICS)
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
    pairs = differences(runs, first_against(runs["weighting_label"]), METRICS)
    each = intervals(pairs, [*TASK, *COMPARED]).assign(unit="seed")
    whole = [intervals(pairs, COMPARED, unit).assign(unit=unit, dataset="", positive="") for unit in ("seed", "task")]
    return pd.concat([each, *whole], ignore_index=True)


def p_values(layout: Layout, table: Table) -> pd.DataFrame:
    """Return paper mode's tests of the full results, one weighting against another: those behind the table's marks.

    Args:
        layout: of a table whose rows are ratios, starts and algorithms (among others), and its columns weightings.
        table: made from it.

    Returns:
        ratio, start, algorithm_label, ``COMPARED``, n (pairs), unpaired (runs without a partner), p, and text: p as it
        is printed. p is small if ``larger`` is larger, and near 1 if ``smaller`` is. A row for each comparison of the
        first weighting with another, or of another with the last, that were both run in that row of the table.
    """
    metrics = dict(zip((group.title for group in table.groups), layout.definition.metrics, strict=True))
    rows = []
    for labels, row, held in zip(layout.rows, table.rows, layout.held, strict=True):
        run = [label for label, number in zip(layout.columns, held, strict=True) if number]
        claims = {*first_against(run), *against_last(run)}
        at = dict(zip(layout.definition.rows, labels, strict=True))
        place = (ratio_level(at["ratio"]), at["start"], at["algorithm"])
        for (title, larger), cell in zip(table.columns, row.cells, strict=True):
            tests = {one.other: one.paper for one in cell.against if (larger, one.other) in claims}
            rows += [
                (*place, larger, other, metrics[title], test.n, test.unpaired, test.p, p_text(test.p))
                for other, test in tests.items()
            ]
    names = ["ratio", "start", "algorithm_label", *COMPARED, "n", "unpaired", "p", "text"]
    return pd.DataFrame(rows, columns=pd.Index(names))


def wins(runs: pd.DataFrame) -> pd.DataFrame:
    """Return in how many (task, seed) pairs InvProp has the larger, the same and the smaller value.

    Args:
        runs: rows of ``Results.runs`` with ``LABELS``, of one ratio and start.

    Returns:
        algorithm_label, ``COMPARED``, win, tie (equal but for rounding), loss, missing (runs without a partner).
    """
    pairs = differences(runs, first_against(runs["weighting_label"]), METRICS)
    value = pairs["value"].astype(float)
    outcomes = {
        "win": value > SPREAD,
        "tie": value.abs() <= SPREAD,
        "loss": value < -SPREAD,
        "missing": value.isna(),
    }
    counted = pairs.assign(**outcomes).groupby(["algorithm_label", *COMPARED])[list(outcomes)].sum()
    return counted.astype(np.int64).reset_index()
