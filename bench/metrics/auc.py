"""Area under the ROC curve."""

from __future__ import annotations

from bench.metrics.base import RoundMetric, TestScores


class Auc(RoundMetric):
    """The probability that a positive gets a larger score than a negative; ties count half."""

    name = "auc"
    label = "ROC-AUC"
    summary = "area under the ROC curve on the test set"
    formula = "P(p(positive) > p(negative)) + P(equal) / 2"
    source = "Hanley and McNeil 1982; the paper"
    unrounded = True

    def compute(self, scores: TestScores) -> float:
        """Return the value by scikit-learn."""
        from sklearn.metrics import roc_auc_score

        return float(roc_auc_score(scores.labels, scores.probabilities))

    def chance(self, prevalence: float) -> float:  # noqa: ARG002 - the same at any
        """Return 1/2: all scores are tied."""
        return 0.5
