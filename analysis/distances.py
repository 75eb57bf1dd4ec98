"""How informative the positives are that each strategy selected, as a table."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from typing import Any

from analysis.captions import count
from analysis.condition import Condition
from analysis.figures.selected import DISTANCES, informativeness
from analysis.model import NO_VALUE, Cell, Group, Row, Table, decimal
from analysis.names import AXIS_TITLES, LABELS, ratio_label, with_labels
from analysis.notes import holes

AT = ["ratio", "start"]
COLUMNS = ("mean", "from", "to", "seeds")


def distances(condition: Condition) -> Table | None:
    """Return a row per ratio, start and strategy with the mean distances of its selected positives.

    None where no run recorded any, as runs made before there were such records.
    """
    runs = with_labels(condition.runs)
    if not runs[list(DISTANCES)].notna().any(axis=None):
        return None
    keys: dict[Any, tuple[str, ...]] = runs.groupby([*AT, *LABELS])["key"].agg(tuple).to_dict()
    rows = []
    for (ratio, start), own in sorted(runs.groupby(AT), key=lambda part: (part[0][0], part[0][1] == "cold")):
        for labels, means in informativeness(own).groupby(LABELS):
            of = means.set_index("metric").loc[list(DISTANCES)].itertuples()
            cells = [cell for mean in of for cell in _cells(mean, keys[(ratio, start, *labels)])]
            rows.append(Row((ratio_label(int(str(ratio))), str(start), *map(str, labels)), tuple(cells)))
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
