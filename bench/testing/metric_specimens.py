"""One deliberately broken metric for each law, to show that the law can fail."""

from __future__ import annotations

import itertools

import numpy as np

from bench.metrics.base import RoundMetric, TestScores
from bench.testing import metrics as laws
from bench.testing.metrics import MetricLaw


class _Broken(RoundMetric):
    """Accuracy, which is broken in one way or another below; it has no name of its own that a registry would take."""

    label = "Broken"
    summary = "share of test rows whose prediction is right"
    formula = "(TP + TN) / m"
    source = "made up"

    def __init__(self) -> None:
        self.name = "broken"

    def compute(self, scores: TestScores) -> float:
        """Return the share of rows that are predicted right."""
        return float(np.mean(scores.predicted() == scores.labels))


class Sourceless(_Broken):
    """Does not say where it is defined."""

    source = ""


class Percentage(_Broken):
    """Gives per cent, and states 0 to 1."""

    def compute(self, scores: TestScores) -> float:
        """Return a percentage."""
        return 100 * super().compute(scores)


class Counting(_Broken):
    """Gives less each time it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self._times = itertools.count(1)

    def compute(self, scores: TestScores) -> float:
        """Return a value that hangs on how often it was asked for."""
        return super().compute(scores) / next(self._times)


class Sorting(_Broken):
    """Sorts what it was given."""

    def compute(self, scores: TestScores) -> float:
        """Return a value, and leave the probabilities sorted."""
        value = super().compute(scores)
        scores.probabilities.sort()
        return value


class FirstHalf(_Broken):
    """Looks at the first half of the rows only."""

    def compute(self, scores: TestScores) -> float:
        """Return the share that is right among those."""
        half = len(scores.labels) // 2 + 1
        return super().compute(TestScores(scores.labels[:half], scores.probabilities[:half], scores.prevalence))


class Upside(_Broken):
    """Is an error, and says that higher is better."""

    def compute(self, scores: TestScores) -> float:
        """Return the share that is wrong."""
        return 1 - super().compute(scores)


class Lucky(_Broken):
    """States that knowing nothing gives 1/2, which accuracy does not where classes are imbalanced."""

    def chance(self, prevalence: float) -> float:  # noqa: ARG002 - the same at any
        """Return 1/2."""
        return 0.5


BROKEN_METRICS: dict[MetricLaw, type[_Broken]] = {
    laws.facts_are_stated: Sourceless,
    laws.values_are_in_range: Percentage,
    laws.same_scores_same_value: Counting,
    laws.inputs_are_left_alone: Sorting,
    laws.row_order_is_irrelevant: FirstHalf,
    laws.perfect_scores_are_best: Upside,
    laws.knowing_nothing_is_chance: Lucky,
}
