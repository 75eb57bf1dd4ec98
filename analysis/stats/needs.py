"""What a margin takes: the smallest effect that a grid can show, and the seeds and tasks that an effect needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite

from analysis.stats.effect import ESTIMANDS, Estimand
from analysis.stats.interval import ALPHA
from analysis.stats.pilot import Pilot
from analysis.stats.power import (
    POWER,
    Shape,
    minimum_detectable_effect,
    power_of,
    seeds_needed,
    standard_error,
    tasks_needed,
)
from bench.errors import SpecError

ARMS = 2


@dataclass(frozen=True)
class Way:
    """A grid that is large enough.

    Attributes:
        tasks, seeds: of the grid. runs: of both arms together. more: runs beyond those of the grid there is.
    """

    tasks: int
    seeds: int
    runs: int
    more: int


@dataclass(frozen=True)
class Need:
    """What one question takes.

    Attributes:
        estimand: the question. units: of the grid there is; what a unit is follows from the question.
        standard_error: of the estimate on that grid.
        detectable: the smallest effect found on it in 80 % of cases; None with fewer than two units.
        power: the chance that the margin is found on it; None likewise.
        by_seeds: the fewest seeds of the same tasks that find the margin in 80 % of cases; None: no number does.
        by_tasks: the fewest tasks with the same seeds (``new-tasks`` only); None likewise.
    """

    estimand: Estimand
    units: int
    standard_error: float
    detectable: float | None
    power: float | None
    by_seeds: Way | None
    by_tasks: Way | None


def needs(plan: Pilot, margin: float) -> tuple[Need, ...]:
    """Return what each question takes, at the level 0.05 (one-sided) and a power of 0.8.

    The chance to show an effect of the size of the margin is also the chance to show non-inferiority within that
    margin where the two arms are in truth equal: both tests are of a distance of one margin.

    Args:
        plan: shape and components of variance.
        margin: in the metric's unit.

    Raises:
        SpecError: if the margin is not above 0.
    """
    if not (margin > 0 and isfinite(margin)):
        raise SpecError(f"a margin of {margin} can never be shown; give one above 0 in the metric's unit, e.g. 0.01")
    return tuple(_need(plan, margin, estimand) for estimand in ESTIMANDS)


def _need(plan: Pilot, margin: float, estimand: Estimand) -> Need:
    of, shape = plan.components, plan.shape
    testable, seeds = shape.units(estimand) > 1, seeds_needed(margin, of, shape, estimand)
    tasks = tasks_needed(margin, of, shape) if estimand == "new-tasks" else None
    return Need(
        estimand=estimand,
        units=shape.units(estimand),
        standard_error=standard_error(of, shape, estimand),
        detectable=minimum_detectable_effect(of, shape, estimand, ALPHA, POWER) if testable else None,
        power=power_of(margin, of, shape, estimand) if testable else None,
        by_seeds=_way(shape, replace(shape, seeds=seeds)) if seeds else None,
        by_tasks=_way(shape, replace(shape, tasks=(tasks,))) if tasks else None,
    )


def _way(there: Shape, wanted: Shape) -> Way:
    more = max(wanted.pairs - there.pairs, 0)
    return Way(sum(wanted.tasks), wanted.seeds, ARMS * wanted.pairs, ARMS * more)
