"""The runs of one table, laid out by row and column, with what a cell can ask of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import nan

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.condition import Condition
from analysis.definitions import Axis, TableDefinition
from analysis.frame import BLOCK
from analysis.names import lower_is_better, metric_title
from analysis.paired import Paired, check_alike, paired_values
from bench.errors import PairingError

LABEL: Mapping[str, str] = {
    "ratio": "ratio",
    "start": "start",
    "dataset": "dataset",
    "positive": "positive",
    "seed": "seed",
    "algorithm": "algorithm_label",
    "weighting": "weighting_label",
    "bins": "weighting_label",
}
"""The column of a frame that tells the values of an axis apart."""
PLACE = ["ratio", "start", *BLOCK, "algorithm_label", "weighting_label"]
"""What tells the runs of a condition apart."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """The runs of a table, laid out.

    Attributes:
        rows: the row headers, one tuple per row with a value per axis. columns: the headers under each metric.
        runs: the finished runs, numbered from 0: columns of :class:`analysis.frame.Results`, labels, and the
            numbers of their ``row`` and ``column``.
        tried: finished and failed runs, labelled.
        absent: a line per missing run: ``PLACE``, row, column, and whether it ``failed``.
        asked: a line per run that the table should have: ``PLACE``, row, column.
    """

    definition: TableDefinition
    condition: Condition
    rows: tuple[tuple[str, ...], ...]
    columns: tuple[str, ...]
    runs: pd.DataFrame
    tried: pd.DataFrame
    absent: pd.DataFrame
    asked: pd.DataFrame

    def places(self, runs: pd.DataFrame) -> Numbers:
        """Return (rows, columns, pairs) numbers of runs; -1 where there is none.

        Runs of one pair share all that the definition's ``pair`` names, whatever their row and column.

        Raises:
            PairingError: if two runs claim one place.
        """
        pairs = runs.groupby([LABEL[name] for name in self.definition.pair]).ngroup().to_numpy()
        found = np.full((len(self.rows), len(self.columns), pairs.max(initial=-1) + 1), -1)
        at = (runs["row"].to_numpy(), runs["column"].to_numpy(), pairs)
        found[at] = runs.index
        twice = found[at] != runs.index
        if twice.any():
            keys = sorted({*runs.loc[twice, "key"], *self.keys(found[at][twice])})
            raise PairingError(
                f"runs stored twice for one place of table {self.definition.number}: {', '.join(keys)}; "
                "remove one of each from the store"
            )
        return found

    def where(self, values: Mapping[Axis, str]) -> pd.DataFrame:
        """Return the runs that have these values."""
        return self.runs[np.logical_and.reduce([self.runs[axis] == value for axis, value in values.items()])]

    @cached_property
    def reference(self) -> tuple[int | None, int] | None:
        """Row and column of the runs that a table of p-values tests against; no row if each row has its own.

        None where the definition names no reference, or it was not run.
        """
        reference = self.definition.reference
        runs = self.where(reference.where) if reference else self.runs[:0]
        if not reference or not len(runs):
            return None
        lone_row = any(axis in self.definition.rows for axis in reference.where)
        return int(runs["row"].iloc[0]) if lone_row else None, int(runs["column"].iloc[0])

    def values(self, metric: str, runs: Numbers) -> npt.NDArray[np.float64]:
        """Return the metric of these runs."""
        return self._columns[metric][runs]

    def keys(self, runs: Numbers) -> tuple[str, ...]:
        """Return the keys of these runs."""
        return tuple(self._columns["key"][runs])

    def test(self, a: Numbers, b: Numbers, metric: str) -> Paired:
        """Test whether a has the better mean than b; a and b are (pairs,) numbers of runs, as ``places`` holds them.

        The difference is positive where a is better: of a metric whose smaller values are, it is b - a.

        Runs that must not be paired leave the test out and say why.
        """
        both, unpaired = (a >= 0) & (b >= 0), int(((a >= 0) ^ (b >= 0)).sum())
        a, b = a[both], b[both]
        keys, pair_keys = self._columns["key"], self._columns["pair_key"]
        try:
            check_alike(keys[a], keys[b], pair_keys[a], pair_keys[b])
        except PairingError as error:
            return Paired(0, 2 * len(a) + unpaired, nan, nan, nan, str(error))
        left, right = (b, a) if lower_is_better(metric) else (a, b)
        return paired_values(self.values(metric, left), self.values(metric, right), unpaired)

    def hole(self, row: int, column: int) -> str:
        """Return how many runs a cell lacks; empty if none."""
        missing, failed = (counts[row, column] for counts in self._missing)
        failures = f", {failed} of them failed" if failed else ""
        return f"{missing} of {self._asked[row, column]} runs missing{failures}" if missing else ""

    def nans(self, row: int, column: int, metric: str) -> str:
        """Return in how many runs of a cell a metric is NaN; empty if in none."""
        lost = self._nans[metric][row, column]
        return f"{metric_title(metric)} is NaN in {lost} of {self.held[row, column]} runs" if lost else ""

    def count(self, frame: pd.DataFrame) -> Numbers:
        """Return (rows, columns) how many lines of a frame belong in each cell."""
        cells = frame["row"].to_numpy() * len(self.columns) + frame["column"].to_numpy()
        size = len(self.rows) * len(self.columns)
        return np.bincount(cells.astype(np.int64), minlength=size).reshape(len(self.rows), len(self.columns))

    @cached_property
    def held(self) -> Numbers:
        """(rows, columns) finished runs."""
        return self.count(self.runs)

    @cached_property
    def _asked(self) -> Numbers:
        return self.count(self.asked)

    @cached_property
    def _missing(self) -> tuple[Numbers, Numbers]:
        return self.count(self.absent), self.count(self.absent[self.absent["failed"]])

    @cached_property
    def _nans(self) -> Mapping[str, Numbers]:
        return {metric: self.count(self.runs[self.runs[metric].isna()]) for metric in self.definition.metrics}

    @cached_property
    def _columns(self) -> Mapping[str, np.ndarray]:
        return {name: self.runs[name].to_numpy() for name in (*self.definition.metrics, "key", "pair_key")}
