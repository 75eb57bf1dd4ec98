"""What a metric is: facts on the class, and one function of what is stored.

There are three kinds. A metric of a round is computed from the test labels and M_t's test probabilities, a metric of a
run from its counts of labels and from the metrics of its rounds, a metric of a group of runs from learning curves.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from bench.arrays import Labels
from bench.records import PoolFacts, Round
from bench.registry import Registry

Floats = npt.NDArray[np.float64]
MetricKind = Literal["round", "run", "group"]


@dataclass(frozen=True)
class TestScores:
    """What a metric of a round is computed from.

    Attributes:
        labels: (m,) 1 = positive; both classes occur.
        probabilities: (m,) of the positive class, in [0, 1].
        prevalence: pi, the share of positives in the task's pool, which the test set need not have.
    """

    __test__ = False  # its name begins as those that pytest collects

    labels: Labels
    probabilities: Floats
    prevalence: float

    @cached_property
    def weights(self) -> Floats:
        """Weights (m,) under which the test set has the task's prevalence: pi/pi_test and (1 - pi)/(1 - pi_test)."""
        of_test = self.labels.mean()
        weights: Floats = np.where(self.labels == 1, self.prevalence / of_test, (1 - self.prevalence) / (1 - of_test))
        return weights

    @cached_property
    def precision_recall(self) -> tuple[Floats, Floats]:
        """Precision and recall at every threshold, rows weighted by :attr:`weights`, by scikit-learn.

        Thresholds rise; the last point is precision 1 at recall 0. Metrics share it: most of their time is its sorting.
        """
        from sklearn.metrics import precision_recall_curve

        p, r, _ = precision_recall_curve(self.labels, self.probabilities, sample_weight=self.weights)
        return p, r

    def predicted(self) -> npt.NDArray[np.bool_]:
        """Return which rows are predicted positive, (m,), at threshold 0.5."""
        return np.asarray(self.probabilities >= 0.5)


@dataclass(frozen=True)
class RunCourse:
    """What a metric of a run is computed from: its rounds 0 to T.

    Attributes:
        labelled, positives: rows labelled so far and positives among them, start set included; a value a round.
        pool_rows, pool_positives: of the pool, start set included.
        metrics: metric of a round -> its values, a value a round.
    """

    labelled: tuple[int, ...]
    positives: tuple[int, ...]
    pool_rows: int
    pool_positives: int
    metrics: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, rounds: Sequence[Round], pool: PoolFacts) -> RunCourse:
        """Return the course of a run; metrics that some round lacks are left out."""
        names = [name for name in rounds[0].metrics if all(name in one.metrics for one in rounds)]
        return cls(
            tuple(one.labelled for one in rounds),
            tuple(one.labelled_positives for one in rounds),
            pool.rows,
            pool.positives,
            {name: tuple(one.metrics[name] for one in rounds) for name in names},
        )

    @property
    def selected(self) -> int:
        """Rows selected in all rounds; the start set is not."""
        return self.labelled[-1] - self.labelled[0]

    @property
    def found(self) -> int:
        """Positives among the selected rows."""
        return self.positives[-1] - self.positives[0]


class Metric(ABC):
    """A metric. Subclasses state facts, and what they are computed by.

    Class attributes:
        name: what users type and records hold. aliases: shorter names for command lines.
        label: what tables print. summary: what it measures, in a sentence. formula: in words or symbols.
        source: where it is defined.
        low, high: its range. higher_is_better: its direction.
        decimals: that tables print.
        waived: law of :mod:`bench.testing.metrics` -> the reason why it does not hold.
    """

    name: str
    label: str
    summary: str
    formula: str
    source: str
    kind: MetricKind
    aliases: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    higher_is_better: bool = True
    decimals: int = 4
    waived: Mapping[str, str] = {}

    @property
    def best(self) -> float:
        """The end of the range that is the better one."""
        return self.high if self.higher_is_better else self.low

    @property
    def direction(self) -> str:
        """Which values are better, in words."""
        return "higher is better" if self.higher_is_better else "lower is better"

    def chance(self, prevalence: float) -> float:  # noqa: ARG002 - of subclasses
        """Return what a model without knowledge gets; NaN where that is not stated.

        Args:
            prevalence: share of positives: the test set's, or the task's for metrics that are computed at it. A model
                without knowledge gives every row this probability, and selects rows at random.
        """
        return math.nan


class RoundMetric(Metric):
    """A metric of M_t on the test set.

    Class attributes:
        at_prevalence: whether it is computed at the task's prevalence, and not at the test set's.
        unrounded: whether a run computes it from probabilities before they are rounded to the float32 that is stored.
            So it is for metrics older than schema 3, whose values must stay; recomputed, rows whose probabilities
            differ by less than that rounding may change sides.
    """

    kind: MetricKind = "round"
    at_prevalence: bool = False
    unrounded: bool = False

    @abstractmethod
    def compute(self, scores: TestScores) -> float:
        """Return the value, in the metric's range."""


class RunMetric(Metric):
    """A metric of a run as a whole."""

    kind: MetricKind = "run"

    @abstractmethod
    def compute(self, course: RunCourse) -> float:
        """Return the value, in the metric's range; NaN where it is not defined."""


RESERVED = frozenset({
    *("key", "ratio", "start", "settings", "strategy"),
    *("dataset", "positive", "seed", "algorithm", "algorithm_options"),
    *("algorithm_version", "weighting", "weighting_options", "weighting_version", "fingerprint"),
    *("pair_key", "seconds", "pool_rows", "pool_positives", "test_rows"),
    *("row", "column", "pairwise_distance", "start_distance", "model"),
    *("device", "precision", "lm_head", "data_source", "git_commit"),
    *("finished", "status", "reason", "round", "labelled"),
    *("labelled_positives", "selected", "selected_positives", "bins", "algorithm_label"),
    *("weighting_label", "file", "learner", "judge"),
})  # fmt: skip
"""What tables of runs have as columns already: no metric can have such a name."""
REGISTRY: Registry[Metric] = Registry("metric", Metric, "bench.metrics", "imbal_bench.metrics")
