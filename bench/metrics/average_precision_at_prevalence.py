"""Average precision at the task's prevalence."""

from __future__ import annotations

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
        """Return the value by scikit-learn."""
        from sklearn.metrics import average_precision_score

        value = average_precision_score(scores.labels, scores.probabilities, sample_weight=scores.weights)
        return min(float(value), 1.0)  # a sum of weights may miss 1 by a rounding

    def chance(self, prevalence: float) -> float:
        """Return the prevalence: all rows are tied, so precision is that at every recall."""
        return prevalence
