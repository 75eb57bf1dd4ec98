"""Recall at threshold 0.5."""

from __future__ import annotations

import numpy as np

from bench.metrics.base import RoundMetric, TestScores


class RecallAtHalf(RoundMetric):
    """The share of the test set's positives that are predicted positive."""

    name = "recall_at_half"
    aliases = ("recall",)
    label = "Recall at threshold 0.5"
    summary = "recall of the positive class on the test set at threshold 0.5"
    formula = "TP / (TP + FN)"
    source = "van Rijsbergen 1979"

    def compute(self, scores: TestScores) -> float:
        """Return the value; scikit-learn's checks cost a hundred times as much as the counts."""
        positive = scores.labels == 1
        return float(np.count_nonzero(scores.predicted() & positive) / np.count_nonzero(positive))

    def chance(self, prevalence: float) -> float:
        """Return 1 if the prevalence is 0.5 or more; otherwise no row is predicted positive."""
        return float(prevalence >= 0.5)
