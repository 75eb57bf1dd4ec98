"""All numbers of a table as two frames: a line for each cell, and one for each test behind it.

Whatever is printed, marked or drawn of a table is read off these frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import nan
from typing import Any

import numpy as np
import pandas as pd

from analysis.condition import Condition
from analysis.cube import Selection, select
from analysis.definitions import TableDefinition
from analysis.stats import ALPHA, BestOf, Effect, bounds, holm
from analysis.stats.interval import BoolArray, t_sf
from analysis.stats.run_level import RunLevelTest
from analysis.summaries import ESTIMAND, BestAlgorithm, CellPlace, CellSummary, design_of

NO_PAIRS = "runs that must not be paired"
OPEN = "no mark, since the runs that are missing could change the answer"
"""Note on a test that is significant only as long as nothing is known of the runs that it lacks."""
CELLS = ["row", "column", "metric", "value", "n", "expected", "missing", "failed", "nan", "low", "high", "keys"]
COMPARISONS = [
    *("row", "column", "other_row", "other", "metric"),
    *("pairs", "unpaired", "difference", "t", "p", "note"),
    *("units", "estimate", "low", "high", "p_seed", "p_less", "p_holm", "left_out", "seed_note"),
]


@dataclass(frozen=True)
class Numbers:
    """A table's numbers.

    Attributes:
        definition: of the table. condition: whose runs. selection: the runs, laid out.
    """

    definition: TableDefinition
    condition: Condition
    selection: Selection

    @classmethod
    def of(cls, definition: TableDefinition, condition: Condition) -> Numbers | None:
        """Return the numbers of a table; None where a condition has no finished run that it takes."""
        found = select(condition.cube, definition.rows, definition.columns, definition.where, definition.unless)
        return cls(definition, condition, found) if found else None

    @cached_property
    def cells(self) -> pd.DataFrame:
        """What each cell shows: see :func:`summarise`."""
        return summarise(self.selection, self.definition.summary, self.definition.metrics)

    @cached_property
    def comparisons(self) -> pd.DataFrame:
        """How cells compare: see :func:`compare`."""
        definition = self.definition
        if not definition.summary.tested or (definition.reference and self.reference is None):
            return pd.DataFrame(columns=pd.Index(COMPARISONS))
        return compare(self.selection, definition.summary, definition.metrics, self._pairs, two_sided=self.two_sided)

    @cached_property
    def reference(self) -> tuple[int | None, int] | None:
        """Row and column of the cells that all others are tested against; no row if each row has its own."""
        reference = self.definition.reference
        return self.selection.where(reference.where) if reference else None

    @property
    def two_sided(self) -> bool:
        """Whether both sides of a test are of interest, as where its p is what a cell shows."""
        return self.definition.reference is not None

    @property
    def _pairs(self) -> list[tuple[CellPlace, CellPlace]]:
        rows, columns = self.selection.runs.shape[:2]
        if self.reference is None:
            return [((row, a), (row, b)) for row in range(rows) for a, b in combinations(range(columns), 2)]
        lone, column = self.reference
        every = [((row, own), (row if lone is None else lone, column)) for row in range(rows) for own in range(columns)]
        tested = [(cell, reference) for cell, reference in every if cell != reference]
        return [(b, a) for a, b in tested] if self.definition.turned else tested


def lines(frame: pd.DataFrame) -> list[Any]:
    """Return the lines of a frame as named tuples, whose fields pandas' stubs know nothing of."""
    return list(frame.itertuples(index=False))


def summarise(of: Selection, summary: CellSummary, metrics: Sequence[str]) -> pd.DataFrame:
    """Return what each cell of a selection shows, a line for each row, metric and column.

    Returns:
        row, column (their numbers), metric, value, n (runs), expected, missing and failed (runs of the cell), nan (runs
        whose metric is NaN), low and high (the 95 % t-interval of the value over seeds; NaN where there is none), and
        keys of the runs that it shows.
    """
    expected, missing, failed = (
        array.sum(axis=(2, 3, 4)) for array in (of.expected, of.missing, of.missing & of.failed)
    )
    found = []
    for row, metric, column in _every(of, metrics):
        place = (row, column)
        shown, held = summary.runs(of, place, metric), of.runs[place][of.runs[place] >= 0]
        lost = int(np.isnan(of.cube.values(metric, held)).sum())
        ends = summary.interval(of, place, metric) if len(held) else (nan, nan)
        value, counts = summary.value(of, place, metric), (expected[place], missing[place], failed[place])
        found.append((*place, metric, value, int((shown >= 0).sum()), *counts, lost, *ends, of.keys(shown)))
    return pd.DataFrame(found, columns=pd.Index(CELLS))


def _every(of: Selection, metrics: Sequence[str]) -> Iterator[tuple[int, str, int]]:
    rows, columns = of.runs.shape[:2]
    return ((row, metric, column) for row in range(rows) for metric in metrics for column in range(columns))


