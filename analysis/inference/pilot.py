"""What a store says of the size and the spread of a comparison, and what a user says instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from math import isfinite

from analysis.frame import Results
from analysis.inference.design import differences
from analysis.inference.power import PAPER_COMPONENTS, PAPER_SHAPE, Components, Shape, components, shape_of
from analysis.names import stored_metric
from analysis.part import Part, parts
from bench.errors import PairingError, SpecError, UnknownNameError


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


def pilot(results: Results, arms: Sequence[str], metric: str, condition: str | None = None) -> Pilot:
    """Return what stored runs say of one weighting against another.

    Args:
        results: the store.
        arms: the two weightings, as tables print them (in any case).
        metric: one that runs have, by name or alias.
        condition: name of the condition, e.g. ``ratio50-warm``; may be left out where the store holds one.

    Raises:
        SpecError: if arms, metric or condition are not in the store.
        PairingError: if the two arms share no algorithm, or too little of it to estimate from.
    """
    metric = stored_metric(metric, results.runs)
    if len(arms) != 2:
        raise SpecError(f"{len(arms)} arms given ({', '.join(arms)}); give two weightings, e.g. invprop,uniform")
    runs_of = _condition(results, condition)
    labels = {label.lower(): label for label in runs_of.labels("weighting")}
    for arm in arms:
        if arm.lower() not in labels:
            raise UnknownNameError("weighting", arm, labels.values(), "These are in the store.")
    one, other = (runs_of.runs[runs_of.runs["weighting_label"] == labels[arm.lower()]] for arm in arms)
    shared = sorted({*one["algorithm_label"]} & {*other["algorithm_label"]})
    if not shared:
        raise PairingError(f"no algorithm has runs of both {arms[0]} and {arms[1]} in {runs_of.name}; run both arms")
    one, other = (arm[arm["algorithm_label"].isin(shared)] for arm in (one, other))
    pairs = differences(one, other, metric, pooled="algorithm_label", expected=runs_of.expected)
    shape, missing = shape_of(pairs), int(pairs["difference"].isna().sum())
    hole = (
        f"{missing} of {shape.pairs} pairs are missing; the shape counts them, the spread is of complete seeds or tasks"
    )
    return Pilot(
        title=f"{labels[arms[0].lower()]} - {labels[arms[1].lower()]}, {metric}, {runs_of.title}, {', '.join(shared)}",
        shape=shape,
        components=components(pairs),
        notes=(*runs_of.notes, *([hole] if missing else [])),
        runs=tuple(sorted({*one["key"], *other["key"]})),
    )


def _condition(results: Results, name: str | None) -> Part:
    found = {part.name: part for part in parts(results)}
    if name is None and len(found) == 1:
        return next(iter(found.values()))
    if name is None:
        raise SpecError(
            f"the store holds {len(found)} conditions; name one with --condition: {', '.join(found) or 'none'}"
        )
    if name not in found:
        raise UnknownNameError("condition", name, found)
    return found[name]


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
