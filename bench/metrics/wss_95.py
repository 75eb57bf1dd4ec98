"""Work saved over sampling at 95 % recall, over the rows that are still unread."""

from __future__ import annotations

from collections.abc import Mapping

from bench.metrics.base import RoundMetric, TestScores
from bench.metrics.reading_order import effort_to_reach

RECALL = 0.95


class WorkSavedOverSampling(RoundMetric):
    """The share of unread rows that need not be read to find 95 % of their positives, against reading at random.

    The test set, weighted to the task's prevalence, stands for the unread rows: they are read in the order of the
    model's probabilities. Rows of equal probability are read in random order, so half-way through them half are found.
    """

    name = "wss_95"
    aliases = ("wss",)
    label = "WSS@95"
    summary = "share of unread rows not to be read, against a random order, once 95 % of their positives are found"
    formula = "0.95 - (share of rows read by descending p until 95 % of positives are found), at prevalence pi"
    source = "Cohen et al. 2006, Reducing Workload in Systematic Review Preparation"
    low, high = RECALL - 1, RECALL
    at_prevalence = True
    waived: Mapping[str, str] = {"perfect_scores_are_best": "positives are read, too: the best is 0.95 (1 - pi)"}

    def compute(self, scores: TestScores) -> float:
        """Return the value, in [-0.05, 0.95)."""
        return RECALL - effort_to_reach(scores, RECALL)

    def chance(self, prevalence: float) -> float:  # noqa: ARG002 - the same at any
        """Return 0: a random order saves nothing."""
        return 0.0
