"""The seed-level evidence behind a table, in full: a row for each metric and pair of its cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import isnan
from typing import Any

from analysis.comparisons import Numbers, is_marked, lines
from analysis.names import metric_title
from analysis.stats import ALPHA, Design, bounds, effect, leave_one_out
from analysis.stats.design import Factor
from analysis.summaries import ESTIMAND, BestAlgorithm, design_of
from analysis.tables.model import SEED_LEVEL, Cell, Group, Row, Table
from analysis.tables.notes import holes
from analysis.text import NO_VALUE, count, p_text, signed

SIDE = ALPHA / 2
"""Level of a test on the side that the estimate lies on: one that looks at both sides has ``ALPHA``."""
GROUPS = (
    Group("Difference and 95 % CI", ("estimate", "from", "to", "units", "p (Holm)")),
    Group("Size and cross-checks", ("d_z", "Wilcoxon p", "sign-flip p")),
    Group("Same answer without", ("a dataset", "a task", "a seed", "missing runs")),
)
FACTORS: tuple[Factor, ...] = ("dataset", "task", "seed")


def effects(numbers: Numbers, table: Table) -> Table | None:
    """Return the evidence on each comparison of a table; None for one whose cells are not tested."""
    if not table.seed_mark:
        return None
    keys = {(it.row, it.column, it.metric): it.keys for it in lines(numbers.cells)}
    rows = []
    for it, p_holm in _claims(numbers):
        a, b = (it.row, it.column), (it.other_row, it.other)
        runs = keys[(*a, it.metric)] + keys[(*b, it.metric)]
        own = table.rows[b[0] if numbers.definition.turned else a[0]]
        labels = (*own.labels, metric_title(it.metric), _claim(numbers, a, b))
        rows.append(Row(labels, tuple(_cells(numbers, it, p_holm, partial(Cell, runs=runs)))))
    return Table(
        name=f"{table.name}-effects",
        address=f"{table.address}-effects",
        title=f"Effects by the seed-level test: {table.title}",
        caption=_caption(numbers),
        headers=(*table.headers, "Metric", "Claim"),
        groups=GROUPS,
        rows=tuple(rows),
        notes=holes(rows, GROUPS),
        mark=f"p < {ALPHA} after Holm, as {SEED_LEVEL} in {table.address}",
    )


def _caption(numbers: Numbers) -> str:
    chosen = (
        "Algorithms are chosen on one half of the seeds and tested on the other, both ways; the estimate is the mean "
        "of both halves', so d_z, cross-checks, leave-one-out tests and bounds are not to be had (dashes). "
    )
    return (
        "Mean difference of the first minus the second on these tasks, its two-sided 95 % t-interval, and the units it "
        "is over. p-values are one-sided, on the side of the estimate; Holm's corrects for all tests of the metric in "
        "the table, on both sides; Wilcoxon's and the sign-flip permutation's are not corrected. d_z: estimate / "
        "standard deviation of the units. Without a dataset, a task, a seed: in how many leave-one-out tests the "
        f"uncorrected answer (p < {SIDE} on that side) is the same. Missing runs: whether that answer could change had "
        "they finished (open), or is marked or not marked in any case. A dash: there is one only, or none missing. "
        + chosen * isinstance(numbers.definition.summary, BestAlgorithm)
        + f"Bold: p < {ALPHA} after Holm."
    )


def _claims(numbers: Numbers) -> Iterator[tuple[Any, float]]:
    """Yield a line of the comparisons for each pair of cells, with the corrected p of the estimate's side."""
    every = numbers.comparisons
    p_of = {(it.row, it.column, it.other_row, it.other, it.metric): it.p_holm for it in lines(every)}
    order = {metric: number for number, metric in enumerate(numbers.definition.metrics)}
    rows = every.assign(at=every["metric"].map(order)).sort_values(["row", "at", "column", "other_row", "other"])
    for it in lines(rows):
        if numbers.two_sided:
            yield it, it.p_holm
        elif it.column < it.other:
            yield it, min(it.p_holm, p_of[it.row, it.other, it.row, it.column, it.metric])


def _claim(numbers: Numbers, a: tuple[int, int], b: tuple[int, int]) -> str:
    rows, columns = numbers.selection.row_labels, numbers.selection.column_labels
    reference = a if numbers.definition.turned else b
    names = {place: columns[place[1]] for place in (a, b)}
    if a[0] != b[0]:
        names[reference] = ", ".join((*rows[reference[0]], columns[reference[1]]))
    return f"{names[a]} − {names[b]}"


def _cells(numbers: Numbers, it: Any, p_holm: float, cell: Callable[..., Cell]) -> Iterator[Cell]:
    if not it.units and not it.left_out and isnan(it.estimate):
        yield cell(NO_VALUE, note=it.note or it.seed_note)
        yield from _dashes(GROUPS[1:], more=len(GROUPS[0].columns) - 1)
        return
    yield cell(signed(it.estimate), it.estimate, note=it.seed_note)
    yield from (cell(signed(end), end) for end in (it.low, it.high))
    yield cell(count(it.units, "seed"), float(it.units))
    yield cell(p_text(p_holm), p_holm, bold=is_marked(p_holm, it.seed_note))
    if isinstance(numbers.definition.summary, BestAlgorithm):
        yield from _dashes(GROUPS[1:])
    else:
        design = design_of(numbers.selection, (it.row, it.column), (it.other_row, it.other), it.metric)
        yield from _hangs_on(-design if it.estimate < 0 else design, it.estimate < 0, cell)


def _dashes(groups: tuple[Group, ...], more: int = 0) -> Iterator[Cell]:
    yield from (Cell(NO_VALUE) for _ in range(more + sum(len(group.columns) for group in groups)))


def _hangs_on(design: Design, turned: bool, cell: Callable[..., Cell]) -> Iterator[Cell]:
    """Yield d_z, the cross-checks on the estimate's side, and what the answer on that side hangs on."""
    found = effect(design, ESTIMAND)
    d_z = -found.d_z if turned else found.d_z
    yield cell(NO_VALUE if isnan(d_z) else f"{d_z:.2f}".replace("-", "−"), d_z)
    yield from (cell(p_text(p), p) for p in (found.p_wilcoxon, found.p_sign_flip))
    for factor in FACTORS:
        levels = len(design.levels(factor))
        if levels < 2 or isnan(found.p):
            yield Cell(NO_VALUE)
        else:
            same = levels - len(leave_one_out(design, ESTIMAND, factor, SIDE).flips)
            yield cell(f"{same} of {levels}", same / levels)
    verdict = bounds(design, ESTIMAND).verdict(SIDE) if found.missing else NO_VALUE
    yield cell(verdict, float(found.missing), note=found.hole)
