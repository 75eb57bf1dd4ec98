"""The suite tries its own tests: simulated grids with no effect and with a planted one.

The paper's pooled t-test and the tests over units are run as they are run on stored results, on differences drawn
from the model of :mod:`analysis.stats.power`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan

import numpy as np

from analysis.stats.effect import ESTIMANDS, UNITS, Estimand, units_of
from analysis.stats.interval import ALPHA, LEVEL, t_test
from analysis.stats.power import Components, GridShape, minimum_detectable_effect
from bench import seeds
from bench.arrays import FloatArray
from bench.errors import SpecError

MODEL = (
    "Model: a difference is the effect plus normal terms of its dataset, task, seed, block (task and seed) and the "
    "pair itself, with the standard deviations above. fixed-suite: the terms of datasets and tasks average to zero "
    "over the suite, which is the same in every repetition of the experiment. new-tasks and new-datasets: datasets "
    "and tasks are drawn anew with the seeds."
)
BATCH = 2_000_000
"""Numbers drawn at a time; a bound on memory."""


@dataclass(frozen=True)
class Rate:
    """How often something happened, with the 95 % interval of Clopper and Pearson (1934)."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """The share."""
        return self.hits / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """Its two-sided confidence interval."""
        from scipy import stats  # takes a second to load, which most commands do without

        found = stats.binomtest(self.hits, self.of).proportion_ci(LEVEL, method="exact")
        return float(found.low), float(found.high)


@dataclass(frozen=True)
class Trial:
    """How one test behaves on one question.

    Attributes:
        estimand: the question, which says what is drawn anew.
        test: ``pooled t`` (run-level, as in the paper: all pairs, taken as independent) or ``t over <unit>s``.
        n: what the test counts as independent.
        false_positives: how often it marks an effect where there is none.
        effect: the planted effect, in the metric's unit. power: how often it marks that.
    """

    estimand: Estimand
    test: str
    n: int
    false_positives: Rate
    effect: float
    power: Rate


@dataclass(frozen=True)
class Validation:
    """The behaviour of all tests on simulated grids of one shape."""

    shape: GridShape
    components: Components
    alpha: float
    simulations: int
    trials: tuple[Trial, ...]


def validate(
    of: Components,
    shape: GridShape,
    *,
    effect: float | None = None,
    simulations: int = 4_000,
    alpha: float = ALPHA,
) -> Validation:
    """Return false-positive rates and power of the pooled t-test and the tests over units.

    Args:
        of: what the differences vary with.
        shape: the grid.
        effect: to be planted; default: on each question the one that the test over units should find in 80 % of grids.
        simulations: grids drawn for each question.
        alpha: the level of the one-sided tests.

    Raises:
        SpecError: if nothing varies, or no question has two units.
    """
    if of == Components():
        raise SpecError("all standard deviations are 0, so there is nothing to test; give one, e.g. --sd residual=0.01")
    if simulations < 1:
        raise SpecError(f"{simulations} simulations tell nothing; give 1 or more")
    trials: list[Trial] = []
    for estimand in ESTIMANDS:
        planted = minimum_detectable_effect(of, shape, estimand, alpha) if effect is None else effect
        if shape.units(estimand) >= 2 and not isnan(planted):
            trials += _trials(of, shape, estimand, planted, simulations, alpha)
    if not trials:
        raise SpecError("one task and one seed make no test; give at least two of either")
    return Validation(shape, of, alpha, simulations, tuple(trials))


def _trials(
    of: Components, shape: GridShape, estimand: Estimand, effect: float, simulations: int, alpha: float
) -> Iterator[Trial]:
    dataset = np.repeat(np.arange(len(shape.tasks)), shape.tasks)
    hits = np.zeros((2, 2), dtype=int)
    for null in simulate(of, shape, estimand, simulations):
        pooled, units = null.reshape(len(null), -1), units_of(null.mean(axis=-1), estimand, dataset)
        for row, values in enumerate((pooled, units)):
            hits[row] += [int((t_test(values + shift)[1] < alpha).sum()) for shift in (0.0, effect)]
    names = ("pooled t", f"t over {UNITS[estimand]}s")
    for name, n, (false, true) in zip(names, (shape.pairs, shape.units(estimand)), hits, strict=True):
        yield Trial(estimand, name, n, Rate(int(false), simulations), effect, Rate(int(true), simulations))


def simulate(
    of: Components, shape: GridShape, estimand: Estimand, count: int, **stream: seeds.StreamPart
) -> Iterator[FloatArray]:
    """Yield batches of grids without effect, (batch, tasks, seeds, algorithms), ``count`` grids in all.

    ``stream`` tells these grids from others of the same question, such as those of another metric.
    """
    rng = seeds.generator("simulation", estimand=estimand, **stream)
    at_once = max(1, BATCH // shape.pairs)
    for start in range(0, count, at_once):
        yield _grids(of, shape, estimand, min(at_once, count - start), rng)


def _grids(of: Components, shape: GridShape, estimand: Estimand, count: int, rng: np.random.Generator) -> FloatArray:
    datasets, tasks = len(shape.tasks), sum(shape.tasks)
    task = np.repeat(rng.normal(0.0, of.dataset, (count, datasets)), shape.tasks, axis=1)
    task += rng.normal(0.0, of.task, (count, tasks))
    if estimand == "fixed-suite":
        task -= task.mean(axis=1, keepdims=True)
    seed = rng.normal(0.0, of.seed, (count, 1, shape.seeds, 1))
    block = rng.normal(0.0, of.block, (count, tasks, shape.seeds, 1))
    residual = rng.normal(0.0, of.residual, (count, tasks, shape.seeds, shape.algorithms))
    return task[:, :, None, None] + seed + block + residual
