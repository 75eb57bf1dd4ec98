"""The decision at each analysis, from differences alone: what is judged and what is simulated go through these lines.

The level of a plan bounds two errors, each over all interim analyses together: that a claim is established which is not
true, and that a regression is called where there is none. All metrics must hold for a claim, so each is tested at the
full level. A regression may be called by any test, so the level is split: half among the metrics of the suite and the
collapses, half among all tasks and metrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import nan, sqrt
from typing import Literal

import numpy as np
from scipy import special

from analysis.gate.plan import ANY_RATE, Plan
from analysis.names import bounds_of, lower_is_better
from analysis.stats import betting_bound, capital, half_width, mcnemar, nominal, over_looks, upper_limit
from analysis.stats.effect import units_of
from analysis.stats.interval import BoolArray, limit_p, t_test
from analysis.stats.stratified import stratified_half_width, stratified_p
from bench.arrays import FloatArray, IntArray
from bench.metrics.catalogue import every

Decision = Literal["go on", "established", "regression", "refuted", "futile"]
DECISIONS: tuple[Decision, ...] = ("go on", "established", "regression", "refuted", "futile")
GO_ON, ESTABLISHED, REGRESSION, REFUTED, FUTILE = range(5)
NEAR_CHANCE = 0.01
"""How close to what a model without knowledge gets a run has collapsed."""


@dataclass(frozen=True)
class Tests:
    """The one-sided p of one analysis; (...) is whatever leads the differences, e.g. simulations.

    Attributes:
        claim: (..., metrics) of the claim. For ``equivalent`` the larger of both sides'.
        worse: (..., metrics) that the candidate is worse by more than the suite's margin.
        harm: (..., metrics, places) that it is worse at a place by more than a task's margin.
        collapses: (...) that it collapses more often than the baseline.
        better: (..., metrics) that it is better by more than the margin.
    """

    claim: FloatArray
    worse: FloatArray
    harm: FloatArray
    collapses: FloatArray
    better: FloatArray

    def adjusted(self, plan: Plan, look: int) -> Tests:
        """Return the p adjusted for all analyses and for the tests of each family: at or below alpha they decide."""
        over = partial(over_looks, look=look, looks=plan.looks, alpha=plan.alpha, kind=plan.sequential)
        family = len(plan.metrics) + 1
        return Tests(
            over(self.claim),
            np.minimum(1.0, 2 * family * over(self.worse)),
            np.minimum(1.0, 2 * self.harm.shape[-1] * self.harm.shape[-2] * over(self.harm)),
            np.minimum(1.0, 2 * family * over(self.collapses)),
            over(self.better),
        )


@dataclass(frozen=True)
class Levels:
    """The level of each single test of an analysis: a p at or below it decides, and the bound at it is the one shown.

    Attributes:
        claim: of the lower bound of each metric, and of the upper one of ``equivalent``.
        worse: of the upper bound of each metric on the suite, and of the test of collapses. harm: of that of a task.
    """

    claim: float
    worse: float
    harm: float

    @classmethod
    def of(cls, plan: Plan, look: int) -> Levels:
        """Return the levels of an analysis by its number, from 0."""
        family, tests = len(plan.metrics) + 1, len(plan.metrics) * len(plan.places)
        at = [nominal(plan.looks, plan.alpha / share, plan.sequential)[look] for share in (1, 2 * family, 2 * tests)]
        return cls(*at)


@dataclass(frozen=True)
class Look:
    """What one analysis says.

    Attributes:
        number: of it, from 0. seeds: that it is of. levels: of its tests.
        raw: the p of this analysis alone. adjusted: for all analyses and each family.
        bet: (..., metrics) evidence (e-value) that the mean is above the claim's edge whatever the rate of collapses;
            NaN where the plan asks for none.
        rates: (...) upper limit of the rate of pairs in which the candidate alone collapses.
        decision: (...) numbers into :data:`DECISIONS`.
    """

    number: int
    seeds: int
    levels: Levels
    raw: Tests
    adjusted: Tests
    bet: FloatArray
    rates: FloatArray
    decision: IntArray


@dataclass(frozen=True)
class IntervalEnds:
    """The ends of the intervals that decide an analysis; NaN: there is none.

    Attributes:
        low: (..., metrics) of the suite, at or below the edge of the claim where that does not hold.
        high: (..., metrics) below -margin where a regression is called; of ``equivalent`` the larger of that and the
            one that decides the claim's upper side.
        harm_low, harm_high: (..., metrics, places) of each task: the first at the claim's level.
    """

    low: FloatArray
    high: FloatArray
    harm_low: FloatArray
    harm_high: FloatArray


def look_at(
    plan: Plan,
    differences: FloatArray,
    collapsed: BoolArray | None = None,
    accepted: Mapping[tuple[str, str], float] | None = None,
) -> list[Look]:
    """Return what each analysis of a plan says that the differences suffice for, whatever those before it decided.

    Args:
        plan: what was declared.
        differences: candidate - baseline, (..., metrics, places, seeds), of the plan's metrics, places and seeds in
            their order; no NaN. Analyses that need more seeds than these are left out.
        collapsed: (2, ..., places, seeds) whether the candidate's run and the baseline's collapsed; None: none did.
        accepted: (task, metric) -> by how much a task may be worse at most, where a loss is acknowledged.
    """
    if collapsed is None:
        collapsed = np.zeros((2, *differences.shape[:-3], *differences.shape[-2:]), dtype=bool)
    margins = harm_margins(plan, accepted or {})
    return [
        _look(plan, number, differences[..., :count], collapsed[..., :count], margins)
        for number, count in enumerate(plan.looks)
        if count <= differences.shape[-1]
    ]


def first_decision(looks: list[Look]) -> IntArray:
    """Return the number of the analysis that ends the plan, (...): the first that decides, or the last there is."""
    decided = np.stack([look.decision != GO_ON for look in looks], axis=-1)
    decided[..., -1] = True
    return np.asarray(decided.argmax(axis=-1))


def harm_margins(plan: Plan, accepted: Mapping[tuple[str, str], float]) -> FloatArray:
    """Return (metrics, places) by how much a task may be worse: its margin, or a larger loss that is acknowledged."""
    return np.array(
        [
            [max(plan.harm_of(metric), accepted.get((str(place.task), metric), 0.0)) for place in plan.places]
            for metric in plan.metrics
        ]
    )


def by_task(plan: Plan, differences: FloatArray) -> FloatArray:
    """Return the differences with a task's places as one, (..., tasks, seeds)."""
    number, dataset = plan.task_numbers
    return np.stack([differences[..., number == task, :].mean(axis=-2) for task in range(len(dataset))], axis=-2)


