"""Average precision at the task's prevalence."""

from __future__ import annotations

import numpy as np

from bench.metrics.base import RoundMetric, TestScores


class AveragePrecisionAtPrevalence(RoundMetric):
    """Precision averaged over recall, as it would be on a test set as imbalanced as the pool.

    Precision depends on how many positives there are: of sst2, whose test set is balanced, the plain value says nothing
    of a pool with one positive in 50. Weighted rows give precision = TPR pi / (TPR pi + FPR (1 - pi)).
    """

    name = "average_precision_at_prevalence"
    aliases = ("average_precision", "ap")
    label = "Average precision at the task's prevalence"
    summary = "average precision on the test set, weighted to the task's prevalence pi"
    formula = "sum over thresholds of (R_n - R_(n-1)) P_n, rows weighted pi/pi_test and (1 - pi)/(1 - pi_test)"
    source = "scikit-learn's average_precision_score; weights: Siblini et al. 2020"
    at_prevalence = True

    def compute(self, scores: TestScores) -> float:
        """Return the sum over scikit-learn's precision-recall curve, whose recall falls from point to point."""
        p, r = scores.precision_recall
        return min(max(float(-np.sum(np.diff(r) * p[:-1])), 0.0), 1.0)  # a sum of weights may miss 1 by a rounding

    def chance(self, prevalence: float) -> float:
        """Return the prevalence: all rows are tied, so precision is that at every recall."""
        return prevalence
