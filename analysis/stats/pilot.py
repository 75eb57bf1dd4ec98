"""The size and the spread of a comparison to plan from, as a user gives them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from math import isfinite

from analysis.stats.power import PAPER_COMPONENTS, PAPER_SHAPE, Components, Shape
from bench.errors import SpecError, UnknownNameError


@dataclass(frozen=True)
class Pilot:
    """A comparison to plan from: what it is, its shape, what its differences vary with, and what is odd.

    ``runs`` are the keys of both arms' stored runs; none where the numbers are assumed.
    """

    title: str
    shape: Shape
    components: Components
    notes: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()


PAPER_PILOT = Pilot("the paper's 14 tasks and 10 seeds, one algorithm, assumed spread", PAPER_SHAPE, PAPER_COMPONENTS)


def rearranged(
    plan: Pilot,
    *,
    tasks: str | None = None,
    seeds: int | None = None,
    algorithms: int | None = None,
    spread: Iterable[str] = (),
) -> Pilot:
    """Return the pilot with a part of its shape or its spread replaced by what a user wrote.

    Args:
        plan: what to start from.
        tasks: tasks of each dataset, e.g. ``4,3,5,2``.
        seeds: how many.
        algorithms: how many are pooled.
        spread: ``component=standard deviation``, e.g. ``task=0.02``.

    Raises:
        SpecError: if a text does not read so.
    """
    sizes = plan.shape.tasks if tasks is None else _sizes(tasks)
    shape = Shape(
        sizes,
        plan.shape.seeds if seeds is None else seeds,
        plan.shape.algorithms if algorithms is None else algorithms,
    )
    return replace(plan, shape=shape, components=replace(plan.components, **dict(map(_deviation, spread))))


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(size) for size in text.split(","))
    except ValueError:
        raise SpecError(f"tasks {text!r} must be the number of tasks of each dataset, e.g. 4,3,5,2") from None


def _deviation(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    known = [field.name for field in fields(Components)]
    if name not in known:
        raise UnknownNameError("component of variance", name, known, "Write e.g. task=0.02.")
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if number < 0 or not isfinite(number):
        raise SpecError(f"{text!r} must give a standard deviation of 0 or more in the metric's unit, e.g. {name}=0.02")
    return name, number