def suite_units(plan: Plan, differences: FloatArray) -> FloatArray:
    """Return the value of each unit of the plan's estimand, (..., metrics, units); a task's places count as one."""
    return units_of(by_task(plan, differences), plan.estimand, plan.task_numbers[1])


def fall_of(metric: str) -> float:
    """Return the most that a run can lose by collapsing: from the best value to chance; infinite if unknown."""
    low, high = bounds_of(metric)
    known = every().get(metric)
    chance = (known.chance(0.01), known.chance(0.4)) if known else (nan, nan)
    if chance[0] == chance[1] and not lower_is_better(metric):  # the same at any prevalence
        return high - chance[0]
    return high - low


def chance_of(metric: str) -> float:
    """Return what a model without knowledge gets whatever the prevalence; NaN where there is no such value."""
    known = every().get(metric)
    fixed = known is not None and known.higher_is_better and known.chance(0.01) == known.chance(0.4)
    return known.chance(0.01) if known is not None and fixed else nan


def _look(plan: Plan, number: int, differences: FloatArray, collapsed: BoolArray, harm: FloatArray) -> Look:
    margins = np.array([plan.margins[metric] for metric in plan.metrics])
    edge = np.zeros_like(margins) if plan.claim == "superior" else -margins
    levels = Levels.of(plan, number)
    only = [(collapsed[own] & ~collapsed[1 - own]).sum(axis=(-2, -1)) for own in (0, 1)]
    pairs = differences.shape[-1] * differences.shape[-2]
    raw = _tests(plan, differences, edge, margins, harm, mcnemar(only[0], only[1]))
    lower, upper = _bet(plan, differences, edge), _bet(plan, -differences, edge)
    look = Look(
        number=number,
        seeds=differences.shape[-1],
        levels=levels,
        raw=raw,
        adjusted=raw.adjusted(plan, number),
        bet=np.fmin(lower, upper) if plan.claim == "equivalent" else lower,
        rates=upper_limit(only[0], pairs, levels.claim),
        decision=np.zeros(differences.shape[:-3], dtype=np.int64),
    )
    return replace(look, decision=_decision(plan, look))


