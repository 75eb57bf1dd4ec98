"""The decision at each look, from differences alone: what is judged and what is simulated go through the same lines."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from math import sqrt
from typing import Literal

import numpy as np
from scipy import special

from analysis.gate.plan import Plan
from analysis.gate.spending import nominal, over_looks
from analysis.stats import holm
from analysis.stats.effect import units_of
from analysis.stats.interval import SPREAD, BoolArray, t_test
from bench.arrays import FloatArray, IntArray

Decision = Literal["go on", "established", "regression", "futile"]
GO_ON, ESTABLISHED, REGRESSION, FUTILE = range(4)
DECISIONS: tuple[Decision, ...] = ("go on", "established", "regression", "futile")


@dataclass(frozen=True)
class Tests:
    """The tests at one look; one-sided p, (...) being whatever leads the differences, e.g. simulations.

    Attributes:
        claim: (..., metrics) of the claim. For ``equivalent`` the larger of both sides'.
        worse: (..., metrics) that the candidate is worse by more than the suite's margin.
        harm: (..., metrics, places) that it is worse at a place by more than a task's margin.
    """

    claim: FloatArray
    worse: FloatArray
    harm: FloatArray


@dataclass(frozen=True)
class Look:
    """What one look says.

    Attributes:
        seeds: looked at. nominal: the p at or below which a test crosses here.
        raw: the p of this look alone.
        adjusted: the same adjusted for looks, this one and those before; ``worse`` and ``harm`` by Holm, too, over
            metrics, and over metrics and places.
        decision: (...) numbers into :data:`DECISIONS`.
    """

    seeds: int
    nominal: float
    raw: Tests
    adjusted: Tests
    decision: IntArray


def look_at(plan: Plan, differences: FloatArray, excused: Collection[tuple[str, str]] = ()) -> list[Look]:
    """Return what each look of a plan says that the differences suffice for, whatever the looks before it decided.

    Args:
        plan: what was declared.
        differences: candidate - baseline, (..., metrics, places, seeds), of the plan's metrics, places and seeds in
            their order; no NaN. Looks that need more seeds than these are left out.
        excused: (task, metric) whose harm is known and not tested; they still count in the family of tests.
    """
    known = np.array([[(str(place.task), metric) in excused for place in plan.places] for metric in plan.metrics])
    found: list[Look] = []
    least: Tests | None = None
    for number, count in enumerate(plan.looks):
        if count > differences.shape[-1]:
            break
        raw = _tests(plan, differences[..., :count])
        raw = replace(raw, harm=np.where(known, np.nan, raw.harm))
        now = _each(partial(over_looks, look=number, looks=plan.looks, alpha=plan.alpha), raw)
        least = now if least is None else _both(np.fmin, least, now)
        adjusted = Tests(least.claim, _holm(least.worse, 1), _holm(least.harm, 2))
        level = nominal(plan.looks, plan.alpha)[number]
        found.append(Look(count, level, raw, adjusted, _decide(plan, number, raw, adjusted)))
    return found


def first_decision(looks: list[Look]) -> IntArray:
    """Return the number of the look that ends the plan, (...): the first that decides, or the last there is."""
    decided = np.stack([look.decision != GO_ON for look in looks], axis=-1)
    decided[..., -1] = True
    return np.asarray(decided.argmax(axis=-1))


def suite_units(plan: Plan, differences: FloatArray) -> FloatArray:
    """Return the value of each unit of the plan's estimand, (..., metrics, units); a task's places count as one."""
    number, dataset = plan.task_numbers
    tasks = [differences[..., number == task, :].mean(axis=-2) for task in range(len(dataset))]
    return units_of(np.stack(tasks, axis=-2), plan.estimand, dataset)


def _tests(plan: Plan, differences: FloatArray) -> Tests:
    margins = np.array([plan.margins[metric] for metric in plan.metrics])
    harm = np.array([plan.harm_of(metric) for metric in plan.metrics])[:, None]
    units = suite_units(plan, differences)
    alike = np.abs(differences).max(axis=-1) <= SPREAD
    same = alike.all(axis=-1)
    claim = p_above(units, np.zeros_like(margins) if plan.claim == "superior" else -margins, same)
    if plan.claim == "equivalent":
        claim = np.maximum(claim, p_above(-units, -margins, same))
    return Tests(claim, p_above(-units, margins, same), p_above(-differences, harm, alike))


def p_above(units: FloatArray, bound: FloatArray, identical: BoolArray) -> FloatArray:
    """Return the one-sided p of the t-test that the mean of units is above a bound.

    Where the runs of both arms are identical in all that was measured, there is no spread and no t; but then nothing
    is uncertain either, and p is 0 or 1. Other units without spread give no test: NaN.

    Args:
        units: (..., n).
        bound: of the leading shape, or one that broadcasts to it.
        identical: (...) whether the arms are identical.
    """
    p = t_test(units - np.asarray(bound)[..., None])[1]
    certain = np.where(np.asarray(bound) < 0, 0.0, 1.0)
    return np.asarray(np.where(identical & (units.shape[-1] > 1), certain, p))


def suspected(plan: Plan, raw: Tests) -> BoolArray:
    """Return (..., metrics, places): where harm would be shown if its test were the only one."""
    return np.asarray(raw.harm <= plan.alpha)


def _decide(plan: Plan, number: int, raw: Tests, adjusted: Tests) -> IntArray:
    """Return the decisions of a look; no claim is established while harm of any task is suspected."""
    established = (adjusted.claim <= plan.alpha).all(axis=-1) & ~suspected(plan, raw).any(axis=(-1, -2))
    bad = (adjusted.worse <= plan.alpha).any(axis=-1) | (adjusted.harm <= plan.alpha).any(axis=(-1, -2))
    last = number == len(plan.looks) - 1
    futile = np.zeros_like(bad) if last else _futile(plan, number, raw, adjusted)
    return np.asarray(np.select([bad, established, futile], [REGRESSION, ESTABLISHED, FUTILE], GO_ON))


def _futile(plan: Plan, number: int, raw: Tests, adjusted: Tests) -> BoolArray:
    """Return where neither verdict on the suite can be expected any more, nor harm of a task."""
    open_ = np.where(adjusted.claim <= plan.alpha, 1.0, conditional_power(plan, number, raw.claim))
    either = np.maximum(open_.min(axis=-1), conditional_power(plan, number, raw.worse).max(axis=-1))
    return np.asarray((either < plan.futility) & ~suspected(plan, raw).any(axis=(-1, -2)))


def conditional_power(plan: Plan, number: int, p: FloatArray) -> FloatArray:
    """Return the chance that a test crosses at the last look if all goes on as up to this one.

    Under the drift estimated so far (stochastic curtailment; Lan, Simon and Halperin 1982; Jennison and Turnbull 2000,
    chapter 10), p-values being turned into normal scores; looks in between are not counted.

    Args:
        plan: what was declared.
        number: of the look, from 0; not the last.
        p: of the look alone; NaN counts as 1.
    """
    time = plan.looks[number] / plan.looks[-1]
    final = -special.ndtri(nominal(plan.looks, plan.alpha)[-1])
    score = -special.ndtri(np.nan_to_num(p, nan=1.0))
    return np.asarray(special.ndtr((score / sqrt(time) - final) / sqrt(1 - time)))


def _holm(p: FloatArray, axes: int) -> FloatArray:
    """Return Holm's adjusted p over the last axes as one family."""
    flat = p.reshape(*p.shape[: p.ndim - axes], -1)
    return np.asarray(np.apply_along_axis(holm, -1, flat).reshape(p.shape))


def _each(change: Callable[[FloatArray], FloatArray], tests: Tests) -> Tests:
    return Tests(change(tests.claim), change(tests.worse), change(tests.harm))


def _both(join: Callable[[FloatArray, FloatArray], FloatArray], one: Tests, other: Tests) -> Tests:
    return Tests(join(one.claim, other.claim), join(one.worse, other.worse), join(one.harm, other.harm))
