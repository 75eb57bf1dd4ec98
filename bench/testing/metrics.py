"""The laws of metrics: functions that take a metric and raise AssertionError."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator

import numpy as np

from bench import seeds
from bench.metrics.base import Metric, RoundMetric, RunCourse, RunMetric, TestScores
from bench.testing.verdicts import Verdict, verdict

MetricLaw = Callable[[Metric], None]
TINY = 1e-9


def facts_are_stated(metric: Metric) -> None:
    """Name, label, summary, formula and source are given, and the range is one."""
    for fact in ("name", "label", "summary", "formula", "source"):
        _check(bool(getattr(metric, fact, "").strip()), metric, f"states no {fact}")
    _check(metric.name.isidentifier(), metric, "has a name that is no plain word of letters, digits and underscores")
    _check(metric.low < metric.high, metric, f"states the range {metric.low} to {metric.high}, which is none")


def values_are_in_range(metric: Metric) -> None:
    """Every value is a number in the range that is stated, also on hard scores; that of a run may be undefined."""
    for title, given in _cases(metric):
        value = _value(metric, given)
        undefined = isinstance(metric, RunMetric) and math.isnan(value)
        _check(undefined or metric.low <= value <= metric.high, metric, f"gives {value!r} for {title}")


def same_scores_same_value(metric: Metric) -> None:
    """Two equal questions, two equal answers."""
    for title, given in _cases(metric):
        first, second = _value(metric, given), _value(metric, copy.deepcopy(given))
        _check(_same(first, second), metric, f"gives {first!r} and, asked again, {second!r} for {title}")


def inputs_are_left_alone(metric: Metric) -> None:
    """A value changes nothing that it is computed from."""
    for title, given in _cases(metric):
        before = copy.deepcopy(given)
        _value(metric, given)
        _check(_equal(given, before), metric, f"changed its input, {title}, in place")


def row_order_is_irrelevant(metric: Metric) -> None:
    """Test rows in another order give the same value."""
    for title, given in _cases(metric):
        if isinstance(given, TestScores):
            order = seeds.generator("priority", toy=title).permutation(len(given.labels))
            moved = TestScores(given.labels[order], given.probabilities[order], given.prevalence)
            values = _value(metric, given), _value(metric, moved)
            _check(math.isclose(*values, abs_tol=TINY), metric, f"gives {values} when the rows of {title} are moved")


def perfect_scores_are_best(metric: Metric) -> None:
    """Probabilities that are the labels get the better end of the range, and their opposites nothing better."""
    if isinstance(metric, RoundMetric):
        for given in (scores for _, scores in _cases(metric) if isinstance(scores, TestScores)):
            perfect, opposite = (TestScores(given.labels, p, given.prevalence) for p in _extremes(given))
            value, other = _value(metric, perfect), _value(metric, opposite)
            _check(math.isclose(value, metric.best, abs_tol=TINY), metric, f"gives perfect probabilities {value!r}")
            worse = other <= value + TINY if metric.higher_is_better else other >= value - TINY
            _check(worse, metric, f"gives opposite probabilities {other!r}, which is better than {value!r}")


def knowing_nothing_is_chance(metric: Metric) -> None:
    """Probabilities that all are the prevalence get the chance level that is stated."""
    if isinstance(metric, RoundMetric):
        for given in (scores for _, scores in _cases(metric) if isinstance(scores, TestScores)):
            share = given.prevalence if metric.at_prevalence else float(given.labels.mean())
            constant = TestScores(given.labels, np.full(len(given.labels), share), given.prevalence)
            value, stated = _value(metric, constant), metric.chance(share)
            same = math.isnan(stated) or math.isclose(value, stated, abs_tol=TINY)
            _check(same, metric, f"states chance {stated!r} at prevalence {share:.3g}, and gives {value!r}")


LAWS: tuple[MetricLaw, ...] = (
    facts_are_stated,
    values_are_in_range,
    same_scores_same_value,
    inputs_are_left_alone,
    row_order_is_irrelevant,
    perfect_scores_are_best,
    knowing_nothing_is_chance,
)


def verdicts_of(metric: Metric) -> list[Verdict]:
    """Hold a metric against every law; nothing it does is raised."""
    return [verdict(law, metric, metric.waived.get(law.__name__, "")) for law in LAWS]


def toy_scores(rows: int = 60, positives: int = 12, seed: int = 0, prevalence: float = 0.05) -> TestScores:
    """Return made-up test scores that know something, in no order."""
    rng = seeds.generator("priority", toy=seed)
    labels = rng.permutation(np.arange(rows) < positives).astype(np.int64)
    return TestScores(labels, np.clip(rng.normal(0.35 + 0.2 * labels, 0.2), 0.0, 1.0), prevalence)


def toy_course(**changes: object) -> RunCourse:
    """Return a made-up run of three rounds."""
    metrics = dict.fromkeys(("auc", "brier"), (0.5, 0.7, 0.65, 0.8))
    values: dict[str, object] = {"labelled": (10, 20, 30, 40), "positives": (5, 6, 9, 11), "metrics": metrics}
    return RunCourse(**{**values, "pool_rows": 400, "pool_positives": 20, **changes})  # type: ignore[arg-type]


def _cases(metric: Metric) -> Iterator[tuple[str, TestScores | RunCourse]]:
    """Yield titles and what a metric may be computed from; nothing for metrics of groups."""
    if isinstance(metric, RoundMetric):
        toy = toy_scores()
        yield "toy scores", toy
        yield "a balanced test set", toy_scores(positives=30)
        yield "mostly positives", toy_scores(positives=55, prevalence=0.5)
        yield "one positive", toy_scores(positives=1)
        yield "one negative", toy_scores(positives=59)
        yield "equal probabilities", TestScores(toy.labels, np.full(60, 0.3), 0.02)
        yield "probabilities 0 and 1", TestScores(toy.labels, (toy.probabilities > 0.5).astype(float), 0.02)
        yield "tied probabilities", TestScores(toy.labels, toy.probabilities.round(1), 0.001)
        yield "two rows", TestScores(np.array([1, 0]), np.array([0.2, 0.8]), 0.1)
    if isinstance(metric, RunMetric):
        yield "a toy run", toy_course()
        yield "a run that found nothing", toy_course(positives=(5, 5, 5, 5))
        yield "a run that found everything", toy_course(positives=(5, 10, 20, 20))
        yield "a pool without more positives", toy_course(positives=(5, 5, 5, 5), pool_positives=5)
        yield "a run that selected nothing", toy_course(labelled=(10, 10, 10, 10), positives=(5, 5, 5, 5))
        yield "a run without metrics of rounds", toy_course(metrics={})


def _extremes(given: TestScores) -> tuple[np.ndarray, np.ndarray]:
    return given.labels.astype(float), 1.0 - given.labels


def _value(metric: Metric, given: TestScores | RunCourse) -> float:
    if isinstance(metric, RoundMetric) and isinstance(given, TestScores):
        return metric.compute(given)
    if isinstance(metric, RunMetric) and isinstance(given, RunCourse):
        return metric.compute(given)
    raise TypeError(f"{metric.name} is not computed from {type(given).__name__}")


def _same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


def _equal(a: TestScores | RunCourse, b: TestScores | RunCourse) -> bool:
    if isinstance(a, TestScores) and isinstance(b, TestScores):
        return np.array_equal(a.labels, b.labels) and np.array_equal(a.probabilities, b.probabilities)
    return a == b


def _check(holds: bool, metric: Metric, finding: str) -> None:
    if not holds:
        raise AssertionError(f"{metric.name} {finding}")
