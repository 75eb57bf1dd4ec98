"""How informative the positives are that each strategy selected, as a table."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from typing import Any

from analysis.condition import Condition
from analysis.names import AXIS_TITLES, LABELS, ratio_label
from analysis.panels import panels
from analysis.selected_positives import DISTANCES, informativeness
from analysis.tables.model import Cell, Group, Row, Table
from analysis.tables.notes import holes
from analysis.text import NO_VALUE, count, decimal

AT = ["ratio", "start"]
COLUMNS = ("mean", "from", "to", "seeds")


def distances(condition: Condition) -> Table | None:
    """Return a row per ratio, start and strategy with the mean distances of its selected positives.

    None where no run recorded any, as runs made before there were such records.
    """
    if not condition.runs[list(DISTANCES)].notna().any(axis=None):
        return None
    rows = []
    for panel in panels(condition):
        keys = panel.labelled.groupby(LABELS)["key"].agg(tuple)
        for labels, means in informativeness(panel).groupby(LABELS):
            of = means.set_index("metric").loc[list(DISTANCES)].itertuples()
            cells = [cell for mean in of for cell in _cells(mean, keys[labels])]  # type: ignore[index]
            rows.append(Row((ratio_label(panel.ratio), panel.start, *map(str, labels)), tuple(cells)))
    groups = tuple(Group(title.capitalize(), COLUMNS) for title in DISTANCES.values())
    return Table(
        name=f"informativeness{condition.suffix}",
        address="informativeness",
        title="Informativeness of the selected positives",
        caption="Mean cosine distances in the pre-trained encoder's space after the last round; larger: more varied "
        "or less like what was known. 95 % t-intervals over seeds, whose values are means over the tasks: they speak "
        "of these tasks only. A seed with a run that found too few positives to measure is left out.",
        headers=(*(AXIS_TITLES[axis] for axis in AT), "Algorithm", "Weighting"),
        groups=groups,
        rows=tuple(rows),
        notes=holes(rows, groups),
    )


def _cells(mean: Any, runs: tuple[str, ...]) -> Iterator[Cell]:  # a named tuple of :func:`informativeness`
    whole = count(int(mean.left_out + mean.n), "seed")
    note = f"{mean.left_out} of {whole} left out" if mean.left_out else ""
    for value in (mean.mean, mean.low, mean.high):
        yield Cell(NO_VALUE if isnan(value) else decimal(value), float(value), runs=runs)
    yield Cell(str(mean.n), float(mean.n), note=note, runs=runs)
