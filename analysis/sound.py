"""Sound mode of a table: what paper mode compares, over the units that were sampled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import nan
from typing import Any

import numpy as np
import pandas as pd

from analysis.frame import TASK
from analysis.inference import BestOf, Effect, Estimand, best_of
from analysis.inference.design import Design, FloatArray
from analysis.inference.effect import effect_of
from analysis.layout import LABEL, Layout
from analysis.model import Comparison
from analysis.names import bounds_of, lower_is_better
from analysis.paired import Paired
from bench.errors import PairingError

ESTIMAND: Estimand = "fixed-suite"
"""The question that tables answer: better on these tasks, as the paper's conclusions are on its 14."""
Place = tuple[int, int]
"""Row and column."""


@dataclass(frozen=True)
class Sound:
    """The runs of a table by task, seed and algorithm, with what sound mode can ask of them."""

    layout: Layout

    def comparison(self, other: str, paper: Paired, a: Place, b: Place, metric: str) -> Comparison:
        """Return paper mode's test that the runs at a are larger than those at b with sound mode's beside it."""
        return Comparison(other, paper, self._evidence(a, b, metric) if paper.n else None)

    def _evidence(self, a: Place, b: Place, metric: str) -> Effect | BestOf | None:
        if self.layout.definition.summary != "best":
            return effect_of(self.design(a, b, metric), ESTIMAND)
        try:
            one, other = (self._better_is_larger(place, metric) for place in (a, b))
            return best_of(one, other, metric, ESTIMAND)
        except PairingError:  # among runs of algorithms that the paper's choice passes over
            return None

    def _better_is_larger(self, place: Place, metric: str) -> pd.DataFrame:
        """Return the runs of a place; of a metric whose smaller values are better, mirrored within its range."""
        runs = self._runs[place]
        return runs.assign(**{metric: sum(bounds_of(metric)) - runs[metric]}) if lower_is_better(metric) else runs

    def interval(self, place: Place, metric: str) -> tuple[float, float]:
        """Return the 95 % t-interval, over units, of the mean of a place; NaN for the best of several algorithms."""
        if self.layout.definition.summary == "best":  # the runs that chose them cannot say how good they are
            return nan, nan
        found = effect_of(self.design(place, None, metric), ESTIMAND)
        return (-found.high, -found.low) if lower_is_better(metric) else (found.low, found.high)

    def design(self, a: Place, b: Place | None, metric: str) -> Design:
        """Return the differences a - b by task, seed and algorithm, of all pairs that there should be.

        They are those of :func:`analysis.inference.differences`, whose joins take 10 ms, in arrays: a report
        asks for 2,000 of them. Without b they are differences from 0. A pair is missing
        where a run is, or where its metric is NaN. Of a metric whose smaller values are better, they are b - a.
        """
        asked = self._asked[a[0]] | self._asked[(b or a)[0]]
        levels = [np.flatnonzero(asked.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
        one, other = (self._values[metric][place][np.ix_(*levels)] if place else np.zeros(()) for place in (a, b))
        tasks, seeds, algorithms = (
            tuple(names[level] for level in held) for names, held in zip(self._spelt, levels, strict=True)
        )
        left, right = (other, one) if lower_is_better(metric) else (one, other)
        least, most = bounds_of(metric)
        return Design(
            tasks=tasks,
            seeds=seeds,
            algorithms=algorithms,
            difference=left - right,
            low=np.nan_to_num(left, nan=least) - np.nan_to_num(right, nan=most),
            high=np.nan_to_num(left, nan=most) - np.nan_to_num(right, nan=least),
        )

    @cached_property
    def _names(self) -> tuple[pd.Index, pd.Index, pd.Index]:
        """Tasks, seeds and algorithms that the table asks for, sorted; one empty name where none are pooled."""
        asked = self.layout.asked
        tasks = pd.MultiIndex.from_frame(asked[TASK]).unique().sort_values()
        pooled = asked[LABEL["algorithm"]].unique() if "algorithm" in self.layout.definition.pair else [""]
        return tasks, pd.Index(asked["seed"].unique()).sort_values(), pd.Index(pooled).sort_values()

    @cached_property
    def _spelt(self) -> tuple[list[Any], ...]:
        """The same as lists: an index takes longer to hand out a few names than the test of a cell takes."""
        return tuple(names.to_list() for names in self._names)

    def _at(self, frame: pd.DataFrame) -> tuple[np.ndarray, ...]:
        """Return row, task, seed and algorithm numbers of the lines of a frame."""
        tasks, seeds, algorithms = self._names
        by_algorithm = algorithms.get_indexer(pd.Index(frame[LABEL["algorithm"]])) if len(algorithms) > 1 else 0
        return (
            frame["row"].to_numpy(),
            tasks.get_indexer(pd.MultiIndex.from_frame(frame[TASK])),
            seeds.get_indexer(pd.Index(frame["seed"])),
            np.broadcast_to(by_algorithm, len(frame)),
        )

    @cached_property
    def _asked(self) -> np.ndarray:
        """(rows, tasks, seeds, algorithms): whether any column should have a run there."""
        asked = np.zeros((len(self.layout.rows), *map(len, self._names)), dtype=bool)
        asked[self._at(self.layout.asked)] = True
        return asked

    @cached_property
    def _values(self) -> Mapping[str, FloatArray]:
        """Metric -> (rows, columns, tasks, seeds, algorithms); NaN where there is no run."""
        runs, shape = self.layout.runs, (len(self.layout.rows), len(self.layout.columns), *map(len, self._names))
        row, *block = self._at(runs)
        found = {}
        for metric in self.layout.definition.metrics:
            found[metric] = np.full(shape, np.nan)
            found[metric][row, runs["column"].to_numpy(), *block] = runs[metric]
        return found

    @cached_property
    def _runs(self) -> Mapping[Place, pd.DataFrame]:
        runs = self.layout.runs
        at = [runs[axis].to_numpy() for axis in ("row", "column")]
        return {
            (row, column): runs[(at[0] == row) & (at[1] == column)]
            for row, column in np.ndindex(self.layout.held.shape)
        }
