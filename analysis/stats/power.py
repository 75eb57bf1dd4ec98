"""What differences vary with, and what effect a grid of a given size can show.

One matched difference is modelled as

    difference = effect + dataset + task + seed + block + residual

with independent normal terms: what a dataset's classes share, what a task's runs share, what all tasks share in one
seed, what the algorithms of one (task, seed) share, and the rest. All random draws of a run are keyed by its
dataset too, so the seed term should be near zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import nan, sqrt

import numpy as np

from analysis.stats.design import Design
from analysis.stats.effect import Estimand
from analysis.stats.interval import ALPHA
from bench.arrays import FloatArray, IntArray
from bench.errors import PairingError, SpecError

POWER = 0.8
MOST_UNITS = 2**20
"""Where a search for a number of seeds or tasks gives up."""


@dataclass(frozen=True)
class Components:
    """Standard deviations of the terms of the model above, in the metric's unit."""

    dataset: float = 0.0
    task: float = 0.0
    seed: float = 0.0
    block: float = 0.0
    residual: float = 0.0


@dataclass(frozen=True)
class GridShape:
    """The size of a comparison: how many tasks each dataset has, seeds, and algorithms that are pooled.

    Raises:
        SpecError: if a number is below 1.
    """

    tasks: tuple[int, ...]
    seeds: int
    algorithms: int = 1

    def __post_init__(self) -> None:
        if min(self.tasks, default=0) < 1 or self.seeds < 1 or self.algorithms < 1:
            raise SpecError(
                f"{list(self.tasks)} tasks per dataset x {self.seeds} seeds x {self.algorithms} algorithms is no grid; "
                "each number must be 1 or more"
            )

    @property
    def pairs(self) -> int:
        """Pairs of runs."""
        return sum(self.tasks) * self.seeds * self.algorithms

    def units(self, estimand: Estimand) -> int:
        """Units of replication."""
        return {"fixed-suite": self.seeds, "new-tasks": sum(self.tasks), "new-datasets": len(self.tasks)}[estimand]


PAPER_SHAPE = GridShape(tasks=(4, 3, 5, 2), seeds=10)
"""The paper's 14 tasks on four datasets, and one algorithm, as in a row of its Table 3."""
PAPER_COMPONENTS = Components(task=0.02, residual=0.012)
"""Where no pilot is available: effects that differ between tasks as widely as between the datasets of the paper's
Table 2, and runs that vary somewhat less than that. An assumption, not a measurement."""


def shape_of(design: Design) -> GridShape:
    """Return the shape that matched differences have, or would have if none were missing."""
    return GridShape(tuple(map(int, np.bincount(design.dataset))), len(design.seeds), len(design.algorithms))


def components(design: Design) -> Components:
    """Estimate the components from matched differences of a pilot.

    The analysis-of-variance estimators of the crossed random-effects layout, classes nested in datasets (Searle,
    Casella and McCulloch 1992, chapters 3-4), with negative ones set to 0; no distribution is assumed. They
    need a complete layout: seeds that lack a pair are left out, or, if fewer than two are complete, tasks that do.

    Raises:
        PairingError: if no two tasks with two seeds are complete.
    """
    laid = _complete(design)
    tasks, seeds, algorithms = laid.difference.shape
    cells = laid.cells
    by_task, by_seed, mean = cells.mean(axis=1), cells.mean(axis=0), cells.mean()
    within = float(laid.difference.var(axis=2, ddof=1).mean()) if algorithms > 1 else 0.0
    error = float(((cells - by_task[:, None] - by_seed + mean) ** 2).sum() / ((tasks - 1) * (seeds - 1)))
    seed = float(by_seed.var(ddof=1)) - error / tasks
    dataset, task = _nested(by_task, laid.dataset)
    block = error - within / algorithms if algorithms > 1 else 0.0
    residual = within if algorithms > 1 else error
    variances = (dataset, task - error / seeds, seed, block, residual)
    return Components(*(sqrt(max(variance, 0.0)) for variance in variances))


