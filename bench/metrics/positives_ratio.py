"""Positives ratio."""

from __future__ import annotations

import math

from bench.metrics.base import RunCourse, RunMetric


class PositivesRatio(RunMetric):
    """The share of positives among the selected rows."""

    name = "positives_ratio"
    aliases = ("pr",)
    label = "Positives ratio"
    summary = "positives among the selected rows; the start set is excluded"
    formula = "positives selected / rows selected"
    source = "the paper"

    def compute(self, course: RunCourse) -> float:
        """Return the value; NaN where nothing was selected."""
        return course.found / course.selected if course.selected else math.nan

    def chance(self, prevalence: float) -> float:
        """Return the prevalence, which rows selected at random have on average."""
        return prevalence