def bounds_at(plan: Plan, look: Look, differences: FloatArray) -> IntervalEnds:
    """Return the bounds of an analysis, of the differences (..., metrics, places, seeds) that it is of."""
    levels = look.levels
    low, high = (_bound(plan, sign * differences, level) for sign, level in ((1, levels.claim), (-1, levels.worse)))
    other = _bound(plan, -differences, levels.claim)
    if plan.bounded:
        low, other = (np.fmin(own, _bet_bound(plan, sign * differences)) for own, sign in ((low, 1), (other, -1)))
    spread = [half_width(differences, 1 - 2 * level) for level in (levels.claim, levels.harm)]
    mean = differences.mean(axis=-1)
    upper = -high
    if plan.claim == "equivalent":  # the other side of the claim, too, unless all lies below
        margins = np.array([plan.margins[metric] for metric in plan.metrics])
        upper = np.where(upper < -margins, upper, np.fmax(upper, -other))
    return IntervalEnds(low, np.asarray(upper), mean - spread[0], mean + spread[1])


def _tests(
    plan: Plan, differences: FloatArray, edge: FloatArray, margins: FloatArray, harm: FloatArray, collapses: FloatArray
) -> Tests:
    claim = _p_above(plan, differences, edge)
    if plan.claim == "equivalent":
        claim = np.maximum(claim, _p_above(plan, -differences, edge))
    return Tests(
        claim=claim,
        worse=_p_above(plan, -differences, margins),
        harm=t_above(-differences, harm),
        collapses=collapses,
        better=_p_above(plan, differences, margins),
    )


def _p_above(plan: Plan, differences: FloatArray, bound: FloatArray) -> FloatArray:
    """Return (..., metrics) the one-sided p that the suite's mean is above a bound, as the plan tests it."""
    if plan.stratified:
        return stratified_p(by_task(plan, differences), bound)
    return t_above(suite_units(plan, differences), bound)


def _bound(plan: Plan, differences: FloatArray, level: float) -> FloatArray:
    """Return (..., metrics) the suite's lower bound at which :func:`_p_above` is the level."""
    tasks = by_task(plan, differences)
    if plan.stratified:
        return np.asarray(tasks.mean(axis=(-2, -1)) - stratified_half_width(tasks, level))
    units = units_of(tasks, plan.estimand, plan.task_numbers[1])
    return np.asarray(units.mean(axis=-1) - half_width(units, 1 - 2 * level))


def _pairs_of(differences: FloatArray) -> FloatArray:
    return differences.reshape(*differences.shape[:-2], -1)


def _falls(plan: Plan, differences: FloatArray) -> FloatArray:
    """Return (..., metrics) the most that a pair can lose: by a collapse, or all there is if one has lost more."""
    falls = np.array([fall_of(metric) for metric in plan.metrics])
    whole = np.array([bounds_of(metric)[1] - bounds_of(metric)[0] for metric in plan.metrics])
    return np.asarray(np.where(differences.min(axis=(-2, -1)) < -falls, whole, falls))


def _bet(plan: Plan, differences: FloatArray, edge: FloatArray) -> FloatArray:
    """Return (..., metrics) the e-value against a mean at or below the edge; NaN where none is asked for."""
    if not plan.bounded:
        return np.full(differences.shape[:-2], nan)
    falls = _falls(plan, differences)
    known = np.isfinite(falls)
    found = capital(_pairs_of(differences), edge, np.where(known, falls, 1.0))
    return np.asarray(np.where(known, found, nan))


