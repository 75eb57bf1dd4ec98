"""The runs of a condition at one ratio and start, whose values may stand beside each other: what figures are of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from analysis.condition import Condition, conditions
from analysis.cube import Cube, Selection, Values, order, select
from analysis.names import ratio_slug, ratio_words
from analysis.results import Results
from analysis.stats import t_interval
from analysis.stats.interval import BoolArray, levels_in, mean_of_present
from bench.arrays import FloatArray, IntArray

Pair = tuple[str, str]
"""Two weightings; the second is subtracted from the first."""
_ORDER = {"InvProp": 0, "PosProb": 1, "Uniform": 3}


def weightings(labels: Iterable[str]) -> list[str]:
    """Return the distinct labels of weightings: InvProp, PosProb, others by letter, Uniform."""
    return sorted(set(labels), key=lambda label: (_ORDER.get(label.partition(" (")[0], 2), label.lower(), label))


def against_last(labels: Iterable[str]) -> list[Pair]:
    """Return each weighting against the last of them, Uniform where it was run."""
    *others, last = weightings(labels) or [""]
    return [(label, last) for label in others]


def first_against(labels: Iterable[str]) -> list[Pair]:
    """Return the first weighting, InvProp where it was run, against each other."""
    first, *others = weightings(labels) or [""]
    return [(first, label) for label in others]


@dataclass(frozen=True)
class Panel:
    """Runs of one ratio and start, by algorithm, weighting, task and seed.

    Attributes:
        name: for file names. title: for headings. condition: theirs. ratio, start: theirs.
        selection: its rows are algorithms, its columns weightings.
    """

    name: str
    title: str
    condition: Condition
    ratio: int
    start: str
    selection: Selection

    @property
    def cube(self) -> Cube:
        """All runs of the condition."""
        return self.selection.cube

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Labels of the algorithms, in the paper's order."""
        return tuple(label for (label,) in self.selection.row_labels)

    @property
    def weightings(self) -> tuple[str, ...]:
        """Labels of the weightings, likewise."""
        return self.selection.column_labels

    @property
    def finished_weightings(self) -> list[str]:
        """Labels of those that have a finished run."""
        held = self.selection.held.sum(axis=0).tolist()
        return [label for label, number in zip(self.weightings, held, strict=True) if number]

    @cached_property
    def runs(self) -> IntArray:
        """(algorithms, weightings, tasks, seeds) numbers of runs; -1 where there is none."""
        return self.selection.runs[..., 0]

    @cached_property
    def labelled(self) -> pd.DataFrame:
        """Its finished runs as a frame, with the labels of algorithm and weighting."""
        at = np.nonzero(self.runs >= 0)
        frame = self.cube.runs.iloc[self.runs[at]]
        labels = (
            np.array(names, dtype=object)[numbers]
            for names, numbers in zip((self.algorithms, self.weightings), at[:2], strict=True)
        )
        return frame.assign(**dict(zip(("algorithm_label", "weighting_label"), labels, strict=True)))

    @cached_property
    def rounds(self) -> pd.DataFrame:
        """The rounds of its runs, likewise."""
        labels = self.labelled.set_index("key")[["algorithm_label", "weighting_label"]]
        own = self.condition.rounds[self.condition.rounds["key"].isin(labels.index)]
        return own.join(labels, on="key")

    @cached_property
    def _run_of_line(self) -> IntArray:
        """The number of the run that each line of ``rounds`` is of."""
        number = {key: at for at, key in enumerate(self.cube.keys)}
        return np.array([number[key] for key in self.rounds["key"]], dtype=np.int64)

    def by_round(self, column: pd.Series[Any]) -> FloatArray:
        """Return (runs of the cube and one more, rounds) of a column of ``rounds``; NaN where a run has none.

        The last line is that of run -1, which stands for one that is missing.
        """
        numbers = self.rounds["round"].to_numpy()
        found = np.full((len(self.cube.keys) + 1, int(numbers.max(initial=0)) + 1), np.nan)
        found[self._run_of_line, numbers] = column.to_numpy(np.float64)
        return found

    def of(self, weighting: str) -> IntArray:
        """Return (algorithms, tasks, seeds) runs of a weighting."""
        return self.runs[:, self.weightings.index(weighting)]

    def difference(self, pair: Pair, values: FloatArray) -> tuple[FloatArray, BoolArray]:
        """Return the matched differences of two weightings, and where there is, or half is, a pair.

        Args:
            pair: the weightings.
            values: (runs of the cube and one more, ...) of a metric, as :meth:`Cube.column` returns it.

        Returns:
            (algorithms, tasks, seeds, ...), NaN where a run is missing, a value is NaN, or the two were made under
            different conditions (their pair keys differ); and (algorithms, tasks, seeds).
        """
        one, other = (self.of(weighting) for weighting in pair)
        codes = self.cube.pair_codes
        matched = (one >= 0) & (other >= 0) & (codes[one] == codes[other]) & (codes[one] >= 0)
        found = values[one] - values[other]
        found[~matched] = np.nan
        return found, (one >= 0) | (other >= 0)


def panels(condition: Condition, unless: Values | None = None) -> Iterator[Panel]:
    """Yield the panels of a condition that have finished runs, by ratio and start (warm first).

    Args:
        condition: whose runs.
        unless: runs that have all of these values take no part.
    """
    kinds = condition.runs[["ratio", "start"]].drop_duplicates().itertuples(index=False, name=None)
    for ratio, start in sorted(kinds, key=lambda at: tuple(map(order, at))):
        where: Values = {"ratio": (int(ratio),), "start": (str(start),)}
        found = select(condition.cube, ("algorithm",), "weighting", where, unless)
        if found:
            yield Panel(
                name=f"{ratio_slug(ratio)}-{start}{condition.suffix}",
                title=f"{ratio_words(ratio)}, {start} start",
                condition=condition,
                ratio=int(ratio),
                start=str(start),
                selection=found,
            )


def every_panel(results: Results) -> dict[str, Panel]:
    """Return the panels of all conditions of a store by name."""
    return {
        panel.name: panel for condition in conditions(results) if len(condition.runs) for panel in panels(condition)
    }


def over_units(values: FloatArray, there: BoolArray, unit: str = "seed") -> dict[str, FloatArray | IntArray]:
    """Return the mean of values with its 95 % t-interval over units.

    The same rules as the seed-level test: a seed that lacks any value is left out and counted, since the mean over
    fewer tasks is another quantity.

    Args:
        values: (algorithms, tasks, seeds, ...), NaN where missing.
        there: (algorithms, tasks, seeds) where there should be one; levels of either without any take no part.
        unit: ``seed``: its value is the mean over tasks and algorithms, and it is left out if any of them is missing.
            ``task``: the mean over the seeds it has.

    Returns:
        n (units), left_out (units with something missing), mean, low and high, each (...); the last two are NaN where
        there are fewer than two units, or all have the same value.
    """
    cells = values[np.ix_(*levels_in(there))].mean(axis=0)
    units = cells.mean(axis=0) if unit == "seed" else mean_of_present(cells, axis=1)
    n, mean, low, high = t_interval(np.moveaxis(units, 0, -1))
    return {"n": n, "left_out": len(units) - n, "mean": mean, "low": low, "high": high}
