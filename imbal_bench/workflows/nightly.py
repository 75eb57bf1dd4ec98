"""Run a grid every night, and hold it against a baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from rich.console import Console

from analysis import Results, Store, overview, read_results, write_atomically
from analysis.gate import Plan
from analysis.nights import (
    Night,
    NightBaseline,
    NightComparison,
    NightlyQuestion,
    append,
    compared,
    exit_code_of,
    summary,
    summary_json,
)
from analysis.stats import Estimand
from analysis.typed import in_full
from bench.config import GridSpec
from bench.errors import StoreError
from bench.grid.driver.execute import execute
from bench.grid.driver.execution import Execution
from bench.grid.driver.preflight import preflight
from bench.grid.expansion.blocks import Grid
from bench.grid.expansion.expand import expand
from bench.grid.expansion.suited import components_of
from bench.model.hardware import uses_gpu
from bench.store import Baseline
from imbal_bench.nights import Begun, NightFolder, fitted, tonight
from imbal_bench.workflows.regress import data_of, suite_of
from reports import history_page, read_report, write_gate, write_report

if TYPE_CHECKING:
    from analysis.nights.nights import Role
    from bench.grid.world import World


@dataclass(frozen=True)
class Held:
    """What every night is held to.

    Attributes:
        baseline: name of a baseline; empty: none, and no verdict. baselines: the folder it is in.
        margins: metric -> the difference that may still be called no worse.
        asked: which strategies are judged, against what, and with what claim.
        estimand: whether it is about these tasks, new tasks or new datasets.
    """

    margins: Mapping[str, float]
    asked: NightlyQuestion
    estimand: Estimand = "fixed-suite"
    baseline: str = ""
    baselines: Path = Path("baselines")


@dataclass(frozen=True)
class Tonight:
    """A night that can be run here: all that is fixed before it is.

    Attributes:
        folder: of all nights. night: its own. goes_on: whether it was cut off before.
        begun: what it runs. grid: the same, expanded. plans: what it is held to. notes: what is not judged, and why.
    """

    folder: Path
    night: NightFolder
    goes_on: bool
    begun: Begun
    grid: Grid
    plans: list[tuple[Role, Plan]]
    notes: tuple[str, ...]
    reference: NightBaseline | None
    execution: Execution
    today: date


@dataclass(frozen=True)
class Ended:
    """A night that is over: what it said, its summary on one screen, and the page of all nights."""

    night: Night
    summary: str
    page: Path


def settled(name: str, load: Callable[[str, list[str]], GridSpec], device: str) -> Begun:
    """Return what this machine is to run of a specification; ``load`` reads it under overrides."""
    free = psutil.virtual_memory().available / 2**30
    return fitted(name, load, has_gpu=uses_gpu(device), free_gb=free)


def begin(
    folder: Path, held: Held, world: World, settle: Callable[[], Begun], execution: Callable[[Path], Execution]
) -> Tonight:
    """Find out before anything is run what tonight amounts to, and whether it can have a verdict.

    Args:
        folder: where nights and their history are.
        held: what the night is held to.
        world: where data is.
        settle: what is run, if this is not a night that was cut off.
        execution: how it is run into a store.

    Raises:
        SpecError, DataError, ModelError, StoreError: if something of it cannot be had.
    """
    reference = NightBaseline(Baseline(held.baselines, held.baseline)) if held.baseline else None
    today = datetime.now().astimezone().date()
    night = tonight(folder, today)
    goes_on = night.begun
    begun = night.read() if goes_on else settle()
    grid = expand(begun.grid, world)
    begun = begun.model_copy(update={"grid": grid.spec})  # which says what its model holds
    plans, notes = _plans(reference, grid, held)
    how = execution(night.store)
    preflight(begun.grid, how, grid.strategies)
    return Tonight(folder, night, goes_on, begun, grid, plans, (*begun.notes, *notes), reference, how, today)


def finish(it: Tonight, console: Console) -> Ended:
    """Run what is missing of the night, report, judge, and add it to the history; progress is shown on a console.

    Raises:
        StoreError: if another process is at work on it, or something cannot be written. StoppedError: on Ctrl-C.
    """
    it.night.begin(it.begun)
    with Store(it.night.store, create=True).claim("nightly") as mine:
        if not mine:
            raise StoreError(f"another process is at work on {it.night.path}; wait for it, or give another --folder")
        missing = execute(it.grid, it.execution, console).missing
        return _written(it, _judged(it, missing))


def _plans(reference: NightBaseline | None, grid: Grid, held: Held) -> tuple[list[tuple[Role, Plan]], list[str]]:
    """Return what the night is held to, fixed before it is run, and a line for whatever is not."""
    suite = suite_of(grid)
    if reference is None:
        return [], ["no baseline is given, so there is no verdict; of this night, `baseline save` can make one"]
    strategies = [run.strategy for run in grid.jobs[0].runs]
    plans, notes = reference.plans(
        strategies,
        held.asked,
        seeds=grid.spec.seeds,
        margins=dict(held.margins),
        estimand=held.estimand,
        **suite,
    )
    reference.refuse_another_grid(plans, data_of(grid))
    outlook = reference.outlook(plans)
    return plans, [*notes, *([outlook] if outlook else [])]


def _judged(it: Tonight, missing: int) -> Night:
    """Judge the night's runs, write the report and the evidence of what is no pass, and return the night."""
    header = it.reference.baseline.header if it.reference else None
    results = read_results(Store(it.night.store))
    write_report(read_report(it.night.store), it.night.path / "report")
    comparisons, moved = _compared(it, results) if it.reference else ((), {})
    facts = overview(results).made_with
    return Night(
        night=it.night.name,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=float(results.runs["seconds"].sum()),
        grid=it.begun.grid.name,
        settings=_settings(it.begun.grid),
        baseline=header.name if header else "",
        baseline_sha256=header.sha256 if header else "",
        exit_code=exit_code_of(comparisons, missing),
        runs=len(results.runs),
        failed=missing,
        machine={fact: "; ".join(values) for fact, values in facts.items() if values},
        moved=moved,
        comparisons=comparisons,
        notes=it.notes,
    )


def _compared(it: Tonight, results: Results) -> tuple[tuple[NightComparison, ...], dict[str, str]]:
    """Return what became of each plan, and what the canary's runs were made with then and now, where that differs."""
    assert it.reference is not None  # noqa: S101 - plans are of one
    comparisons: list[NightComparison] = []
    moved: dict[str, str] = {}
    for role, plan in it.plans:
        verdict = it.reference.judge(plan, results, it.today)
        identical = both = None
        if role == "canary":
            identical, both, moved = it.reference.moved(Store(it.night.store), str(plan.candidate))
        elif verdict.exit_code:
            write_gate(verdict, it.night.evidence(in_full(plan.candidate)))
        comparisons.append(compared(role, verdict, identical, both))
    return tuple(comparisons), moved


def _settings(spec: GridSpec) -> str:
    """Return the digest by which nights of the same settings and learners are identified."""
    from analysis.facts import settings_digest

    return settings_digest(spec.settings, components_of(spec))


def _written(it: Tonight, ended: Night) -> Ended:
    """Add the night to the history, and write the page and the summary."""
    nights = append(it.folder / "history.jsonl", ended)
    page = it.folder / "history.html"
    write_atomically(page, history_page(nights).encode())
    text, json = summary(nights), summary_json(nights)
    write_atomically(it.folder / "latest.txt", text.encode())
    write_atomically(it.folder / "latest.json", json.encode())
    it.night.end(text, json)
    return Ended(ended, text, page)
