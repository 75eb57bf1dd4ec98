"""The size of an effect by ratio, by task and by algorithm; and who wins how often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.panels import Pair, Panel, first_against, over_units
from analysis.stats.interval import SPREAD, BoolArray
from bench.arrays import FloatArray
from bench.records import METRICS

ALL_ALGORITHMS = "All algorithms"
COMPARED = ["larger", "smaller", "metric"]
INTERVAL = ["n", "left_out", "mean", "low", "high"]
"""What :func:`analysis.panels.over_units` returns."""


def by_ratio(panels: Sequence[Panel]) -> pd.DataFrame:
    """Return InvProp's paired difference to each other weighting at each ratio, per algorithm and over all of them.

    Args:
        panels: of one start.

    Returns:
        algorithm_label (``ALL_ALGORITHMS`` for the mean over all that were run), ratio, ``COMPARED``, and ``INTERVAL``
        over seeds.
    """
    rows = []
    for panel in panels:
        for pair, metric, values, there in _differences(panel):
            one: dict[str, Any] = {"ratio": panel.ratio, **_compared(pair, metric)}
            rows.append({"algorithm_label": ALL_ALGORITHMS, **one, **over_units(values, there)})
            for at, algorithm in enumerate(panel.algorithms):
                if there[at].any():
                    own = over_units(values[at : at + 1], there[at : at + 1])
                    rows.append({"algorithm_label": algorithm, **one, **own})
    order = sorted(rows, key=lambda row: (row["algorithm_label"] != ALL_ALGORITHMS, row["algorithm_label"]))
    return _frame(order, ["algorithm_label", *COMPARED, "ratio", *INTERVAL])


def by_task(panel: Panel) -> pd.DataFrame:
    """Return InvProp's paired difference to each other weighting on each task, and over all of them.

    Returns:
        dataset, positive, ``COMPARED``, unit, and ``INTERVAL`` of the mean over algorithms. A task's interval is over
        seeds. Dataset and positive are empty in the two means over all tasks: over seeds (on these tasks) and over
        tasks (on new tasks).
    """
    rows: list[dict[str, Any]] = []
    whole: list[dict[str, Any]] = []
    for pair, metric, values, there in _differences(panel):
        for at, (dataset, positive) in enumerate(panel.selection.tasks):
            if there[:, at].any():
                own = over_units(values[:, at : at + 1], there[:, at : at + 1])
                rows.append(
                    {"dataset": dataset, "positive": positive, **_compared(pair, metric), **own, "unit": "seed"}
                )
        for unit in ("seed", "task"):
            every = over_units(values, there, unit)
            whole.append({"dataset": "", "positive": "", **_compared(pair, metric), **every, "unit": unit})
    return _frame([*rows, *whole], ["dataset", "positive", *COMPARED, *INTERVAL, "unit"])


def wins(panel: Panel) -> pd.DataFrame:
    """Return in how many (task, seed) pairs InvProp has the larger, the same and the smaller value.

    Returns:
        algorithm_label, ``COMPARED``, win, tie (equal but for rounding), loss, missing (runs without a partner).
    """
    rows = [
        {
            "algorithm_label": algorithm,
            **_compared(pair, metric),
            "win": int((own > SPREAD).sum()),
            "tie": int((np.abs(own) <= SPREAD).sum()),
            "loss": int((own < -SPREAD).sum()),
            "missing": int(np.isnan(own).sum()),
        }
        for pair, metric, values, there in _differences(panel)
        for at, algorithm in enumerate(panel.algorithms)
        if len(own := values[at][there[at]])
    ]
    return pd.DataFrame(rows, columns=pd.Index(["algorithm_label", *COMPARED, "win", "tie", "loss", "missing"]))


def _differences(panel: Panel) -> Iterator[tuple[Pair, str, FloatArray, BoolArray]]:
    """Yield pair, metric, differences and where they should be, of InvProp and each other weighting."""
    for pair in first_against(panel.finished_weightings):
        for metric in METRICS:
            yield pair, metric, *panel.difference(pair, panel.cube.column(metric))


def _compared(pair: Pair, metric: str) -> dict[str, str]:
    return dict(zip(COMPARED, (*pair, metric), strict=True))


def _frame(rows: Sequence[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=pd.Index(columns))
    return frame.astype({"n": np.int64, "left_out": np.int64, **dict.fromkeys(("mean", "low", "high"), float)})
