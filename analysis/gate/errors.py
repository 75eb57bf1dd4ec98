"""How often the gate errs and finds where differences are not normal: the suite's own simulator of its gate.

Each cell of the tables goes through the lines that judge stored runs, :func:`analysis.gate.procedure.look_at`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import special

from analysis.gate.plan import ANY_RATE, Place, Plan, new_plan
from analysis.gate.procedure import ESTABLISHED, REGRESSION, first_decision, look_at
from analysis.stats import Rate, betting_bound, upper_limit
from analysis.stats.interval import BoolArray, t_test
from analysis.stats.stratified import stratified, stratified_p
from bench import seeds
from bench.arrays import FloatArray
from bench.records import Component, Settings, Strategy, Task

SD = 0.02
"""Standard deviation of a pair's difference, in every distribution but for its collapses."""
MARGIN = 0.01
"""Of the suite; a task's is twice that."""
DROP, RATE = 0.3, 0.01
"""What a run loses that collapses, and how many do."""
FALL = 0.5
"""The most that a run of ROC-AUC can lose by collapsing."""
METRIC = "auc"
TASKS = (4, 14)
SEEDS = (3, 5, 10, 30)
ANALYSES: dict[int, tuple[int, ...]] = {3: (2, 3), 5: (2, 4, 5), 10: (4, 7, 10), 30: (10, 20, 30)}
"""Number of seeds -> where a sequential plan analyses them."""
Noise = tuple[FloatArray, BoolArray]
"""(simulations, tasks, seeds) differences with mean 0, and (2, simulations, tasks, seeds) which runs collapsed."""


def _normal(rng: np.random.Generator, shape: tuple[int, ...], *, both: bool) -> Noise:  # noqa: ARG001 - as others
    return rng.normal(0, SD, shape), np.zeros((2, *shape), dtype=bool)


def _t3(rng: np.random.Generator, shape: tuple[int, ...], *, both: bool) -> Noise:  # noqa: ARG001 - as others
    return rng.standard_t(3, shape) * SD / sqrt(3), np.zeros((2, *shape), dtype=bool)


def _zero_inflated(rng: np.random.Generator, shape: tuple[int, ...], *, both: bool) -> Noise:  # noqa: ARG001
    """Seven of ten pairs are identical, as where a strategy rarely decides anything."""
    moved = rng.random(shape) < 0.3
    return rng.normal(0, SD / sqrt(0.3), shape) * moved, np.zeros((2, *shape), dtype=bool)


def _unequal(rng: np.random.Generator, shape: tuple[int, ...], *, both: bool) -> Noise:  # noqa: ARG001 - as others
    """The noisiest task varies ten times as much as the calmest."""
    own = np.geomspace(1, 10, shape[-2])
    return rng.normal(0, 1, shape) * (SD * own / np.sqrt(np.mean(own**2)))[:, None], np.zeros((2, *shape), dtype=bool)


def _collapsing(rng: np.random.Generator, shape: tuple[int, ...], *, both: bool) -> Noise:
    """One run in a hundred falls to chance: of the candidate, or of both arms."""
    candidate, baseline = rng.random(shape) < RATE, (rng.random(shape) < RATE) & both
    fallen = DROP * (baseline.astype(float) - candidate) + (0.0 if both else DROP * RATE)
    return rng.normal(0, SD, shape) + fallen, np.stack([candidate, baseline])


NOISES: dict[str, Callable[..., Noise]] = {
    "normal": _normal,
    "t with 3 degrees": _t3,
    "zero-inflated": _zero_inflated,
    "collapsing, 1 % by .3": _collapsing,
    "unequal variances": _unequal,
}


@dataclass(frozen=True)
class PlanErrors:
    """What one kind of plan made of one kind of differences.

    Attributes:
        noise: the distribution. tasks, seeds: of the grid. plan: which kind of plan, in words.
        false_pass: how often the claim was established where the mean lies at the margin.
        false_regression: how often a regression was called where there is no difference.
        power: how often the claim was established there.
    """

    noise: str
    tasks: int
    seeds: int
    plan: str
    false_pass: Rate
    false_regression: Rate
    power: Rate


def error_rates(
    simulations: int = 10_000, *, tasks: tuple[int, ...] = TASKS, counts: tuple[int, ...] = SEEDS
) -> Iterator[PlanErrors]:
    """Yield the error rates and the power of non-inferiority plans, for each distribution, shape and kind of plan.

    Args:
        simulations: grids of each.
        tasks: numbers of tasks.
        counts: numbers of seeds.
    """
    for noise in NOISES:
        for own in tasks:
            for count in counts:
                yield from _trials(noise, own, count, simulations)


