"""Area under the learning curve of any metric of rounds."""

from __future__ import annotations

import math

import numpy as np

from bench.arrays import FloatArray
from bench.metrics.base import RoundMetric, RunCourse, RunMetric


def mean_heights(labelled: FloatArray, values: FloatArray) -> FloatArray:
    """Return the area under curves, by their extent: (n,) from x and y of (n, points); NaN where a y is.

    Curves may end early: points whose x is NaN do not count.
    """
    there = ~np.isnan(labelled)
    last = there.shape[1] - 1 - there[:, ::-1].argmax(axis=1)
    at = np.minimum(np.arange(there.shape[1]), last[:, None])  # after its last point, a curve stays where it is
    x, y = (np.take_along_axis(one, at, axis=1) for one in (labelled, values))
    with np.errstate(invalid="ignore"):  # no extent: NaN
        areas = np.trapezoid(y, x, axis=1) / (x[:, -1] - x[:, 0])
    return np.asarray(np.clip(areas, y.min(axis=1), y.max(axis=1)))  # but for rounding it is within


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
        return float(mean_heights(np.array([course.labelled], dtype=np.float64), np.array([values]))[0])

    def chance(self, prevalence: float) -> float:
        """Return the chance level of the metric whose curve it is."""
        return self.of.chance(prevalence)
