"""The best F1 over all thresholds, at the task's prevalence."""

from __future__ import annotations

import numpy as np

from bench.metrics.base import RoundMetric, TestScores


class BestF1AtPrevalence(RoundMetric):
    """F1 at the threshold that suits best, as it would be on a test set as imbalanced as the pool.

    The threshold is chosen on the test set itself: an upper end, free of how a model's probabilities are scaled.
    """

    name = "best_f1_at_prevalence"
    aliases = ("best_f1",)
    label = "Best F1 at the task's prevalence"
    summary = "largest F1 over all thresholds on the test set, weighted to the task's prevalence pi"
    formula = "max over thresholds of 2PR / (P + R), rows weighted pi/pi_test and (1 - pi)/(1 - pi_test)"
    source = "van Rijsbergen 1979; Lipton et al. 2014; weights: Siblini et al. 2020"
    at_prevalence = True

    def compute(self, scores: TestScores) -> float:
        """Return the value by scikit-learn's precision-recall curve."""
        p, r = scores.precision_recall
        return min(float(np.max(2 * p * r / np.maximum(p + r, np.finfo(float).tiny))), 1.0)

    def chance(self, prevalence: float) -> float:
        """Return 2 pi / (1 + pi): all rows are predicted positive."""
        return 2 * prevalence / (1 + prevalence)
