"""Balanced accuracy."""

from __future__ import annotations

import numpy as np

from bench.metrics.base import RoundMetric, TestScores


class BalancedAccuracy(RoundMetric):
    """The mean of the recalls of both classes at threshold 0.5."""

    name = "balanced_accuracy"
    aliases = ("ba",)
    label = "Balanced accuracy"
    summary = "balanced accuracy on the test set at threshold 0.5"
    formula = "(TPR + TNR) / 2"
    source = "Brodersen et al. 2010; the paper"
    unrounded = True

    def compute(self, scores: TestScores) -> float:
        """Return the value; scikit-learn's checks cost a hundred times as much as the counts."""
        predicted, positive = scores.predicted(), scores.labels == 1
        positives, negatives = np.count_nonzero(positive), np.count_nonzero(~positive)
        tpr = np.count_nonzero(predicted & positive) / positives
        return float((tpr + np.count_nonzero(~predicted & ~positive) / negatives) / 2)

    def chance(self, prevalence: float) -> float:  # noqa: ARG002 - the same at any
        """Return 1/2: all rows get the same prediction."""
        return 0.5
