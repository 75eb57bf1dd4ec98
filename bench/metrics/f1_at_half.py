"""F1 at threshold 0.5."""

from __future__ import annotations

import numpy as np

from bench.metrics.base import RoundMetric, TestScores


class F1AtHalf(RoundMetric):
    """The harmonic mean of precision and recall."""

    name = "f1_at_half"
    aliases = ("f1",)
    label = "F1 at threshold 0.5"
    summary = "F1 of the positive class on the test set, as balanced as that is, at threshold 0.5"
    formula = "2 TP / (2 TP + FP + FN)"
    source = "van Rijsbergen 1979"

    def compute(self, scores: TestScores) -> float:
        """Return the value; scikit-learn's checks cost a hundred times as much as the counts."""
        predicted, positive = scores.predicted(), scores.labels == 1
        both = np.count_nonzero(predicted & positive)
        return float(2 * both / (np.count_nonzero(predicted) + np.count_nonzero(positive)))

    def chance(self, prevalence: float) -> float:
        """Return 2 pi / (1 + pi) if the prevalence is 0.5 or more; otherwise no row is predicted positive."""
        return 2 * prevalence / (1 + prevalence) if prevalence >= 0.5 else 0.0
