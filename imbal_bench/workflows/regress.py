"""Hold a candidate against a baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from analysis import Results, Store, read_results
from analysis.gate import (
    Claim,
    History,
    Place,
    Plan,
    Simulation,
    Verdict,
    judge,
    new_plan,
    parse_looks,
    simulate,
    stored_spread,
)
from analysis.stats import Estimand
from analysis.typed import StrategyName, in_full, parse_strategy, stored_strategy
from bench.config import GridSpec
from bench.errors import ModelError, SpecError
from bench.grid.expansion.blocks import Grid
from bench.grid.expansion.expand import expand
from bench.grid.expansion.pairs import strategy
from bench.grid.expansion.suited import components_of
from bench.grid.world import World
from bench.model.content import pinned
from bench.records import Strategy
from bench.store import Baseline
from bench.store.acknowledged import accepted_losses
from bench.store.baseline import opened, place_of
from reports import GateFiles, write_gate

if TYPE_CHECKING:
    from bench.grid.driver.execution import Execution


ANY_STRATEGY = ("options={}", "algorithms=random", "weightings=uniform")
"""Overrides for a specification of which only blocks and settings are wanted: the two arms replace what it runs."""


@dataclass(frozen=True)
class Question:
    """What is to be shown of a candidate, before anything is looked at.

    Attributes:
        candidate: a strategy, e.g. ``dal+invprop:bins=5``. baseline: another, or ``STRATEGY@WHERE`` for its runs in
            another store or a named baseline.
        margins, harm: metric -> margin of the suite, and of a single task (none: twice the suite's).
        claim, estimand: what is to be shown, and of which tasks.
        sequential: numbers of seeds at interim analyses, ``obf:4,7,10``, or ``evalue``; None: one analysis at the end.
        futility: conditional power below which a plan stops. level: one-sided. None for the defaults.
        collapses: rate of collapses that the claim grants; see :class:`analysis.gate.Plan`, as for those that follow.
        stratified: whether each task's own variance is taken. last_rounds: that a metric is averaged over.
        again: why runs that were analysed before, or chosen from more, are analysed; the verdict is no pass then.
        baselines: folder of named baselines.
    """

    candidate: str
    baseline: str
    margins: Mapping[str, float]
    harm: Mapping[str, float] = field(default_factory=dict)
    claim: Claim = "noninferior"
    estimand: Estimand = "fixed-suite"
    sequential: str | None = None
    futility: float | None = None
    level: float | None = None
    collapses: float = 0.0
    stratified: bool = False
    last_rounds: int = 1
    again: str = ""
    baselines: Path = Path("baselines")


@dataclass(frozen=True)
class Judged:
    """A verdict, and the files of its evidence."""

    verdict: Verdict
    files: GateFiles


def regress(
    spec: GridSpec, question: Question, execution: Execution, console: Console, out: Path | None = None
) -> Judged:
    """Run what each analysis lacks until one decides; blocks after that are never started.

    Args:
        spec: tasks, ratios, seeds and settings; which strategies it names does not matter.
        question: what is to be shown.
        execution: how and into which store runs are made.
        console: where progress is shown.
        out: folder of the evidence; None: ``report/`` in the store.

    Raises:
        SpecError, StoreError, ModelError: if the plan is none, or cannot be run here; nothing is run then.
    """
    grid = expand(spec, execution.world)
    plan = _plan(question, grid, None)
    return _written(_one_by_one(plan, grid, execution, console, question.again), execution.store, out)


def judge_stored(spec: GridSpec, question: Question, store: Path, world: World, out: Path | None = None) -> Judged:
    """Judge what is stored, and run nothing; arguments and errors as for :func:`regress`."""
    grid = expand(_as_stored(spec, world, store), world, counted=False)
    return _written(_judged(_plan(question, grid, store), store, grid, question.again), store, out)


def try_out(spec: GridSpec, question: Question, store: Path, world: World, simulations: int) -> Simulation:
    """Return how often the plan errs and finds on grids that vary as the stored runs do; nothing is run."""
    grid = expand(_as_stored(spec, world, store), world, counted=False)
    plan = _plan(question, grid, store)
    return simulate(plan, stored_spread(plan, *_both(plan, store)), simulations)


def _plan(question: Question, grid: Grid, store: Path | None) -> Plan:
    """Return the plan; strategies are those of a store where one is given, else those of the installed code."""
    against, _, remote = question.baseline.partition("@")
    remote = place_of(remote, question.baselines) if remote else ""
    kind, looks = parse_looks(question.sequential, len(grid.spec.seeds))
    given = {"alpha": question.level, "futility": question.futility}
    return new_plan(
        candidate=_strategy(parse_strategy(question.candidate), store),
        baseline=_strategy(parse_strategy(against), Path(remote) if remote else store),
        baseline_store=remote,
        claim=question.claim,
        margins=dict(question.margins),
        harm_margins=dict(question.harm),
        collapses=question.collapses,
        estimand=question.estimand,
        stratified=question.stratified,
        last_rounds=question.last_rounds,
        sequential=kind,
        looks=looks,
        seeds=grid.spec.seeds[: looks[-1]],
        **{name: value for name, value in given.items() if value is not None},
        **suite_of(grid),
    )


def _as_stored(spec: GridSpec, world: World, folder: Path) -> GridSpec:
    """Return a specification whose model is named by content: of what is here, or else of the runs that are stored.

    Raises:
        ModelError: if the model is not here, and the store's runs are not of one model of that name.
    """
    try:
        model = pinned(spec.model, world.cache_dir)
    except ModelError:
        stored = (settings.model for settings in _stored(folder).settings.values())
        contents = {model.content for model in stored if model.name == spec.model.name}
        if len(contents) != 1:
            raise
        model = spec.model.model_copy(update={"content": contents.pop()})
    return spec.model_copy(update={"model": model})


def _stored(where: str | Path) -> Results:
    """Return the runs of a store or a named baseline."""
    return read_results(opened(where))


def _strategy(asked: StrategyName, store: Path | None) -> Strategy:
    """Return the strategy that is meant: that of a store, or of the installed code."""
    return strategy(str(asked)) if store is None else stored_strategy(_stored(store), asked)


def suite_of(grid: Grid) -> dict[str, object]:
    """Return what a plan says of a grid: where it can be run, under which settings, and what is trained.

    Raises:
        SpecError: if the grid has several learners.
    """
    if len(grid.spec.learners) > 1:
        raise SpecError(f"learners are {', '.join(grid.spec.learners)}; strategies are compared under one: name it")
    grid.refuse_if_empty()
    blocks = [job.block for job in grid.jobs]
    places = dict.fromkeys(Place(task=block.task, ratio=block.ratio, start=block.start) for block in blocks)
    return {"places": tuple(places), "settings": grid.spec.settings, "learners": components_of(grid.spec)}


def data_of(grid: Grid) -> dict[str, str]:
    """Return the fingerprint of each dataset that a grid runs on, as far as it is known."""
    return {job.block.task.dataset: job.fingerprint for job in grid.jobs if job.fingerprint}


def _one_by_one(plan: Plan, grid: Grid, execution: Execution, console: Console, again: str) -> Verdict:
    from bench.grid.driver.execute import execute  # slow to load, and not needed to judge what is stored
    from bench.grid.driver.preflight import preflight

    Store(execution.store, create=True)
    arms = (plan.candidate,) if plan.baseline_store else (plan.candidate, plan.baseline)
    verdict = _judged(plan, execution.store, grid, again)
    for look, count in enumerate(plan.looks):
        if verdict.runnable and verdict.taken == look:
            preflight(grid.spec, execution, arms)
            execute(grid.running(arms, plan.seeds[:count]), execution, console)
            verdict = _judged(plan, execution.store, grid, again)
    return verdict


def _judged(plan: Plan, folder: Path, grid: Grid, again: str) -> Verdict:
    """Return the verdict on what is stored now; the plan is on record before it is made, and its analyses after."""
    history = History.of(Store(folder), opened(plan.baseline_store) if plan.baseline_store else None).declare(plan)
    known, accepted = _known(plan)
    infeasible = (f"not in the comparison: {reason}" for reason in sorted({it.reason for it in grid.skipped}))
    return judge(
        plan,
        *_both(plan, folder),
        history=history,
        again=again,
        notes=(*known, *infeasible),
        accepted=accepted,
        data_here=data_of(grid),
    )


def _known(plan: Plan) -> tuple[tuple[str, ...], dict[tuple[str, str], float]]:
    """Return what a named baseline is and what is acknowledged of the candidate, in lines, and the losses accepted."""
    there = opened(plan.baseline_store) if plan.baseline_store else None
    if not isinstance(there, Baseline):
        return (), {}
    header, today = there.header, datetime.now().astimezone().date()
    lines, accepted = accepted_losses(there, {str(plan.candidate), in_full(plan.candidate)}, today)
    return (f"baseline {header.name}: saved {header.created}, sha256 {header.sha256[:12]}", *lines), accepted


def _both(plan: Plan, folder: Path) -> tuple[Results, Results]:
    """Return the candidate's and the baseline's stored runs."""
    here = _stored(folder)
    return here, _stored(plan.baseline_store) if plan.baseline_store else here


def _written(verdict: Verdict, store: Path, out: Path | None) -> Judged:
    return Judged(verdict, write_gate(verdict, out or store / "report"))
