"""From stored runs to a verdict."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import isnan
from types import MappingProxyType
from typing import Any

from analysis.gate.evidence import Evidence, gather
from analysis.gate.plan import Plan
from analysis.gate.procedure import DECISIONS, Look, first_decision, look_at, suite_units, suspected
from analysis.gate.sizes import enough
from analysis.gate.spending import nominal
from analysis.gate.verdict import LookResult, Outcome, PlaceResult, SuiteResult, Verdict
from analysis.results import Results
from analysis.stats import UNITS, t_interval
from bench.arrays import FloatArray


def judge(
    plan: Plan,
    candidate: Results,
    baseline: Results,
    *,
    warnings: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
    excused: Collection[tuple[str, str]] = (),
    data_here: Mapping[str, str] = MappingProxyType({}),
) -> Verdict:
    """Return the verdict that stored runs allow: that of the first look that decides.

    Args:
        plan: what was declared.
        candidate: the store with the candidate's runs.
        baseline: that with the baseline's; may be the same.
        warnings: as :func:`analysis.gate.register` returns them.
        notes: further lines to be shown with it.
        excused: (task, metric) whose harm is acknowledged, so that it fails no gate; the suite's tests take no excuse.
        data_here: as in :func:`analysis.gate.evidence.gather`.
    """
    evidence = gather(plan, candidate, baseline, data_here)
    looks = look_at(plan, evidence.differences, excused)
    looks = looks[: int(first_decision(looks)) + 1] if looks else []
    outcome = _outcome(plan, looks)
    said = {"warnings": warnings, "notes": notes}
    if not looks:
        return _verdict(plan, looks, outcome, findings=evidence.findings, **said)
    used = evidence.differences[..., : looks[-1].seeds]
    seeds, tasks = enough(plan, looks[-1], used) if outcome == "inconclusive" else (None, None)
    runs, seconds = _saved(plan, evidence) if outcome != "incomplete" else (0, 0.0)
    return _verdict(
        plan,
        looks,
        outcome,
        findings=evidence.findings if outcome == "incomplete" else (),
        suite=_suite(plan, looks[-1], used),
        places=_places(plan, looks[-1], used),
        seeds_needed=seeds,
        tasks_needed=tasks,
        runs_saved=runs,
        seconds_saved=seconds,
        **said,
    )


def _verdict(plan: Plan, looks: list[Look], outcome: Outcome, **fields: Any) -> Verdict:
    return Verdict(outcome=outcome, plan=plan, plan_hash=plan.hash, looks=_looks(plan, looks), **fields)


def _outcome(plan: Plan, looks: list[Look]) -> Outcome:
    decision = DECISIONS[int(looks[-1].decision)] if looks else "go on"
    if decision == "go on":
        return "inconclusive" if len(looks) == len(plan.looks) else "incomplete"
    return "inconclusive" if decision == "futile" else decision


def _looks(plan: Plan, taken: list[Look]) -> tuple[LookResult, ...]:
    levels = nominal(plan.looks, plan.alpha)
    rows = [LookResult(seeds=count, nominal=level) for count, level in zip(plan.looks, levels, strict=True)]
    for number, look in enumerate(taken):
        p = dict(zip(plan.metrics, map(_number, look.raw.claim.tolist()), strict=True))
        rows[number] = LookResult(
            seeds=look.seeds, nominal=look.nominal, decision=DECISIONS[int(look.decision)], p_claim=p
        )
    return tuple(rows)


def _suite(plan: Plan, look: Look, differences: FloatArray) -> tuple[SuiteResult, ...]:
    return tuple(
        SuiteResult(
            metric=metric,
            margin=plan.margins[metric],
            **_bounds(suite_units(plan, own), look.nominal),
            unit=UNITS[plan.estimand],
            p_claim=_number(claim),
            p_worse=_number(worse),
            established=bool(claim <= plan.alpha),
            worse=bool(worse <= plan.alpha),
        )
        for metric, own, claim, worse in zip(
            plan.metrics, differences, look.adjusted.claim.tolist(), look.adjusted.worse.tolist(), strict=True
        )
    )


def _places(plan: Plan, look: Look, differences: FloatArray) -> tuple[PlaceResult, ...]:
    return tuple(
        PlaceResult(
            place=place,
            metric=metric,
            margin=plan.harm_of(metric),
            **_bounds(differences[m, number], look.nominal),
            p_harm=_number(float(look.adjusted.harm[m, number])),
            harmed=bool(look.adjusted.harm[m, number] <= plan.alpha),
            suspected=bool(suspected(plan, look.raw)[m, number]),
        )
        for number, place in enumerate(plan.places)
        for m, metric in enumerate(plan.metrics)
    )


def _bounds(units: FloatArray, alpha: float) -> dict[str, float | None]:
    """Return n, the mean, and its bounds, each one-sided at alpha: p is below alpha where they exclude a value."""
    (n, mean, low, high) = (float(value) for value in t_interval(units, 1 - 2 * alpha))
    return {"n": int(n), "estimate": mean, "low": _number(low), "high": _number(high)}


def _number(value: float) -> float | None:
    return None if isnan(value) else float(value)


def _saved(plan: Plan, evidence: Evidence) -> tuple[int, float]:
    """Return the runs of the plan that are neither stored nor needed, and their seconds at each arm's mean."""
    every = len(plan.places) * len(plan.seeds)
    arms = 1 if plan.baseline_store else 2  # what another store lacks was never to be run
    left = [every - stored for stored in evidence.stored[:arms]]
    return sum(left), sum(count * mean for count, mean in zip(left, evidence.seconds, strict=False))
