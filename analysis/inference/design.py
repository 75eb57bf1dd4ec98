"""Matched differences, one row a pair, and the same laid out by task, seed and algorithm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.frame import BLOCK
from analysis.paired import matched
from bench.errors import PairingError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Factor = Literal["dataset", "task", "seed"]
ALGORITHM = "algorithm"
"""The column that tells the pairs of one task and seed apart, in tables that pool algorithms."""
VALUES = ["difference", "low", "high"]


def differences(
    a: pd.DataFrame,
    b: pd.DataFrame,
    metric: str,
    *,
    pooled: str | None = None,
    expected: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the matched differences of two arms, a row for each pair that there is or should be.

    Args:
        a: runs as in :func:`analysis.paired.paired`.
        b: the runs to compare them with.
        metric: the column to compare, in [0, 1]; higher is better.
        pooled: the column that tells the runs of one task and seed apart, if an arm pools several algorithms.
        expected: blocks (``BLOCK`` columns) that should hold a pair, of each algorithm that occurs.

    Returns:
        ``BLOCK``, ``algorithm`` (if pooled), ``difference`` (a - b, NaN where a run is missing or its metric is
        NaN), and ``low`` and ``high``, between which it lies whatever the missing run yields.

    Raises:
        PairingError: as :func:`analysis.paired.matched`.
    """
    on = [*BLOCK, pooled] if pooled else BLOCK
    pairs = matched(a, b, metric, on)
    if expected is not None:
        wanted = expected[BLOCK].drop_duplicates()
        wanted = wanted.merge(pairs[[pooled]].drop_duplicates(), how="cross") if pooled else wanted
        pairs = pairs.merge(wanted, on=on, how="outer")
    left, right = pairs[f"{metric}_a"].astype(float), pairs[f"{metric}_b"].astype(float)
    rows = pairs[on].assign(
        difference=left - right,
        low=left.fillna(0.0) - right.fillna(1.0),
        high=left.fillna(1.0) - right.fillna(0.0),
    )
    return rows.rename(columns={pooled: ALGORITHM}) if pooled else rows


@dataclass(frozen=True)
class Design:
    """Differences laid out by the crossed factors task, seed and algorithm; NaN is a missing pair.

    Attributes:
        tasks: (dataset, class) of each task. seeds. algorithms: one empty name where none are pooled.
        difference, low, high: (tasks, seeds, algorithms); low and high are the range of what is missing.
    """

    tasks: tuple[tuple[str, str], ...]
    seeds: tuple[int, ...]
    algorithms: tuple[str, ...]
    difference: FloatArray
    low: FloatArray
    high: FloatArray

    @property
    def missing(self) -> int:
        """How many pairs are missing."""
        return int(np.isnan(self.difference).sum())

    @property
    def cells(self) -> FloatArray:
        """(tasks, seeds): the mean over algorithms, NaN if any of them is missing."""
        return np.asarray(self.difference.mean(axis=-1))

    @property
    def dataset(self) -> IntArray:
        """(tasks,): the number of each task's dataset."""
        numbers: dict[str, int] = {}
        return np.array([numbers.setdefault(name, len(numbers)) for name, _ in self.tasks], dtype=np.int64)

    def __neg__(self) -> Design:
        """Return the differences b - a."""
        return Design(self.tasks, self.seeds, self.algorithms, -self.difference, -self.high, -self.low)

    def levels(self, factor: Factor) -> tuple[str, ...]:
        """Return the names of a factor's levels."""
        if factor == "seed":
            return tuple(map(str, self.seeds))
        names = [name for name, _ in self.tasks] if factor == "dataset" else ["/".join(task) for task in self.tasks]
        return tuple(dict.fromkeys(names))

    def without(self, factor: Factor, level: str) -> Design:
        """Return the design without one level of a factor."""
        if factor == "seed":
            return self.keep(seeds=[str(seed) != level for seed in self.seeds])
        return self.keep(
            tasks=[level != (name if factor == "dataset" else f"{name}/{rare}") for name, rare in self.tasks]
        )

    def keep(self, *, tasks: Sequence[bool] | None = None, seeds: Sequence[bool] | None = None) -> Design:
        """Return the design of some tasks and some seeds, each given by a truth value; None keeps all."""
        tasks = [True] * len(self.tasks) if tasks is None else tasks
        seeds = [True] * len(self.seeds) if seeds is None else seeds
        difference, low, high = (values[tasks][:, seeds] for values in (self.difference, self.low, self.high))
        return Design(
            tuple(compress(self.tasks, tasks)),
            tuple(compress(self.seeds, seeds)),
            self.algorithms,
            difference,
            low,
            high,
        )


def design(frame: pd.DataFrame) -> Design:
    """Return the design of matched differences.

    Args:
        frame: as :func:`differences` returns it, in any order. A pair is missing where its difference is NaN or
            a combination of task, seed and algorithm has no row. Without ``low`` and ``high`` nothing is known
            of a missing difference but that it lies in [-1, 1].

    Raises:
        PairingError: if a pair occurs twice.
    """
    frame = frame.assign(**{ALGORITHM: frame.get(ALGORITHM, "")})
    unknown = {end: np.nan for end in VALUES[1:] if end not in frame}
    tasks, seeds, algorithms = levels(frame)
    values = laid_out(frame.assign(**unknown), VALUES, tasks, seeds, algorithms)
    difference, low, high = values[..., 0], values[..., 1], values[..., 2]
    known = ~np.isnan(difference)
    low, high = (
        np.where(known, difference, np.where(np.isnan(end), limit, end)) for end, limit in ((low, -1.0), (high, 1.0))
    )
    return Design(tasks, seeds, algorithms, difference, low, high)


def levels(frame: pd.DataFrame) -> tuple[tuple[tuple[str, str], ...], tuple[int, ...], tuple[str, ...]]:
    """Return the tasks, seeds and algorithms that occur in a frame, sorted."""
    tasks = sorted(set(zip(frame["dataset"].astype(str), frame["positive"].astype(str), strict=True)))
    return tuple(tasks), tuple(sorted(map(int, set(frame["seed"])))), tuple(sorted(map(str, set(frame[ALGORITHM]))))


def laid_out(
    frame: pd.DataFrame,
    values: Sequence[str],
    tasks: Sequence[tuple[str, str]],
    seeds: Sequence[int],
    algorithms: Sequence[str],
) -> FloatArray:
    """Return columns of a frame as (tasks, seeds, algorithms, values); NaN where it has no row.

    Raises:
        PairingError: if a combination has two rows.
    """
    keys = [*BLOCK, ALGORITHM]
    twice = frame[frame.duplicated(keys)]
    if len(twice):
        name = " ".join(map(str, twice.iloc[0][keys])).strip()
        raise PairingError(
            f"{len(twice)} rows have a double (first: {name}); hand in one row a task, seed and algorithm"
        )
    whole = [(*task, seed, algorithm) for task in tasks for seed in seeds for algorithm in algorithms]
    rows = frame.set_index(keys)[list(values)].reindex(pd.MultiIndex.from_tuples(whole, names=keys))
    return rows.to_numpy(np.float64).reshape(len(tasks), len(seeds), len(algorithms), len(values))
