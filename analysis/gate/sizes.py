"""How much more would be enough: seeds or tasks for a claim that is still open, from the evidence so far."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, exp, isfinite, log1p, sqrt
from typing import Literal

import numpy as np
from scipy import special

from analysis.gate.plan import Plan
from analysis.gate.procedure import Look, fall_of, suite_units, suspected
from analysis.gate.verdict import Needed
from analysis.stats import Components, Design, GridShape, components, seeds_needed, tasks_needed
from analysis.stats.collapse import STAKES
from analysis.stats.power import POWER
from analysis.stats.sequential import median_unbiased_share
from bench.arrays import FloatArray
from bench.errors import PairingError
from bench.records import ratio_text

FAR = 8.0
"""Normal score beyond which a stop needs no correction that could be seen."""


def shape_of(plan: Plan) -> GridShape:
    """Return the shape of a plan's grid at its last look; a task's places stand for pooled algorithms."""
    number, dataset = plan.task_numbers
    return GridShape(tuple(map(int, np.bincount(dataset))), plan.looks[-1], int(np.bincount(number).max()))


def spread_of(plan: Plan, differences: FloatArray) -> Components:
    """Return what the differences of one metric vary with.

    Args:
        plan: what was declared.
        differences: (places, seeds) of that metric. Where there is but one task, all that varies is called residual.
    """
    number, _ = plan.task_numbers
    tasks = list(dict.fromkeys((place.task.dataset, place.task.positive) for place in plan.places))
    names = sorted({f"{ratio_text(place.ratio)} {place.start}" for place in plan.places})
    values = np.full((len(tasks), differences.shape[-1], len(names)), np.nan)
    for place, task, own in zip(plan.places, number, differences, strict=True):
        values[task, :, names.index(f"{ratio_text(place.ratio)} {place.start}")] = own
    design = Design.of(values, np.zeros(()), tasks, plan.seeds[: differences.shape[-1]], names)
    try:
        return components(design)
    except PairingError:
        return Components(residual=sqrt(float(differences.var(axis=-1, ddof=1).mean())))


def needed(plan: Plan, look: Look, differences: FloatArray) -> Needed | None:
    """Return what a new plan should need for an open claim, in 80 % of repetitions; None: no number would do.

    If the true differences are as estimated, at the level of a single analysis: with which all metrics hold together
    (each with the power that, as a product, is 80 %). A claim that holds, and is only held back by what a task is
    suspected of, needs the number that shows that harm. Tasks are named for ``new-tasks`` only.

    Args:
        plan: what was declared.
        look: the last one made.
        differences: (metrics, places, seeds) that it is of.
    """
    shape = shape_of(plan)
    if (look.raw.claim <= look.levels.claim).all() and suspected(plan, look.raw).any():
        found = [_largest(_for_harm(plan, look, differences))] * 3
        return _needed("seeds", found)
    power = POWER ** (1 / len(plan.metrics))
    power = (1 + power) / 2 if plan.claim == "equivalent" else power
    seeds: list[list[int | None]] = [[], [], []]
    tasks: list[list[int | None]] = [[], [], []]
    for metric, own in zip(plan.metrics, differences, strict=True):
        spread = spread_of(plan, own)
        units = suite_units(plan, own)
        error = float(units.std(ddof=1)) / sqrt(len(units))
        for number, away in enumerate((0.0, error, -error)):
            distance = _distance(plan, metric, float(units.mean()), away)
            more = distance > 0
            least = _least_for_bet(plan, metric, distance) if more else 0
            with_t = seeds_needed(distance, spread, shape, plan.estimand, plan.alpha, power) if more else None
            seeds[number].append(None if with_t is None else max(with_t, least))
            new = more and plan.estimand == "new-tasks"
            tasks[number].append(tasks_needed(distance, spread, shape, plan.alpha, power) if new else None)
    return _needed("seeds", list(map(_largest, seeds))) or _needed("tasks", list(map(_largest, tasks)))


def _needed(kind: Literal["seeds", "tasks"], found: list[int | None]) -> Needed | None:
    number, low, high = found
    return None if number is None else Needed(kind=kind, number=number, low=low or number, high=high)


def _distance(plan: Plan, metric: str, estimate: float, away: float) -> float:
    """Return how far an estimate, moved by so much to the claim's side, lies on that side of its edge."""
    margin = plan.margins[metric]
    if plan.claim == "equivalent":
        return margin - abs(estimate) + away
    return estimate + away + (0.0 if plan.claim == "superior" else margin)


def _least_for_bet(plan: Plan, metric: str, distance: float) -> int:
    """Return the seeds without any collapse whose bound, whatever the rate of collapses, reaches the claim's edge."""
    fall = fall_of(metric)
    if not plan.bounded or not isfinite(fall):
        return 0
    gain = distance / max(fall - plan.margins[metric], 1e-9)
    pairs, wealth = 0, 1.0
    while wealth < 1 / plan.alpha:
        pairs += 1
        wealth = sum(share * exp(pairs * log1p(stake * gain)) for stake, share in STAKES)
    return ceil(pairs / len(plan.places))


def median_unbiased(plan: Plan, looks: Sequence[Look], units: FloatArray) -> list[float | None]:
    """Return the estimate of each metric (metrics, units), corrected for the plan's having stopped before its end."""
    last, found = looks[-1], list[float | None]()
    for metric, own, p in zip(plan.metrics, units, last.raw.claim, strict=True):
        edge = 0.0 if plan.claim == "superior" else -plan.margins[metric]
        score = -float(special.ndtri(p))
        estimate = float(own.mean())
        if plan.claim == "equivalent" or not 0 < score < FAR:
            found.append(None)
            continue
        share = median_unbiased_share(plan.looks, plan.alpha, last.number, score)
        found.append(edge + share * (estimate - edge))
    return found


def _for_harm(plan: Plan, look: Look, differences: FloatArray) -> list[int | None]:
    one, strictest = GridShape((1,), plan.looks[-1]), plan.alpha / 2 / look.raw.harm.size
    found = []
    for metric, place in np.argwhere(suspected(plan, look.raw)):
        own = differences[metric, place]
        beyond = -float(own.mean()) - plan.harm_of(plan.metrics[metric])
        found.append(seeds_needed(beyond, Components(residual=float(own.std(ddof=1))), one, "fixed-suite", strictest))
    return found


def _largest(numbers: list[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return max(known) if len(known) == len(numbers) else None
