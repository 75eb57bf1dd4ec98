"""Recall of the pool's positives."""

from __future__ import annotations

import math

from bench.metrics.base import RunCourse, RunMetric


class RecallOfPositives(RunMetric):
    """The share of the pool's positives that the selection found."""

    name = "recall_of_positives"
    label = "Recall of positives"
    summary = "share of the pool's positives that were selected; the start set is excluded on both sides"
    formula = "positives selected / (positives of the pool - positives of the start set)"
    source = "total recall in the screening literature: Cormack and Grossman 2014"

    def compute(self, course: RunCourse) -> float:
        """Return the value; NaN where there was none to find."""
        there = course.pool_positives - course.positives[0]
        return course.found / there if there else math.nan