def compare(
    of: Selection,
    summary: CellSummary,
    metrics: Sequence[str],
    pairs: Sequence[tuple[CellPlace, CellPlace]],
    *,
    two_sided: bool = False,
) -> pd.DataFrame:
    """Return how places of a selection compare, by the run-level test and by the seed-level evidence.

    Args:
        of: the runs.
        summary: what the places are compared by.
        metrics: which.
        pairs: places (row, column); the second is subtracted from the first.
        two_sided: whether both sides of each comparison are of interest; then Holm's family holds both, and ``p_holm``
            is the smaller. Otherwise there is a line for either direction, each a test of its own.

    Returns:
        row, column, other_row, other (numbers of both places), metric, then of the run-level test pairs, unpaired,
        difference, t, p and note, and of the seed-level evidence units (how many), estimate, low, high, p_seed, p_less,
        p_holm (after Holm over all tests of the metric whose places were both tried), left_out (units that lack a run)
        and seed_note. Numbers of an absent test are NaN and a note says why; :data:`OPEN` is the note on a test that is
        significant, and might not be had the missing runs finished. Differences and p are signed so that larger is
        better for the first.
    """
    found: list[dict[str, Any]] = []
    for metric in metrics:
        for a, b in pairs:
            test = summary.run_level(of, a, b, metric)
            line = _line(test, summary.seed_level(of, a, b, metric) if test.n else None)
            found.append({**_at(a, b), "metric": metric, **line})
            if not two_sided:
                found.append({**_at(b, a), "metric": metric, **_mirrored(line)})
    frame = pd.DataFrame(found, columns=pd.Index(COMPARISONS))
    sides = ["p_seed", "p_less"] if two_sided else ["p_seed"]
    for _, own in frame[in_family(of, frame)].groupby("metric", sort=False):
        adjusted = holm(own[sides].to_numpy(np.float64).T.ravel()).reshape(len(sides), -1)
        frame.loc[own.index, "p_holm"] = adjusted.min(axis=0)
    return _settled(of, summary, frame)


def in_family(of: Selection, comparisons: pd.DataFrame) -> BoolArray:
    """Return which comparisons are of Holm's family: those of places that both were tried, and failed perhaps."""
    tried = (of.held > 0) | of.failed.any(axis=(2, 3, 4))
    row, column, other_row, other = (comparisons[name].to_numpy(np.int64) for name in COMPARISONS[:4])
    return np.asarray(tried[row, column] & tried[other_row, other])


def is_marked(p_holm: float, seed_note: str) -> bool:
    """Return whether a seed-level test gives a mark: it is significant, and stays so whatever the missing runs say."""
    return p_holm < ALPHA and seed_note != OPEN


def _settled(of: Selection, summary: CellSummary, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the comparisons with a note on each significant one that the missing runs leave open."""
    if isinstance(summary, BestAlgorithm):  # whose choices bounds cannot follow
        return frame
    significant = frame[frame["p_holm"] < ALPHA]
    for number, it in zip(significant.index, lines(significant), strict=True):
        design = design_of(of, (it.row, it.column), (it.other_row, it.other), it.metric)
        if design.missing:
            claimed = -design if it.p_less < it.p_seed else design
            if bounds(claimed, ESTIMAND).verdict() != "marked":
                frame.loc[number, "seed_note"] = OPEN
    return frame


def _at(a: CellPlace, b: CellPlace) -> dict[str, int]:
    return dict(zip(("row", "column", "other_row", "other"), (*a, *b), strict=True))


def _line(test: RunLevelTest, found: Effect | BestOf | None) -> dict[str, Any]:
    run_level = {"pairs": test.n, **{name: getattr(test, name) for name in COMPARISONS[6:11]}}
    if found is None:
        numbers = dict.fromkeys(("estimate", "low", "high", "p_seed", "p_less", "p_holm"), nan)
        return {**run_level, "units": 0, **numbers, "left_out": (), "seed_note": NO_PAIRS if test.n else ""}
    return {
        **run_level,
        "units": found.n,
        "estimate": found.estimate,
        "low": found.low,
        "high": found.high,
        "p_seed": found.p,
        "p_less": found.p_less,
        "p_holm": nan,
        "left_out": found.left_out,
        "seed_note": found.note,
    }


def _mirrored(line: dict[str, Any]) -> dict[str, Any]:
    """Return the comparison of b with a, given that of a with b."""
    return {
        **line,
        "difference": 0.0 - line["difference"],
        "t": -line["t"],
        "p": float(t_sf(-line["t"], line["pairs"] - 1)),
        "estimate": 0.0 - line["estimate"],
        "low": -line["high"],
        "high": -line["low"],
        "p_seed": line["p_less"],
        "p_less": line["p_seed"],
    }