def _bet_bound(plan: Plan, differences: FloatArray) -> FloatArray:
    """Return (..., metrics) the bound of the mean whatever the rate of collapses; NaN where it is unbounded."""
    falls = _falls(plan, differences)
    known = np.isfinite(falls)
    found = betting_bound(_pairs_of(differences), np.where(known, falls, 1.0), plan.alpha)
    return np.asarray(np.where(known, found, nan))


def t_above(units: FloatArray, bound: FloatArray) -> FloatArray:
    """Return the one-sided p of the t-test that the mean of units is above a bound.

    Units that are all the same number have no t; their p is what it tends to as their spread vanishes: 0 or 1.

    Args:
        units: (..., n).
        bound: of the leading shape, or one that broadcasts to it.
    """
    away = units - np.asarray(bound)[..., None]
    p = t_test(away)[1]
    return np.asarray(np.where(np.isnan(p) & (units.shape[-1] > 1), limit_p(away.mean(axis=-1)), p))


def suspected(plan: Plan, raw: Tests) -> BoolArray:
    """Return (..., metrics, places): where harm would be shown if its test were the only one."""
    return np.asarray(raw.harm <= plan.alpha)


def holds(plan: Plan, look: Look) -> BoolArray:
    """Return (..., metrics): where the claim holds at this analysis, as its bounds show."""
    cleared = look.raw.claim <= look.levels.claim
    cleared &= ~(look.bet < 1 / plan.alpha)
    if plan.claim != "superior" and plan.collapses > 0:
        cleared &= (look.rates < plan.collapses)[..., None] | (plan.collapses == ANY_RATE)
    return np.asarray(cleared)


def _decision(plan: Plan, look: Look) -> IntArray:
    """Return the decisions of an analysis; no claim is established while harm of any task is suspected."""
    raw, levels = look.raw, look.levels
    established = holds(plan, look).all(axis=-1) & ~suspected(plan, raw).any(axis=(-1, -2))
    bad = (raw.worse <= levels.worse).any(axis=-1) | (raw.harm <= levels.harm).any(axis=(-1, -2))
    bad = bad | (raw.collapses <= levels.worse)
    beyond = (raw.better <= levels.claim).any(axis=-1) & (plan.claim == "equivalent")
    last = look.number == len(plan.looks) - 1
    futile = np.zeros_like(bad) if last else _futile(plan, look)
    kinds = [REGRESSION, ESTABLISHED, REFUTED, FUTILE]
    return np.asarray(np.select([bad, established, beyond, futile], kinds, GO_ON))


def _futile(plan: Plan, look: Look) -> BoolArray:
    """Return where neither verdict on the suite can be expected any more, nor harm of a task; 0 of an e-process."""
    if plan.sequential == "evalue":
        return np.zeros(look.raw.claim.shape[:-1], dtype=bool)
    open_ = np.where(look.raw.claim <= look.levels.claim, 1.0, conditional_power(plan, look.number, look.raw.claim))
    either = np.maximum(open_.min(axis=-1), conditional_power(plan, look.number, look.raw.worse).max(axis=-1))
    return np.asarray((either < plan.futility) & ~suspected(plan, look.raw).any(axis=(-1, -2)))


def conditional_power(plan: Plan, number: int, p: FloatArray) -> FloatArray:
    """Return the chance that a test crosses at the last analysis if all goes on as up to this one.

    Under the drift estimated so far (stochastic curtailment; Lan, Simon and Halperin 1982; Jennison and Turnbull 2000,
    chapter 10), p-values being turned into normal scores; analyses in between are not counted.

    Args:
        plan: what was declared.
        number: of the analysis, from 0; not the last.
        p: of that analysis alone; NaN counts as 1.
    """
    time = plan.looks[number] / plan.looks[-1]
    final = -special.ndtri(nominal(plan.looks, plan.alpha, plan.sequential)[-1])
    score = -special.ndtri(np.nan_to_num(p, nan=1.0))
    return np.asarray(special.ndtr((score / sqrt(time) - final) / sqrt(1 - time)))
