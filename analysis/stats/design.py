"""Matched differences laid out by the crossed factors task, seed and algorithm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Literal

import numpy as np

from bench.arrays import FloatArray, IntArray

Factor = Literal["dataset", "task", "seed"]
Task = tuple[str, str]


@dataclass(frozen=True)
class Design:
    """Differences a - b by task, seed and algorithm; NaN is a missing pair.

    Attributes:
        tasks: (dataset, class) of each task. seeds. algorithms: one empty name where none are pooled.
        difference, low, high: (tasks, seeds, algorithms); a missing difference lies between low and high.
    """

    tasks: tuple[Task, ...]
    seeds: tuple[int, ...]
    algorithms: tuple[str, ...]
    difference: FloatArray
    low: FloatArray
    high: FloatArray

    @classmethod
    def of(
        cls,
        a: FloatArray,
        b: FloatArray,
        tasks: Sequence[Task],
        seeds: Sequence[int],
        algorithms: Sequence[str] = ("",),
        bounds: tuple[float, float] = (0.0, 1.0),
    ) -> Design:
        """Return the differences of two arms whose values are matched already.

        Args:
            a: (tasks, seeds, algorithms) values of the first arm, NaN where a run is missing or has no value.
            b: of the second, of the same shape or one that broadcasts to it.
            tasks: names of the first axis.
            seeds: of the second.
            algorithms: of the third.
            bounds: the metric's range, within which the value of a missing run lies.
        """
        difference = a - b
        low = high = difference
        if np.isnan(difference).any():
            least, most = bounds
            low = np.where(np.isnan(a), least, a) - np.where(np.isnan(b), most, b)
            high = np.where(np.isnan(a), most, a) - np.where(np.isnan(b), least, b)
        return cls(tuple(tasks), tuple(seeds), tuple(algorithms), difference, low, high)

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
        return dataset_numbers(self.tasks)

    def __neg__(self) -> Design:
        """Return the differences b - a."""
        return Design(self.tasks, self.seeds, self.algorithms, -self.difference, -self.high, -self.low)

    def levels(self, factor: Factor) -> tuple[str, ...]:
        """Return the names of a factor's levels."""
        if factor == "seed":
            return tuple(map(str, self.seeds))
        names = [name for name, _ in self.tasks] if factor == "dataset" else ["/".join(task) for task in self.tasks]
        return tuple(dict.fromkeys(names))

    def keep(self, *, tasks: Sequence[bool] | None = None, seeds: Sequence[bool] | None = None) -> Design:
        """Return the design of some tasks and some seeds, each given by a truth value; None keeps all."""
        tasks = [True] * len(self.tasks) if tasks is None else tasks
        seeds = [True] * len(self.seeds) if seeds is None else seeds
        difference, low, high = (values[tasks][:, seeds] for values in (self.difference, self.low, self.high))
        kept = tuple(compress(self.tasks, tasks)), tuple(compress(self.seeds, seeds))
        return Design(*kept, self.algorithms, difference, low, high)


def dataset_numbers(tasks: Sequence[Task]) -> IntArray:
    """Return (tasks,) the number of each task's dataset, counted in their order."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name, _ in tasks], dtype=np.int64)