def _kinds(count: int) -> dict[str, dict[str, object]]:
    """Return the kinds of plan, fields by name: the t-tests alone, and with the bound for collapses."""
    at, alone = ANALYSES[count], dict[str, object](collapses=ANY_RATE)
    return {
        "one analysis": alone,
        "one analysis, stratified": {**alone, "stratified": True},
        f"obf:{','.join(map(str, at))}": {**alone, "looks": at},
        "evalue": {**alone, "looks": _often(count), "sequential": "evalue"},
        "one analysis, whatever rate of collapses": {},
    }


def _often(count: int) -> tuple[int, ...]:
    """Return after which seeds who may look at any time does: after each, or, of many, after each fifth."""
    return tuple(range(2, count + 1)) if count <= SEEDS[-2] else tuple(range(5, count + 1, 5))


def _plan(tasks: int, count: int, **fields: object) -> Plan:
    arms = (Strategy(algorithm=Component(name=name), weighting=Component(name="w")) for name in ("a", "b"))
    candidate, baseline = arms
    places = [Place(task=Task(dataset=f"d{at:02}", positive="p"), ratio=50, start="warm") for at in range(tasks)]
    same = {"margins": {METRIC: MARGIN}, "looks": (count,), "seeds": tuple(range(count)), "settings": Settings()}
    return new_plan(candidate=candidate, baseline=baseline, places=places, **{**same, **fields})


def _trials(noise: str, tasks: int, count: int, simulations: int) -> Iterator[PlanErrors]:
    shape = (simulations, tasks, count)
    rng = seeds.generator("simulation", noise=noise, tasks=tasks, seeds=count)
    (at_edge, own), (equal, both) = (NOISES[noise](rng, shape, both=both) for both in (False, True))
    for name, fields in _kinds(count).items():
        plan = _plan(tasks, count, **fields)
        edge, none = _decisions(plan, at_edge - MARGIN, own), _decisions(plan, equal, both)
        yield PlanErrors(
            noise=noise,
            tasks=tasks,
            seeds=count,
            plan=name,
            false_pass=Rate(int((edge == ESTABLISHED).sum()), simulations),
            false_regression=Rate(int((none == REGRESSION).sum()), simulations),
            power=Rate(int((none == ESTABLISHED).sum()), simulations),
        )


def _decisions(plan: Plan, differences: FloatArray, collapsed: BoolArray) -> FloatArray:
    looks = look_at(plan, differences[:, None], collapsed)
    return np.asarray(np.choose(first_decision(looks), [look.decision for look in looks]))


@dataclass(frozen=True)
class BoundTrial:
    """How one lower bound of the mean fares where the candidate's runs collapse, on 14 tasks.

    Attributes:
        bound: which. seeds: of the grid. rate: of collapses.
        missed: how often it lies above the mean, where 0.05 is promised.
        power: how often it excludes a loss of the margin where nothing differs or collapses.
    """

    bound: str
    seeds: int
    rate: float
    missed: Rate
    power: Rate


def bound_trials(simulations: int = 10_000) -> Iterator[BoundTrial]:
    """Yield how the lower bounds fare that were considered for claims with a margin, on 14 tasks."""
    for count in (10, 20, 40):
        shape = (simulations, 14, count)
        rng = seeds.generator("simulation", noise="bounds", seeds=count)
        calm = rng.normal(0, SD, shape)
        for rate in (0.01, 0.03):
            lost = calm - DROP * (rng.random(shape) < rate)
            for name, above in BOUNDS.items():
                missed, found = (above(values, bound) for values, bound in ((lost, -DROP * rate), (calm, -MARGIN)))
                yield BoundTrial(name, count, rate, *(Rate(int(own.sum()), simulations) for own in (missed, found)))


def _by_seeds(values: FloatArray, bound: float) -> BoolArray:
    return np.asarray(t_test(values.mean(axis=-2) - bound)[1] <= 0.05)


def _by_strata(values: FloatArray, bound: float) -> BoolArray:
    return np.asarray(stratified_p(values, bound) <= 0.05)


def _in_two_parts(values: FloatArray, bound: float, of_rate: float = 0.04, of_all: float = 0.05) -> BoolArray:
    """Whether typical difference - fall x upper limit of the rate lies above; the level is split between both."""
    fallen = values < -DROP / 2
    limit = upper_limit(fallen.sum(axis=(-2, -1)), values[0].size, of_rate)
    mean, error, degrees = stratified(np.where(fallen, 0.0, values))
    return np.asarray(mean + special.stdtrit(degrees, of_all - of_rate) * error - FALL * limit > bound)


def _by_betting(values: FloatArray, bound: float) -> BoolArray:
    return np.asarray(betting_bound(values.reshape(len(values), -1), FALL) > bound)


BOUNDS: dict[str, Callable[[FloatArray, float], BoolArray]] = {
    "t over seeds": _by_seeds,
    "stratified t": _by_strata,
    "two parts": _in_two_parts,
    "betting": _by_betting,
}
