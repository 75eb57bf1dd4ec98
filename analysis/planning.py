"""What a store says of the size and the spread of a comparison."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.names import stored_metric
from analysis.panels import Panel, every_panel
from analysis.results import Results
from analysis.stats import Design, Pilot, components, shape_of
from analysis.stats.interval import levels_in
from bench.arrays import FloatArray
from bench.errors import PairingError, SpecError, UnknownNameError


def pilot(results: Results, arms: Sequence[str], metric: str, condition: str | None = None) -> Pilot:
    """Return what stored runs say of one weighting against another.

    Args:
        results: the store.
        arms: the two weightings, as tables print them (in any case).
        metric: one that runs have, by name or alias.
        condition: name of ratio and start, e.g. ``ratio50-warm``; may be left out where the store holds one.

    Raises:
        SpecError: if arms, metric or condition are not in the store.
        PairingError: if the two arms share no algorithm, or too little of it to estimate from.
    """
    metric = stored_metric(metric, results.runs)
    if len(arms) != 2:
        raise SpecError(f"{len(arms)} arms given ({', '.join(arms)}); give two weightings, e.g. invprop,uniform")
    panel = _panel(every_panel(results), condition)
    labels = {label.lower(): label for label in panel.weightings}
    for arm in arms:
        if arm.lower() not in labels:
            raise UnknownNameError("weighting", arm, labels.values(), "These are in the store.")
    one, other = (panel.of(labels[arm.lower()]) for arm in arms)
    shared = [at for at, pair in enumerate(zip(one, other, strict=True)) if all((own >= 0).any() for own in pair)]
    if not shared:
        raise PairingError(f"no algorithm has runs of both {arms[0]} and {arms[1]} in {panel.name}; run both arms")
    one, other = one[shared], other[shared]
    both = (one >= 0) & (other >= 0)
    note = panel.cube.why_unpaired(one[both], other[both])
    if note:
        raise PairingError(note)
    design = _design(panel, panel.cube.values(metric, one), panel.cube.values(metric, other), shared)
    shape, names = shape_of(design), ", ".join(design.algorithms)
    hole = (
        f"{design.missing} of {shape.pairs} pairs are missing; the shape counts them, the spread is of complete seeds "
        "or tasks"
    )
    return Pilot(
        title=f"{labels[arms[0].lower()]} - {labels[arms[1].lower()]}, {metric}, {panel.title}, {names}",
        shape=shape,
        components=components(design),
        notes=(*panel.condition.notes, *([hole] if design.missing else [])),
        runs=tuple(sorted({*panel.selection.keys(one), *panel.selection.keys(other)})),
    )


def _design(panel: Panel, one: FloatArray, other: FloatArray, algorithms: Sequence[int]) -> Design:
    """Return the differences of values (algorithms, tasks, seeds) in all blocks that should have been run."""
    task, seed = levels_in(np.asarray(panel.selection.expected.any(axis=(0, 1, 4))))
    a, b = (np.moveaxis(values, 0, -1)[np.ix_(task, seed)] for values in (one, other))
    tasks, seeds = ([panel.selection.tasks[at] for at in task], [panel.selection.seeds[at] for at in seed])
    return Design.of(a, b, tasks, seeds, [panel.algorithms[at] for at in algorithms])


def _panel(found: dict[str, Panel], name: str | None) -> Panel:
    if name is None and len(found) == 1:
        return next(iter(found.values()))
    if name is None:
        raise SpecError(
            f"the store holds {len(found)} conditions; name one with --condition: {', '.join(found) or 'none'}"
        )
    if name not in found:
        raise UnknownNameError("condition", name, found)
    return found[name]
