"""Brier score."""

from __future__ import annotations

import numpy as np

from bench.metrics.base import RoundMetric, TestScores


class Brier(RoundMetric):
    """The mean squared distance of a probability to its label."""

    name = "brier"
    label = "Brier score"
    summary = "mean squared error of the test probabilities"
    formula = "mean of (p - y)^2"
    source = "Brier 1950"
    higher_is_better = False

    def compute(self, scores: TestScores) -> float:
        """Return the value."""
        return float(np.mean((scores.probabilities - scores.labels) ** 2))

    def chance(self, prevalence: float) -> float:
        """Return pi (1 - pi), the variance of the labels."""
        return prevalence * (1 - prevalence)
