"""Labels saved against another strategy, usually random+uniform."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench import seeds
from bench.metrics.base import Floats, Metric, MetricKind

RESAMPLES = 1000


@dataclass(frozen=True)
class LabelsSaved:
    """Labels that a baseline needs to reach a strategy's final value.

    Attributes:
        needed: labels; infinite if the baseline's curve never reaches it: more than it bought.
        saved: ``needed`` less the strategy's labels; infinite likewise.
        low, high: 95 % interval of ``saved``, by resampling seeds; infinite where resamples never reach it.
        censored: share of the resamples in which the baseline never reaches it.
    """

    needed: float
    saved: float
    low: float
    high: float
    censored: float


class LabelsSavedMetric(Metric):
    """Labels saved: of a group of runs, strategy against baseline."""

    name = "labels_saved"
    label = "Labels saved"
    summary = "labels that the baseline needs to reach the strategy's final mean value, less the strategy's labels"
    formula = "first labels at which the baseline's monotone mean curve reaches the strategy's final mean, interpolated"
    source = "label efficiency, e.g. Settles 2009; censored where the baseline never gets there"
    kind: MetricKind = "group"
    low, high = -math.inf, math.inf
    decimals = 0

    def chance(self, prevalence: float) -> float:  # noqa: ARG002 - the same at any
        """Return 0: a strategy saves nothing against itself."""
        return 0.0

    @staticmethod
    def compute(
        labels: Sequence[int], baseline: Floats, strategy: Floats, *, higher_is_better: bool = True, stream: str = ""
    ) -> LabelsSaved:
        """Return the labels saved.

        Args:
            labels: (T+1,) rows labelled after each round, the same in all runs, ascending.
            baseline: (seeds, T+1) values of a metric of rounds.
            strategy: the same of the strategy, its seeds in the same order: a resample takes both runs of a seed.
            higher_is_better: of that metric.
            stream: names the random stream of the resamples, so that equal questions get equal answers.
        """
        sign = 1.0 if higher_is_better else -1.0
        one, other = sign * np.asarray(baseline, dtype=float), sign * np.asarray(strategy, dtype=float)
        needed = reached(labels, one.mean(0), other[:, -1].mean())
        draws = seeds.generator("bootstrap_seeds", stream=stream).integers(0, len(one), (RESAMPLES, len(one)))
        resampled = np.array([reached(labels, one[at].mean(0), other[at, -1].mean()) for at in draws])
        low, high = np.quantile(resampled - labels[-1], (0.025, 0.975), method="inverted_cdf")
        return LabelsSaved(needed, needed - labels[-1], float(low), float(high), float(np.isinf(resampled).mean()))


def reached(labels: Sequence[int], curve: Floats, target: float) -> float:
    """Return at how many labels a curve first reaches a target, linear between rounds; infinite if never.

    Args:
        labels: (T+1,) ascending.
        curve: (T+1,) higher is better; it is made monotone: the best value so far counts.
        target: a value.
    """
    best = np.maximum.accumulate(curve)
    if not best[-1] >= target:  # NaN too is never reached
        return math.inf
    at = int(np.argmax(best >= target))
    if at == 0:
        return float(labels[0])
    share = (target - best[at - 1]) / (best[at] - best[at - 1])
    return float(labels[at - 1] + share * (labels[at] - labels[at - 1]))
