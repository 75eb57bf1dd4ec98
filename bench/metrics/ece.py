"""Expected calibration error."""

from __future__ import annotations

import numpy as np

from bench.metrics.base import RoundMetric, TestScores

BINS = 15


class Ece(RoundMetric):
    """How far probabilities are from the shares of positives, over equal bins."""

    name = "ece"
    label = "ECE (15 bins)"
    summary = f"expected calibration error of the test probabilities, raw, over {BINS} equal bins of [0, 1]"
    formula = "sum over bins of |sum over the bin's rows of (y - p)| / m; bins closed on the left, the last on both"
    source = "Guo et al. 2017, for the positive class"
    higher_is_better = False

    def compute(self, scores: TestScores) -> float:
        """Return the value; scikit-learn has none."""
        bins = np.minimum((scores.probabilities * BINS).astype(np.int64), BINS - 1)
        gaps = np.bincount(bins, weights=scores.labels - scores.probabilities, minlength=BINS)
        return float(np.abs(gaps).sum() / len(bins))

    def chance(self, prevalence: float) -> float:  # noqa: ARG002 - the same at any
        """Return 0: who predicts the prevalence is calibrated."""
        return 0.0
