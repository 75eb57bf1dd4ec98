"""All metrics there are, and the values of those of rounds and of runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from bench.errors import PluginError, RunError, UnknownNameError
from bench.foreign import foreign_code
from bench.metrics.base import REGISTRY, RESERVED, Metric, RoundMetric, RunCourse, RunMetric, TestScores
from bench.metrics.learning_curve import AreaUnderLearningCurve

PRECISION = {"rel_tol": 1e-9, "abs_tol": 1e-12}
"""Values closer than this are the same number but for the order of sums."""
S = TypeVar("S")


@lru_cache(maxsize=1)
def _instances(classes: tuple[type[Metric], ...]) -> dict[str, Metric]:
    made = [cls() for cls in classes]
    curves = [AreaUnderLearningCurve(one) for one in made if isinstance(one, RoundMetric)]
    for one in made:
        if one.name in RESERVED:
            raise PluginError(
                f"a metric cannot be called {one.name!r}, which tables of runs have as a column; rename it"
            )
    return {one.name: one for one in [*made, *curves]}


def every() -> Mapping[str, Metric]:
    """Return all metrics by name: those of rounds, of runs and of groups; each metric of rounds has a curve's too."""
    return _instances(tuple(REGISTRY.items().values()))


def named(name: str) -> Metric:
    """Return the metric of a name or an alias.

    Raises:
        UnknownNameError: if there is none.
    """
    known = every()
    full = {alias: one.name for one in known.values() for alias in one.aliases}
    found = known.get(full.get(name, name)) if name not in known else known[name]
    if found is None:
        raise UnknownNameError("metric", name, {*known, *full}, "; ".join(REGISTRY.failures))
    return found


def round_metrics(names: Collection[str] | None = None) -> list[RoundMetric]:
    """Return the metrics of rounds, sorted by name, or those of them that are named."""
    return [one for one in _chosen(names) if isinstance(one, RoundMetric)]


def run_metrics(names: Collection[str] | None = None) -> list[RunMetric]:
    """Return the metrics of runs, sorted by name, or those of them that are named."""
    return [one for one in _chosen(names) if isinstance(one, RunMetric)]


def _chosen(names: Collection[str] | None) -> list[Metric]:
    return [one for name, one in sorted(every().items()) if names is None or name in names]


def round_values(
    labels: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.floating],
    prevalence: float,
    names: Collection[str] | None = None,
) -> dict[str, float]:
    """Return metric -> value of one round.

    Args:
        labels: (m,) of the test set, 1 = positive.
        probabilities: (m,) as the model gives them. All metrics are computed from what is stored of them, float32,
            but those that say ``unrounded``.
        prevalence: the task's.
        names: which metrics; those of other kinds are left out. None: all.

    Raises:
        RunError: if a metric fails, or its value is not a number in its range.
    """
    stored = probabilities.astype(np.float32).astype(np.float64)
    exact, rounded = (TestScores(labels, p, prevalence) for p in (probabilities.astype(np.float64), stored))
    return {one.name: _checked(one, one.compute, exact if one.unrounded else rounded) for one in round_metrics(names)}


def run_values(course: RunCourse, names: Collection[str] | None = None) -> dict[str, float]:
    """Return metric -> value of a run as a whole; those that are not defined for it are NaN.

    Raises:
        RunError: if a metric fails, or its value is outside of its range.
    """
    return {one.name: _checked(one, one.compute, course) for one in run_metrics(names)}


def agrees(metric: Metric, stored: float, scores: TestScores | RunCourse) -> bool:
    """Return whether a stored value is what a metric gives.

    Of metrics that were computed from unrounded probabilities, rows may change sides that are no further apart than
    the rounding to float32: any value between those that result from resolving this one way or the other will do.
    """
    if isinstance(metric, RoundMetric) and isinstance(scores, TestScores):
        values = [_checked(metric, metric.compute, scores)]
        if metric.unrounded and stored != values[0]:
            values += [_checked(metric, metric.compute, end) for end in _ends(scores)]
    elif isinstance(metric, RunMetric) and isinstance(scores, RunCourse):
        values = [_checked(metric, metric.compute, scores)]
    else:
        raise TypeError(f"{metric.name} is not computed from {type(scores).__name__}")
    if math.isnan(stored) or any(map(math.isnan, values)):
        return math.isnan(stored) and all(map(math.isnan, values))
    return min(values) <= stored <= max(values) or any(math.isclose(stored, one, **PRECISION) for one in values)


def _ends(scores: TestScores) -> list[TestScores]:
    """Return the scores moved by half a unit of float32: towards their labels, away from them, up and down."""
    stored = scores.probabilities.astype(np.float32)
    step = np.spacing(stored).astype(np.float64) / 2
    to_label = np.where(scores.labels == 1, step, -step)
    return [
        TestScores(scores.labels, np.clip(stored + move, 0.0, 1.0), scores.prevalence)
        for move in (to_label, -to_label, step, -step)
    ]


def _checked(metric: Metric, compute: Callable[[S], float], given: S) -> float:
    with foreign_code(f"metric {metric.name!r}", RunError):
        try:
            value = float(compute(given))
        except RunError:
            raise
        except Exception as error:
            raise RunError(f"metric {metric.name!r} raises {type(error).__name__}: {error}") from error
    undefined = math.isnan(value) and metric.kind == "run"
    if not undefined and not metric.low <= value <= metric.high:
        raise RunError(
            f"metric {metric.name!r} gives {value!r}, which is not in its range {metric.low} to {metric.high}"
        )
    return value
