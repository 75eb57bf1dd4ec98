"""Area under the learning curve of any metric of rounds."""

from __future__ import annotations

import math

import numpy as np

from bench.metrics.base import RoundMetric, RunCourse, RunMetric


class AreaUnderLearningCurve(RunMetric):
    """The mean height of a metric over the labels that a run buys; there is one for each metric of rounds."""

    source = "Guyon et al. 2011 (Active Learning Challenge), without their logarithm and scaling"

    formula = "trapezoid of the value over labels / (last - first number of labels)"
    prefix = "learning_curve_area_"
    short = "alc_"

    def __init__(self, of: RoundMetric) -> None:
        self.of = of
        self.name = self.prefix + of.name
        self.aliases = tuple(self.short + name for name in (of.name, *of.aliases))
        self.label = f"Area under the learning curve of {of.label}"
        self.summary = f"mean over the labels bought of: {of.summary}"
        self.low, self.high, self.higher_is_better, self.decimals = of.low, of.high, of.higher_is_better, of.decimals

    def compute(self, course: RunCourse) -> float:
        """Return the value; NaN where nothing was selected or the run has not that metric."""
        values = course.metrics.get(self.of.name)
        if values is None or not course.selected:
            return math.nan
        area = float(np.trapezoid(values, course.labelled) / course.selected)
        return min(max(area, min(values)), max(values)) if not math.isnan(area) else area  # but for rounding it is

    def chance(self, prevalence: float) -> float:
        """Return the chance level of the metric whose curve it is."""
        return self.of.chance(prevalence)