def _complete(laid: Design) -> Design:
    seeds, tasks = ([not np.isnan(line).any() for line in lines] for lines in (laid.cells.T, laid.cells))
    laid = laid.keep(seeds=seeds) if sum(seeds) >= 2 else laid.keep(tasks=tasks)
    if min(laid.cells.shape) < 2:
        raise PairingError(
            "components of variance need two tasks with two seeds without a missing pair; finish the grid first"
        )
    return laid


def _nested(means: FloatArray, dataset: IntArray) -> tuple[float, float]:
    """Return the variance of task means (tasks,) between datasets, and within them (what seeds add included)."""
    sizes = np.bincount(dataset)
    groups, n = len(sizes), len(means)
    if groups in {1, n}:
        return 0.0, float(means.var(ddof=1))
    centres = np.bincount(dataset, means) / sizes
    within = float(((means - centres[dataset]) ** 2).sum() / (n - groups))
    between = float((sizes * (centres - means.mean()) ** 2).sum() / (groups - 1))
    size = (n - (sizes**2).sum() / n) / (groups - 1)
    return max(0.0, (between - within) / size), within


def standard_error(of: Components, shape: GridShape, estimand: Estimand) -> float:
    """Return the standard error of the estimate; what all tasks share in a seed is part of it for every question.

    The t-test over tasks or datasets does not see that part, and is too sure by as much. ``new-tasks`` takes tasks as
    independent; where classes of a dataset share an effect it is too sure, and ``new-datasets`` is the honest question.
    """
    cell = of.block**2 + of.residual**2 / shape.algorithms
    if estimand == "fixed-suite":
        return sqrt((of.seed**2 + cell / sum(shape.tasks)) / shape.seeds)
    if estimand == "new-tasks":
        return sqrt(of.seed**2 / shape.seeds + (of.dataset**2 + of.task**2 + cell / shape.seeds) / sum(shape.tasks))
    within = (of.task**2 + cell / shape.seeds) * np.mean([1 / size for size in shape.tasks])
    return sqrt(of.seed**2 / shape.seeds + (of.dataset**2 + float(within)) / len(shape.tasks))


def power_of(effect: float, of: Components, shape: GridShape, estimand: Estimand, alpha: float = ALPHA) -> float:
    """Return the chance that the one-sided t-test over units finds an effect; NaN with fewer than two units."""
    from scipy import stats  # takes a second to load, which most commands do without

    df = shape.units(estimand) - 1
    if df < 1:
        return nan
    error = standard_error(of, shape, estimand)
    if error == 0.0:
        return float(effect > 0)
    return float(stats.nct.sf(stats.t.isf(alpha, df), df, effect / error))


def minimum_detectable_effect(
    of: Components, shape: GridShape, estimand: Estimand, alpha: float = ALPHA, power: float = POWER
) -> float:
    """Return the smallest effect that the test finds with the given chance; NaN with fewer than two units."""
    from scipy import optimize, stats  # as above

    df = shape.units(estimand) - 1
    if df < 1:
        return nan
    critical = float(stats.t.isf(alpha, df))
    noncentrality = optimize.brentq(lambda it: stats.nct.sf(critical, df, it) - power, 0.0, 10 * (critical + 10))
    return float(noncentrality) * standard_error(of, shape, estimand)


def seeds_needed(
    effect: float, of: Components, shape: GridShape, estimand: Estimand, alpha: float = ALPHA, power: float = POWER
) -> int | None:
    """Return the fewest seeds with which the test finds the effect with the given chance; None: no number does."""
    return _fewest(lambda n: power_of(effect, of, replace(shape, seeds=n), estimand, alpha) >= power)


def tasks_needed(
    effect: float, of: Components, shape: GridShape, alpha: float = ALPHA, power: float = POWER
) -> int | None:
    """Return the fewest tasks with which ``new-tasks`` finds the effect with the given chance; None: no number."""
    return _fewest(lambda n: power_of(effect, of, replace(shape, tasks=(n,)), "new-tasks", alpha) >= power)


def _fewest(enough: Callable[[int], bool]) -> int | None:
    """Return the smallest number from 2 on that is enough, where every larger one is too."""
    most = 2
    while not enough(most):
        most *= 2
        if most > MOST_UNITS:
            return None
    least = most // 2
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if enough(middle) else (middle, most)
    return max(most, 2)
