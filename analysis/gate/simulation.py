"""The whole procedure tried on simulated grids of a plan's own shape: analyses, margins, harm and futility included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from analysis.gate.evidence import gather
from analysis.gate.plan import Plan
from analysis.gate.procedure import ESTABLISHED, REGRESSION, first_decision, look_at
from analysis.gate.sizes import shape_of, spread_of
from analysis.results import Results
from analysis.stats import Components, Rate, minimum_detectable_effect
from analysis.stats.validation import simulate as grids
from bench import seeds
from bench.arrays import FloatArray
from bench.errors import SpecError
from bench.records import learners_as_typed

AWAY = 2.0
"""A candidate that is worse, in a scenario, is so by this many margins."""
WANTED = 0.95
"""Chance of a clean night that a number of seeds is sought for."""
SEEDS_TRIED = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 25, 30, 40, 60, 100)


@dataclass(frozen=True)
class Scenario:
    """A truth and what the gate made of it.

    Attributes:
        title: what is true.
        error: the verdict that would be wrong and whose rate the plan bounds; empty where it bounds none.
        established, regression: how often either verdict came out.
        seeds: mean number of seeds at the analysis that ended the plan.
    """

    title: str
    error: str
    established: Rate
    regression: Rate
    seeds: float


@dataclass(frozen=True)
class Simulation:
    """The behaviour of a plan."""

    plan: Plan
    spread: Mapping[str, Components]
    simulations: int
    scenarios: tuple[Scenario, ...]


def stored_spread(plan: Plan, candidate: Results, baseline: Results) -> dict[str, Components]:
    """Return what the stored differences of each metric vary with, from the complete analyses of a plan.

    Raises:
        SpecError: if the first analysis is not complete.
    """
    evidence = gather(plan, candidate, baseline)
    if not evidence.differences.size:
        raise SpecError(f"nothing to take the spread from: {evidence.findings[0].text}; run the first analysis's seeds")
    return {metric: spread_of(plan, own) for metric, own in zip(plan.metrics, evidence.differences, strict=True)}


def simulate(plan: Plan, spread: Mapping[str, Components], simulations: int = 2_000) -> Simulation:
    """Return how often a plan errs and finds, over what may be true.

    The differences of metrics are drawn independently, from the model that :mod:`analysis.stats.validation`
    describes. Where a single task differs, the other tasks make up for it, so that the suite's mean is as said.

    Args:
        plan: what is declared.
        spread: metric -> what its differences vary with.
        simulations: grids drawn for each scenario.

    Raises:
        SpecError: if nothing varies, or nothing is to be simulated.
    """
    if simulations < 1 or all(own == Components() for own in spread.values()):
        raise SpecError("nothing to simulate: give 1 or more simulations, and runs whose differences vary")
    noise = _noise(plan, spread, simulations)
    calm = _noise(plan, {metric: replace(own, dataset=0.0, task=0.0) for metric, own in spread.items()}, simulations)
    found = [_tried(plan, noise, shift, title, error) for title, error, shift in _suite_truths(plan, spread)]
    found += [_tried(plan, calm, shift, title, error) for title, error, shift in _task_truths(plan)]
    return Simulation(plan, spread, simulations, tuple(found))


def _noise(plan: Plan, spread: Mapping[str, Components], count: int) -> FloatArray:
    """Return (simulations, metrics, places, seeds) without effect."""
    number, _ = plan.task_numbers
    seen = Counter[int]()
    among = []
    for task in number.tolist():
        among.append(seen[task])
        seen[task] += 1
    shape = shape_of(plan)
    each = [
        np.concatenate(list(grids(spread[metric], shape, plan.estimand, count, metric=metric)))
        for metric in plan.metrics
    ]
    return np.stack([grid[:, number, :, among].swapaxes(0, 1) for grid in each], axis=1)


def _suite_truths(plan: Plan, spread: Mapping[str, Components]) -> Iterator[tuple[str, str, FloatArray]]:
    """Yield title, error and shift (metrics, 1, 1) of truths on the suite as a whole."""
    margins = np.array([plan.margins[metric] for metric in plan.metrics])
    least = [minimum_detectable_effect(spread[it], shape_of(plan), plan.estimand, plan.alpha) for it in plan.metrics]
    better, away = np.array(least), np.maximum(AWAY * margins, least)
    good = better if plan.claim == "superior" else np.zeros_like(margins)
    edge = np.zeros_like(margins) if plan.claim == "superior" else -margins
    for place, metric in enumerate(plan.metrics):
        shift = good.copy()
        shift[place] = edge[place]
        yield f"{metric} at the edge of the claim ({edge[place]:+.4g})", "established", shift[:, None, None]
    same = "better by what 80 % of single tests find" if plan.claim == "superior" else "no difference"
    yield f"{same} ({', '.join(f'{value:.4g}' for value in good)})", "regression", good[:, None, None]
    yield f"worse ({', '.join(f'{-value:.4g}' for value in away)})", "established", -away[:, None, None]


def _task_truths(plan: Plan) -> Iterator[tuple[str, str, FloatArray]]:
    """Yield the same of one task alone, (metrics, places, 1), where there are others to make up for it."""
    number, _ = plan.task_numbers
    tasks = int(number.max()) + 1
    if tasks < 2:
        return
    harm = np.array([plan.harm_of(metric) for metric in plan.metrics])
    place = np.where(number == 0, -1.0, 1.0 / (tasks - 1))
    edge = np.zeros((len(harm), len(number), 1))
    edge[0, :, 0] = harm[0] * place
    yield "one task at the edge of its margin, in one metric", "regression", edge
    yield "one task worse by twice its margin, in one metric", "", AWAY * edge
    yield "all at their margins at once: the suite, and as many tasks as that leaves", "regression", _all_edges(plan)


def _all_edges(plan: Plan) -> FloatArray:
    """Return (metrics, places, 1) the truth under which most tests of a regression are at their edges, none beyond."""
    number, _ = plan.task_numbers
    tasks = int(number.max()) + 1
    shift = np.zeros((len(plan.metrics), len(number), 1))
    for m, metric in enumerate(plan.metrics):
        margin, harm = plan.margins[metric], plan.harm_of(metric)
        at_edge = min(tasks - 1, int(tasks * margin / harm)) if harm else 0
        rest = (at_edge * harm - tasks * margin) / (tasks - at_edge)
        shift[m, :, 0] = np.where(number < at_edge, -harm, rest)
    return shift


def _tried(plan: Plan, noise: FloatArray, shift: FloatArray, title: str, error: str) -> Scenario:
    looks = look_at(plan, noise + shift)
    at = first_decision(looks)
    decision = np.choose(at, [look.decision for look in looks])
    seeds = float(np.choose(at, [look.seeds for look in looks]).mean())
    rates = [Rate(int((decision == kind).sum()), len(noise)) for kind in (ESTABLISHED, REGRESSION)]
    return Scenario(title, error, rates[0], rates[1], seeds)


@dataclass(frozen=True)
class Outlook:
    """How often several plans all pass where nothing differs.

    Attributes:
        chance: that all do. enough: the fewest seeds with which that is ``WANTED``; None: no number tried.
        spread: metric -> standard deviation of a run over seeds that this is reckoned from.
    """

    chance: float
    enough: int | None
    spread: Mapping[str, float]


def clean_night(plans: Sequence[Plan], baseline: Results, simulations: int = 2_000) -> Outlook | None:
    """Return how often plans of one shape all pass where the candidates' runs are as the baseline's, made once more.

    Args:
        plans: of as many candidates, which are taken to be independent.
        baseline: whose runs tell how much those of one task vary over seeds; a difference of two varies by the root of
            2 more.
        simulations: grids drawn for each number of seeds.

    Returns:
        None where the baseline's runs do not tell, or do not vary.
    """
    plan = plans[0]
    own = baseline.runs[baseline.runs["learner"] == learners_as_typed(plan.learners)]
    within = own.groupby(["strategy", "ratio", "start", "dataset", "positive"])
    spread = {
        metric: float(np.sqrt(within[metric].var(ddof=1).mean())) for metric in plan.metrics if metric in baseline.runs
    }
    if len(spread) < len(plan.metrics) or not all(sd > 0 for sd in spread.values()):
        return None

    def chance(count: int) -> float:
        return _pass_rate(plan, count, spread, simulations) ** len(plans)

    enough = next((count for count in SEEDS_TRIED if chance(count) >= WANTED), None)
    return Outlook(chance(len(plan.seeds)), enough, spread)


def _pass_rate(plan: Plan, count: int, spread: Mapping[str, float], simulations: int) -> float:
    """Return how often a plan passes with so many seeds where nothing differs."""
    tried = plan.model_copy(update={"looks": (count,), "seeds": tuple(range(count))})
    rng = seeds.generator("simulation", night=count)
    noise = rng.normal(0, 1, (simulations, len(plan.metrics), len(plan.places), count))
    sd = np.array([spread[metric] * sqrt(2) for metric in plan.metrics])
    (look,) = look_at(tried, noise * sd[:, None, None])
    return float((look.decision == ESTABLISHED).mean())
