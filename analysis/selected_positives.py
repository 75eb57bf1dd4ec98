"""How the positives that were selected vary, and how far they are from those of the start set."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.names import LABELS
from analysis.panels import Panel, over_units

DISTANCES = {
    "pairwise_distance": "between two selected positives",
    "start_distance": "to the start set's nearest positive",
}
"""Columns of ``Results.runs``, and what they are the mean cosine distance of."""


def informativeness(panel: Panel) -> pd.DataFrame:
    """Return how the selected positives vary and how far they are from the start set, per strategy.

    Returns:
        ``LABELS``, metric (a key of ``DISTANCES``), and n, left_out, mean, low and high over seeds, as
        :func:`analysis.panels.over_units` returns them. A seed in which some task's run found too few positives to
        measure is left out.
    """
    rows = [
        {**dict(zip(LABELS, (algorithm, weighting), strict=True)), "metric": metric, **over_units(values, runs >= 0)}
        for at, algorithm in enumerate(panel.algorithms)
        for weighting in panel.weightings
        if ((runs := panel.of(weighting)[at : at + 1]) >= 0).any()
        for metric in DISTANCES
        for values in [panel.cube.values(metric, runs)]
    ]
    frame = pd.DataFrame(rows)
    return frame.astype({"n": np.int64, "left_out": np.int64, **dict.fromkeys(("mean", "low", "high"), float)})
