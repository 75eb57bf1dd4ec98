"""From stored runs to a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from types import MappingProxyType
from typing import Any

import numpy as np

from analysis.gate.evidence import Evidence, gather
from analysis.gate.ledger import History
from analysis.gate.plan import ANY_RATE, Plan
from analysis.gate.procedure import (
    DECISIONS,
    IntervalEnds,
    Look,
    bounds_at,
    by_task,
    first_decision,
    harm_margins,
    holds,
    look_at,
    suite_units,
    suspected,
    t_above,
)
from analysis.gate.sizes import median_unbiased, needed
from analysis.gate.verdict import (
    CollapseResult,
    DatasetsResult,
    LookResult,
    Outcome,
    PlaceResult,
    SuiteResult,
    Verdict,
)
from analysis.results import Results
from analysis.stats import UNITS, Collapses, nominal, partial_conjunction
from bench.arrays import FloatArray

FEW_DATASETS = 2
"""From so many datasets on a verdict says in how many of them its claim holds."""


def judge(
    plan: Plan,
    candidate: Results,
    baseline: Results,
    *,
    history: History | None = None,
    again: str = "",
    notes: tuple[str, ...] = (),
    accepted: Mapping[tuple[str, str], float] = MappingProxyType({}),
    data_here: Mapping[str, str] = MappingProxyType({}),
    made_anew: bool = False,
) -> Verdict:
    """Return the verdict that stored runs allow: that of the first analysis that decides.

    Args:
        plan: what was declared.
        candidate: the store with the candidate's runs.
        baseline: that with the baseline's; may be the same.
        history: what is on record of these runs; the analyses made are added to it. None: nothing is kept.
        again: why runs may be analysed that were before, or others left out: there is a verdict then, and no pass.
        notes: further lines to be shown with it.
        accepted: (task, metric) -> loss that is acknowledged, up to which it fails no gate; the suite takes no excuse.
        data_here: as in :func:`analysis.gate.evidence.gather`.
        made_anew: likewise.
    """
    evidence = gather(plan, candidate, baseline, data_here, made_anew=made_anew)
    tested = plan.model_copy(update={"collapses": ANY_RATE}) if evidence.identical else plan
    looks = look_at(tested, evidence.differences, evidence.collapsed, accepted)
    looks = looks[: int(first_decision(looks)) + 1] if looks else []
    objections = list(history.objections(plan, evidence)) if history and looks else []
    counts = _counts(plan, evidence, history)
    if objections and not again:
        return _verdict(plan, [], "incomplete", findings=(*objections, *evidence.findings), notes=notes, **counts)
    if history:
        history.note(plan, evidence, looks, again if objections else "")
    said = {"notes": notes, "again": again if objections else "", "identical": evidence.identical, **counts}
    outcome = _outcome(plan, looks, doubtful=bool(objections))
    findings = (*objections, *(evidence.findings if outcome == "incomplete" else ()))
    if not looks:
        return _verdict(plan, looks, outcome, findings=findings, **said)
    last = looks[-1]
    used = evidence.differences[..., : last.seeds]
    bounds = bounds_at(tested, last, used)
    runs, seconds = _saved(plan, evidence) if outcome != "incomplete" else (0, 0.0)
    return _verdict(
        plan,
        looks,
        outcome,
        findings=findings,
        suite=_suite(tested, looks, used, bounds),
        places=_places(plan, last, used, bounds, accepted),
        collapses=_collapses(last, evidence),
        datasets=_datasets(plan, used),
        needed=needed(plan, last, used) if outcome == "inconclusive" else None,
        runs_saved=runs,
        seconds_saved=seconds,
        **said,
    )


def _verdict(plan: Plan, looks: list[Look], outcome: Outcome, **fields: Any) -> Verdict:
    return Verdict(outcome=outcome, plan=plan, plan_hash=plan.hash, looks=_looks(plan, looks), **fields)


def _counts(plan: Plan, evidence: Evidence, history: History | None) -> dict[str, int]:
    if history is None:
        return {}
    return {"candidates": history.candidates(plan, evidence), "plans": history.plans(plan)}


def _outcome(plan: Plan, looks: list[Look], *, doubtful: bool) -> Outcome:
    """Return the outcome; nothing is established by runs that were analysed before, or chosen from more."""
    decision = DECISIONS[int(looks[-1].decision)] if looks else "go on"
    if decision == "go on":
        return "inconclusive" if len(looks) == len(plan.looks) else "incomplete"
    if decision == "futile" or (decision == "established" and doubtful):
        return "inconclusive"
    return decision


def _looks(plan: Plan, taken: list[Look]) -> tuple[LookResult, ...]:
    levels = nominal(plan.looks, plan.alpha, plan.sequential)
    rows = [LookResult(seeds=count, nominal=level) for count, level in zip(plan.looks, levels, strict=True)]
    for number, look in enumerate(taken):
        p = dict(zip(plan.metrics, map(_number, look.raw.claim.tolist()), strict=True))
        rows[number] = LookResult(
            seeds=look.seeds, nominal=look.levels.claim, decision=DECISIONS[int(look.decision)], p_claim=p
        )
    return tuple(rows)


def _suite(plan: Plan, looks: list[Look], differences: Any, bounds: IntervalEnds) -> tuple[SuiteResult, ...]:
    look, units = looks[-1], suite_units(plan, differences)
    coverage = 1 - plan.alpha * (1 + 0.5 / (len(plan.metrics) + 1))
    shrunk = median_unbiased(plan, looks, units) if look.number and plan.sequential == "obf" else [None] * len(units)
    return tuple(
        SuiteResult(
            metric=metric,
            margin=plan.margins[metric],
            n=units.shape[-1],
            estimate=float(units[m].mean()),
            low=_number(bounds.low[m]),
            high=_number(bounds.high[m]),
            coverage=coverage,
            low_level=look.levels.claim,
            high_level=look.levels.worse,
            unit=UNITS[plan.estimand],
            p_claim=_number(look.adjusted.claim[m]),
            p_worse=_number(look.adjusted.worse[m]),
            p_collapse=_number(np.minimum(1.0, 1 / np.maximum(look.bet[m], 1e-300))),
            holds=bool(holds(plan, look)[m]),
            worse=bool(look.raw.worse[m] <= look.levels.worse),
            shrunk=shrunk[m],
        )
        for m, metric in enumerate(plan.metrics)
    )


def _places(
    plan: Plan, look: Look, differences: Any, bounds: IntervalEnds, accepted: Mapping[tuple[str, str], float]
) -> tuple[PlaceResult, ...]:
    margins, doubt = harm_margins(plan, accepted), suspected(plan, look.raw)
    coverage = 1 - plan.alpha * (1 + 0.5 / margins.size)
    return tuple(
        PlaceResult(
            place=place,
            metric=metric,
            margin=float(margins[m, number]),
            n=differences.shape[-1],
            estimate=float(differences[m, number].mean()),
            low=_number(bounds.harm_low[m, number]),
            high=_number(bounds.harm_high[m, number]),
            coverage=coverage,
            low_level=look.levels.claim,
            high_level=look.levels.harm,
            p_harm=_number(look.adjusted.harm[m, number]),
            harmed=bool(look.raw.harm[m, number] <= look.levels.harm),
            suspected=bool(doubt[m, number]),
            acknowledged=accepted.get((str(place.task), metric)),
        )
        for number, place in enumerate(plan.places)
        for m, metric in enumerate(plan.metrics)
    )


def _collapses(look: Look, evidence: Evidence) -> CollapseResult:
    candidate, baseline = evidence.collapsed[..., : look.seeds]
    found = Collapses.of(candidate, baseline, look.levels.claim)
    return CollapseResult(
        pairs=found.pairs,
        candidate=found.candidate,
        baseline=found.baseline,
        both=found.both,
        p_more=float(look.adjusted.collapses),
        more=bool(look.raw.collapses <= look.levels.worse),
        limit=found.limit,
        level=found.alpha,
    )


def _datasets(plan: Plan, differences: Any) -> tuple[DatasetsResult, ...]:
    """Return in how many datasets the claim holds; none where there is one dataset only, or several analyses."""
    dataset = plan.task_numbers[1]
    names = list(dict.fromkeys(place.task.dataset for place in plan.places))
    if len(names) < FEW_DATASETS:
        return ()
    tasks, found = by_task(plan, differences), []
    for m, metric in enumerate(plan.metrics):
        units = np.stack([tasks[m, dataset == number].mean(axis=0) for number in range(len(names))])
        edge = np.full(len(names), 0.0 if plan.claim == "superior" else -plan.margins[metric])
        p: FloatArray = t_above(units, edge)
        if plan.claim == "equivalent":
            p = np.maximum(p, t_above(-units, edge))
        order = np.argsort(p, kind="stable")
        at_least = tuple(partial_conjunction(p.tolist(), least) for least in range(1, len(names) + 1))
        found.append(
            DatasetsResult(
                metric=metric,
                names=tuple(names[at] for at in order),
                p=tuple(float(own) for own in p[order]),
                at_least=at_least,
            )
        )
    return tuple(found)


def _number(value: Any) -> float | None:
    return None if isnan(value) or np.isinf(value) else float(value)


def _saved(plan: Plan, evidence: Evidence) -> tuple[int, float]:
    """Return the runs of the plan that are neither stored nor needed, and their seconds at each arm's mean."""
    every = len(plan.places) * len(plan.seeds)
    arms = 1 if plan.baseline_store else 2  # what another store lacks was never to be run
    left = [every - stored for stored in evidence.stored[:arms]]
    return sum(left), sum(count * mean for count, mean in zip(left, evidence.seconds, strict=False))
