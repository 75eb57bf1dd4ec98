"""Recall once a tenth of the unread rows is read."""

from __future__ import annotations

from collections.abc import Mapping

from bench.metrics.base import RoundMetric, TestScores
from bench.metrics.reading_order import recall_after

EFFORT = 0.10


class RecallAtEffort(RoundMetric):
    """The share of positives among the unread rows that the first tenth of them holds, read by descending p.

    The test set, weighted to the task's prevalence, stands for the unread rows.
    """

    name = "recall_at_effort_10"
    aliases = ("recall_10",)
    label = "Recall at 10 % effort"
    summary = "share of the unread rows' positives found once a tenth of these rows is read by descending probability"
    formula = "recall of the first 10 % of rows by descending p, at prevalence pi; ties count in proportion"
    source = "technology-assisted review, e.g. Grossman, Cormack 2011; Howard et al. 2016"
    at_prevalence = True
    waived: Mapping[str, str] = {"perfect_scores_are_best": "a tenth of the rows cannot hold more positives than rows"}

    def compute(self, scores: TestScores) -> float:
        """Return the value."""
        return recall_after(scores, EFFORT)

    def chance(self, prevalence: float) -> float:  # noqa: ARG002 - the same at any
        """Return 0.1: of a random order."""
        return EFFORT
