"""Precision at threshold 0.5."""

from __future__ import annotations

import numpy as np

from bench.metrics.base import RoundMetric, TestScores


class PrecisionAtHalf(RoundMetric):
    """The share of positives among the rows that are predicted positive."""

    name = "precision_at_half"
    aliases = ("precision",)
    label = "Precision at threshold 0.5"
    summary = (
        "precision on the test set, as balanced as that is, at threshold 0.5; 0 where nothing is predicted positive"
    )
    formula = "TP / (TP + FP)"
    source = "van Rijsbergen 1979"

    def compute(self, scores: TestScores) -> float:
        """Return the value; scikit-learn's checks cost a hundred times as much as the counts."""
        predicted = scores.predicted()
        found = np.count_nonzero(predicted)
        return float(np.count_nonzero(predicted & (scores.labels == 1)) / found) if found else 0.0

    def chance(self, prevalence: float) -> float:
        """Return the prevalence if that is 0.5 or more; otherwise no row is predicted positive."""
        return prevalence if prevalence >= 0.5 else 0.0
