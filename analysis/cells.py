"""From the runs of a table to its cells: means with their marks, p-values, widths of intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import isnan, nan
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.definitions import Summary
from analysis.inference import ALPHA, LEVEL, holm
from analysis.layout import Layout, Numbers
from analysis.model import NO_VALUE, Cell, Group, decimal, p_text
from analysis.names import lower_is_better, metric_title
from analysis.sound import Place, Sound

Mean = Callable[[npt.NDArray[np.float64], Numbers], float]
"""From the values of some runs, and their numbers, to one."""
Body = tuple[tuple[Group, ...], list[tuple[Cell, ...]]]
"""The groups of columns, and the cells of each row."""


def body(layout: Layout) -> Body:
    """Return the cells that a definition asks for; no rows where there is nothing to compare."""
    groups, cells = _SUMMARIES[layout.definition.summary](layout)
    return groups, _corrected(groups, cells, both_sides=layout.definition.summary == "p")


def _corrected(groups: tuple[Group, ...], cells: list[tuple[Cell, ...]], *, both_sides: bool) -> list[tuple[Cell, ...]]:
    """Return the cells with sound mode's p corrected; a family is all tests under one group (a metric)."""
    found: list[tuple[Cell, ...]] = [()] * len(cells)
    start = 0
    for group in groups:
        stop = start + len(group.columns)
        family = [comparison.sound for row in cells for cell in row[start:stop] for comparison in cell.against]
        sides = ("p", "p_less") if both_sides else ("p",)
        p = holm([getattr(one, side) if one else nan for side in sides for one in family])
        adjusted = iter(p.reshape(len(sides), -1).min(axis=0))
        for number, row in enumerate(cells):
            found[number] += tuple(
                replace(cell, against=tuple(replace(one, p_holm=float(next(adjusted))) for one in cell.against))
                for cell in row[start:stop]
            )
        start = stop
    return found


def _flat_means(layout: Layout) -> Body:
    places = layout.places(layout.runs)
    found = dict.fromkeys(layout.definition.metrics, places)
    return _means(layout, found, lambda values, _: float(values.mean()))


def _best_means(layout: Layout) -> Body:
    runs, metrics = layout.runs, layout.definition.metrics
    found = {metric: layout.places(_of_best_algorithm(runs, metric)) for metric in metrics}
    tasks = runs.groupby(["dataset", "positive"]).ngroup().to_numpy()

    def over_tasks(values: npt.NDArray[np.float64], numbers: Numbers) -> float:
        sums, sizes = (np.bincount(tasks[numbers], weights) for weights in (values, np.ones(len(values))))
        return float((sums[sizes > 0] / sizes[sizes > 0]).mean())

    return _means(layout, found, over_tasks)


