"""How much more would be enough: seeds or tasks for a claim that is still open, from the evidence so far."""

from __future__ import annotations

from math import sqrt

import numpy as np

from analysis.gate.plan import Plan
from analysis.gate.procedure import Look, suite_units, suspected
from analysis.gate.spending import nominal
from analysis.stats import Components, Design, Shape, components, seeds_needed, tasks_needed
from analysis.stats.power import POWER
from bench.arrays import FloatArray
from bench.errors import PairingError
from bench.records import ratio_text

BOTH_SIDES = (1 + POWER) / 2
"""Power of each side of an equivalence test, so that both together have at least ``POWER``."""


def shape_of(plan: Plan) -> Shape:
    """Return the shape of a plan's grid at its last look; a task's places stand for pooled algorithms."""
    number, dataset = plan.task_numbers
    return Shape(tuple(map(int, np.bincount(dataset))), plan.looks[-1], int(np.bincount(number).max()))


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


def enough(plan: Plan, look: Look, differences: FloatArray) -> tuple[int | None, int | None]:
    """Return how many seeds, and how many tasks, an open verdict should need, in 80 % of repetitions.

    If the true differences are as estimated: the largest number that any metric by itself needs for the claim, at the
    nominal level of the last look, or, if only suspected harm of a task is in the claim's way, that which shows harm
    at Holm's strictest level. None: no number would do; tasks are named for ``new-tasks`` only.

    Args:
        plan: what was declared.
        look: the last one taken.
        differences: (metrics, places, seeds) that it looked at.
    """
    alpha = nominal(plan.looks, plan.alpha)[-1]
    if (look.adjusted.claim <= plan.alpha).all():
        return _largest(_for_harm(plan, look, differences, alpha)), None
    seeds: list[int | None] = []
    tasks: list[int | None] = []
    shape = shape_of(plan)
    power = BOTH_SIDES if plan.claim == "equivalent" else POWER
    for metric, own in zip(plan.metrics, differences, strict=True):
        distance, spread = _distance(plan, metric, own), spread_of(plan, own)
        more = distance > 0
        seeds.append(seeds_needed(distance, spread, shape, plan.estimand, alpha, power) if more else None)
        new = more and plan.estimand == "new-tasks"
        tasks.append(tasks_needed(distance, spread, shape, alpha, power) if new else None)
    return _largest(seeds), _largest(tasks)


def _distance(plan: Plan, metric: str, differences: FloatArray) -> float:
    """Return how far the estimate lies on the claim's side of its edge."""
    estimate, margin = float(suite_units(plan, differences).mean()), plan.margins[metric]
    if plan.claim == "equivalent":
        return margin - abs(estimate)
    return estimate if plan.claim == "superior" else estimate + margin


def _for_harm(plan: Plan, look: Look, differences: FloatArray, alpha: float) -> list[int | None]:
    one, strictest = Shape((1,), plan.looks[-1]), alpha / look.raw.harm.size
    found = []
    for metric, place in np.argwhere(suspected(plan, look.raw)):
        own = differences[metric, place]
        beyond = -float(own.mean()) - plan.harm_of(plan.metrics[metric])
        found.append(seeds_needed(beyond, Components(residual=float(own.std(ddof=1))), one, "fixed-suite", strictest))
    return found


def _largest(numbers: list[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return max(known) if len(known) == len(numbers) else None
