"""From the runs of a table to its cells: means with their marks, p-values, widths of intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isnan, nan
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.definitions import Summary
from analysis.layout import Layout, Numbers
from analysis.model import ALPHA, NO_VALUE, Cell, Comparison, Group, decimal, p_text
from analysis.names import metric_title

LEVEL = 0.95

Mean = Callable[[npt.NDArray[np.float64], Numbers], float]
"""From the values of some runs, and their numbers, to one."""
Body = tuple[tuple[Group, ...], list[tuple[Cell, ...]]]
"""The groups of columns, and the cells of each row."""


def body(layout: Layout) -> Body:
    """Return the cells that a definition asks for; no rows where there is nothing to compare."""
    return _SUMMARIES[layout.definition.summary](layout)


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
    ranked = means.sort_values(["mean", "algorithm_label"], ascending=[False, True], na_position="last")
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
    cells = [
        tuple(
            _mean_cell(layout, places, metric, row, column, mean)
            for metric, places in found.items()
            for column in range(len(layout.columns))
        )
        for row in range(len(layout.rows))
    ]
    return groups, cells


def _mean_cell(layout: Layout, places: Numbers, metric: str, row: int, column: int, mean: Mean) -> Cell:
    arms = places[row]
    runs = _there(arms[column])
    value = mean(layout.values(metric, runs), runs) if len(runs) else nan
    against = tuple(
        Comparison(name, layout.test(arms[column], arms[other], metric))
        for other, name in enumerate(layout.columns)
        if other != column
    )
    return Cell(
        text=decimal(value) if len(runs) else NO_VALUE,
        value=value,
        n=len(runs),
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
    reference = layout.definition.reference
    runs = layout.where(reference.where) if reference else layout.runs[:0]
    if not reference or not len(runs) or (layout.held > 0).sum() < 2:
        return (), []
    places, column = layout.places(layout.runs), int(runs["column"].iloc[0])
    lone_row = any(axis in layout.definition.rows for axis in reference.where)
    shown = [number for number in range(len(layout.columns)) if lone_row or number != column]
    cells = []
    for row in range(len(layout.rows)):
        at = (int(runs["row"].iloc[0]) if lone_row else row, column)
        cells.append(
            tuple(
                _p_cell(layout, places, metric, (row, number), at, reference.larger)
                if (row, number) != at
                else Cell(NO_VALUE)
                for metric in layout.definition.metrics
                for number in shown
            )
        )
    names = tuple(layout.columns[number] for number in shown)
    return tuple(Group(metric_title(metric), names) for metric in layout.definition.metrics), cells


def _p_cell(
    layout: Layout, places: Numbers, metric: str, own: tuple[int, int], reference: tuple[int, int], larger: str
) -> Cell:
    cell, other = places[own], places[reference]
    test = layout.test(cell, other, metric) if larger == "cell" else layout.test(other, cell, metric)
    alone = f"{test.unpaired} runs without a partner" if test.unpaired else ""
    row_labels = layout.rows[reference[0]] if reference[0] != own[0] else ()
    return Cell(
        text=p_text(test.p),
        value=test.p,
        n=test.n,
        bold=test.p < ALPHA or test.p > 1 - ALPHA,
        note=_joined(layout.hole(*own), layout.hole(*reference), alone, test.note),
        against=(Comparison(", ".join((*row_labels, layout.columns[reference[1]])), test),),
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