def _of_best_algorithm(runs: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return the runs of the algorithm with the best mean in each row, column and task; of equals the first by name.

    An algorithm that has NaN among its values is taken only where none is without.
    """
    arm = ["row", "column", "dataset", "positive"]
    by = runs.groupby([*arm, "algorithm_label"])[metric]
    means = _complete(by).rename("mean").reset_index()
    best_first = [lower_is_better(metric), True]
    ranked = means.sort_values(["mean", "algorithm_label"], ascending=best_first, na_position="last")
    best = ranked.drop_duplicates(arm)[[*arm, "algorithm_label"]]
    return runs[(runs.merge(best, how="left", indicator=True)["_merge"] == "both").to_numpy()]


def _complete(by: Any) -> pd.Series[float]:  # pandas' stubs do not export the type of a grouped series
    """Return the mean of each group; NaN where any of its values is."""
    means: pd.Series[float] = by.mean().where(by.count() == by.size())
    return means


def _means(layout: Layout, found: Mapping[str, Numbers], mean: Mean) -> Body:
    """Means, each tested against every other column of its row and metric."""
    groups = tuple(Group(metric_title(metric), layout.columns) for metric in found)
    if layout.definition.columns in layout.definition.where and layout.held.any(axis=0).sum() < 2:
        return groups, []
    sound = Sound(layout)
    cells = [
        tuple(
            _mean_cell(sound, places, metric, row, column, mean)
            for metric, places in found.items()
            for column in range(len(layout.columns))
        )
        for row in range(len(layout.rows))
    ]
    return groups, cells


def _mean_cell(sound: Sound, places: Numbers, metric: str, row: int, column: int, mean: Mean) -> Cell:
    layout, arms = sound.layout, places[row]
    runs = _there(arms[column])
    value = mean(layout.values(metric, runs), runs) if len(runs) else nan
    against = tuple(
        sound.comparison(name, layout.test(arms[column], arms[other], metric), (row, column), (row, other), metric)
        for other, name in enumerate(layout.columns)
        if other != column
    )
    return Cell(
        text=decimal(value) if len(runs) else NO_VALUE,
        value=value,
        n=len(runs),
        interval=sound.interval((row, column), metric) if len(runs) else (nan, nan),
        bold=bool(against) and all(comparison.paper.p < ALPHA for comparison in against),
        note=_joined(layout.hole(row, column), layout.nans(row, column, metric)),
        against=against,
        runs=layout.keys(runs),
    )


def _there(places: Numbers) -> Numbers:
    return places[places >= 0]


def _joined(*notes: str) -> str:
    return "; ".join(dict.fromkeys(filter(None, notes)))


def _p_values(layout: Layout) -> Body:
    """The p of the test of each cell against the reference."""
    if not layout.reference or (layout.held > 0).sum() < 2:
        return (), []
    lone_row, column = layout.reference
    places, sound = layout.places(layout.runs), Sound(layout)
    shown = [number for number in range(len(layout.columns)) if lone_row is not None or number != column]
    cells = []
    for row in range(len(layout.rows)):
        at = (row if lone_row is None else lone_row, column)
        cells.append(
            tuple(
                _p_cell(sound, places, metric, (row, number), at) if (row, number) != at else Cell(NO_VALUE)
                for metric in layout.definition.metrics
                for number in shown
            )
        )
    names = tuple(layout.columns[number] for number in shown)
    return tuple(Group(metric_title(metric), names) for metric in layout.definition.metrics), cells


def _p_cell(sound: Sound, places: Numbers, metric: str, own: Place, reference: Place) -> Cell:
    layout, cell, other = sound.layout, places[own], places[reference]
    first, second = (reference, own) if layout.definition.turned else (own, reference)
    test = layout.test(places[first], places[second], metric)
    alone = f"{test.unpaired} runs without a partner" if test.unpaired else ""
    row_labels = layout.rows[reference[0]] if reference[0] != own[0] else ()
    name = ", ".join((*row_labels, layout.columns[reference[1]]))
    return Cell(
        text=p_text(test.p),
        value=test.p,
        n=test.n,
        bold=test.p < ALPHA or test.p > 1 - ALPHA,
        note=_joined(layout.hole(*own), layout.hole(*reference), alone, test.note),
        against=(sound.comparison(name, test, first, second, metric),),
        runs=layout.keys(np.concatenate([_there(cell), _there(other)])),
    )


def _half_widths(layout: Layout) -> Body:
    """Half-widths of the t-interval of a task's mean over seeds, averaged over tasks; and their quotient."""
    metrics, names = layout.definition.metrics, layout.columns
    groups = tuple(Group(metric_title(metric), (*names, " / ".join(names))) for metric in metrics)
    if (layout.held.any(axis=0)).sum() < len(names):
        return groups, []
    by = layout.runs.groupby(["row", "column", "dataset", "positive"])
    scale = stats.t.ppf((1 + LEVEL) / 2, by.size() - 1) / np.sqrt(by.size())
    cells: list[tuple[Cell, ...]] = [()] * len(layout.rows)
    for metric in metrics:
        half = (by[metric].std() * scale).where(by[metric].count() == by.size())
        widths = _complete(half.groupby(["row", "column"]))
        for row in range(len(layout.rows)):
            pair = [_width_cell(layout, metric, row, column, widths) for column in range(len(names))]
            cells[row] += (*pair, _quotient(*pair))
    return groups, cells


def _width_cell(layout: Layout, metric: str, row: int, column: int, widths: pd.Series[float]) -> Cell:
    runs = layout.runs.index[(layout.runs["row"] == row) & (layout.runs["column"] == column)].to_numpy()
    value = float(widths.get((row, column), nan))
    nans = layout.nans(row, column, metric)
    too_few = "a task with one seed has no interval" if len(runs) and isnan(value) and not nans else ""
    return Cell(
        text=NO_VALUE if isnan(value) else decimal(value),
        value=value,
        n=len(runs),
        note=_joined(layout.hole(row, column), nans, too_few),
        runs=layout.keys(runs),
    )


def _quotient(cold: Cell, warm: Cell) -> Cell:
    value = cold.value / warm.value if warm.value else nan
    return Cell(
        text=NO_VALUE if isnan(value) else f"{value:.2f}",
        value=value,
        note=_joined(cold.note, warm.note),
        runs=(*cold.runs, *warm.runs),
    )


_SUMMARIES: Mapping[Summary, Callable[[Layout], Body]] = {
    "mean": _flat_means,
    "best": _best_means,
    "half-width": _half_widths,
    "p": _p_values,
}
