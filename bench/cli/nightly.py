"""Run a grid every night, and hold it against a baseline."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from bench.cli.baseline import DEFAULT_FOLDER, FolderOption
from bench.cli.console import console_here
from bench.cli.gate import data_of, suite_of
from bench.cli.options import (
    DEFAULT_CACHE,
    DEFAULT_JOBS,
    CacheOption,
    DataOption,
    DeviceOption,
    GpusOption,
    JobsOption,
    LearnerOption,
    ModelOption,
    PerGpuOption,
    PluginOption,
    SeedsOption,
    SetOption,
    TasksOption,
    ThreadsOption,
    TimeoutOption,
    add_plugins,
    load,
    world_at,
)

if TYPE_CHECKING:
    from analysis.gate import Plan
    from analysis.nights import Asked, Comparison, Night, Reference
    from analysis.nights.nights import Role
    from analysis.stats import Estimand
    from bench.config import GridSpec
    from bench.grid.expansion.blocks import Grid
    from bench.nightly import Begun, NightFolder

CANARY = "random+uniform"


def nightly(
    spec: Annotated[
        str, typer.Argument(help="Preset or YAML file. Without a GPU, `nightly` gives way to `laptop`.")
    ] = "nightly",
    baseline: Annotated[str, typer.Option(help="Baseline to hold the night against. Default: none, no verdict.")] = "",
    candidate: Annotated[
        list[str] | None, typer.Option(help="Strategy to judge. Repeatable. Default: all that the baseline has.")
    ] = None,
    against: Annotated[str, typer.Option(help="Strategy of the baseline. Default: the candidate's own runs.")] = "",
    canary: Annotated[str, typer.Option(help="Strategy whose own stored runs tell how the machine does.")] = CANARY,
    claim: Annotated[
        Literal["superior", "noninferior", "equivalent"], typer.Option(help="What each candidate is to show.")
    ] = "noninferior",
    margin: Annotated[str, typer.Option(help="Per metric, as in regress.")] = "ba=.02,auc=.01,pr=.02",
    estimand: Annotated[
        Literal["fixed-suite", "new-tasks", "new-datasets"], typer.Option(help="As in regress.")
    ] = "fixed-suite",
    overrides: SetOption = None,
    tasks: TasksOption = None,
    seeds: SeedsOption = None,
    model: ModelOption = None,
    learner: LearnerOption = None,
    folder: Annotated[Path, typer.Option("--folder", help="Where nights and their history are.")] = Path("nightly"),
    baselines: FolderOption = DEFAULT_FOLDER,
    data_dir: DataOption = None,
    cache_dir: CacheOption = DEFAULT_CACHE,
    jobs: JobsOption = DEFAULT_JOBS,
    threads: ThreadsOption = None,
    device: DeviceOption = "auto",
    gpus: GpusOption = None,
    per_gpu: PerGpuOption = 1,
    run_timeout: TimeoutOption = None,
    plugin: PluginOption = None,
    script: Annotated[
        Literal["slurm", "cron", "github"] | None, typer.Option(help="Print a script that starts the job, and end.")
    ] = None,
) -> None:
    """Run tonight's grid, or the rest of a night that was cut off; report, judge, and add to the history.

    Exit code, of the worst verdict: 0: all claims established; 1: a regression; 3: inconclusive; 4: incomplete.

    Examples:

    imbal-bench nightly --baseline main --jobs 2

    imbal-bench nightly grid.yaml --plugin mine.py --baseline main --candidate mine+invprop --against random+uniform

    imbal-bench nightly --script slurm > nightly.sh
    """
    from analysis.gate import parse_margins
    from analysis.nights import Asked, Reference
    from bench import nightly as room
    from bench.errors import StoreError
    from bench.grid.driver.execute import execute
    from bench.grid.driver.execution import Execution
    from bench.grid.driver.preflight import preflight
    from bench.grid.executors.choice import choose_workers
    from bench.grid.expansion.expand import expand
    from bench.store import Baseline, Store

    if script:
        print(room.script(script), end="")
        return
    console, plugins, world = console_here(), add_plugins(plugin), world_at(data_dir, cache_dir)
    reference = Reference(Baseline(baselines, baseline)) if baseline else None
    today = datetime.now().astimezone().date()
    night = room.tonight(folder, today)
    if night.begun:
        begun = night.read()
        console.print(f"{night.name} was cut off and goes on as it was begun", highlight=False)
    else:
        begun = _settled(spec, overrides, tasks, seeds, model, learner, device)
    for note in begun.notes:
        console.print(note, style="yellow", markup=False, highlight=False)
    grid = expand(begun.grid, world)
    begun = begun.model_copy(update={"grid": grid.spec})  # which says what its model holds
    asked = Asked(tuple(candidate or ()), against, canary, claim)
    plans, notes = _plans(reference, grid, asked, parse_margins(margin), estimand)
    workers = choose_workers(
        None,
        jobs=jobs,
        gpus=gpus,
        per_gpu=per_gpu,
        scheduler=None,
        slurm=None,
        needs_subprocess=run_timeout is not None,
    )
    execution = Execution(night.store, world, workers, device, plugins, threads, run_timeout)
    preflight(begun.grid, execution, grid.strategies)
    night.begin(begun)
    with Store(night.store, create=True).claim("nightly") as mine:
        if not mine:
            raise StoreError(f"another process is at work on {night.path}; wait for it, or give another --folder")
        missing = execute(grid, execution, console).missing
        ended = _judged(night, begun, plans, reference, missing, (*begun.notes, *notes), today)
        _written(folder, night, ended, console)
    raise typer.Exit(ended.exit_code)


def _settled(
    spec: str,
    overrides: list[str] | None,
    tasks: str | None,
    seeds: str | None,
    model: str | None,
    learner: list[str] | None,
    device: str,
) -> Begun:
    """Return what this machine is to run of what is asked for."""
    import psutil

    from bench.model.hardware import uses_gpu
    from bench.nightly import fitted

    def loaded(name: str, concessions: list[str]) -> GridSpec:
        return load(name, [*concessions, *(overrides or ())], tasks, None, seeds, None, None, model, learner)

    return fitted(spec, loaded, has_gpu=uses_gpu(device), free_gb=psutil.virtual_memory().available / 2**30)


def _plans(
    reference: Reference | None, grid: Grid, asked: Asked, margins: dict[str, float], estimand: Estimand
) -> tuple[list[tuple[Role, Plan]], list[str]]:
    """Return what the night is held to, fixed before it is run, and a line for whatever is not."""
    suite = suite_of(grid)
    if reference is None:
        return [], ["no baseline is given, so there is no verdict; of this night, `baseline save` can make one"]
    strategies = [run.strategy for run in grid.jobs[0].runs]
    plans, notes = reference.plans(
        strategies, asked, seeds=grid.spec.seeds, margins=margins, estimand=estimand, **suite
    )
    reference.refuse_another_grid(plans, data_of(grid))
    return plans, notes


def _judged(
    night: NightFolder,
    begun: Begun,
    plans: list[tuple[Role, Plan]],
    reference: Reference | None,
    missing: int,
    notes: tuple[str, ...],
    today: date,
) -> Night:
    """Judge the night's runs, write the report and the evidence of what is no pass, and return the night."""
    from analysis import Store, overview, read_results
    from analysis.facts import settings_digest
    from analysis.gate import spelt
    from analysis.nights import Night, compared, exit_code_of
    from bench.grid.expansion.suited import components_of
    from reports import read_report, write_gate, write_report

    store = Store(night.store)
    results = read_results(store)
    write_report(read_report(night.store), night.path / "report")
    comparisons: list[Comparison] = []
    moved: dict[str, str] = {}
    if reference:
        for role, plan in plans:
            verdict = reference.judge(plan, results, today)
            identical = both = None
            if role == "canary":
                identical, both, moved = reference.moved(store, str(plan.candidate))
            elif verdict.exit_code:
                write_gate(verdict, night.evidence(spelt(plan.candidate)))
            comparisons.append(compared(role, verdict, identical, both))
    facts = overview(results).made_with
    return Night(
        night=night.name,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=float(results.runs["seconds"].sum()),
        grid=begun.grid.name,
        settings=settings_digest(begun.grid.settings, components_of(begun.grid)),
        baseline=reference.baseline.header.name if reference else "",
        baseline_sha256=reference.baseline.header.sha256 if reference else "",
        exit_code=exit_code_of(comparisons, missing),
        runs=len(results.runs),
        failed=missing,
        machine={fact: "; ".join(values) for fact, values in facts.items() if values},
        moved=moved,
        comparisons=tuple(comparisons),
        notes=notes,
    )


def _written(folder: Path, night: NightFolder, ended: Night, console: Console) -> None:
    """Add the night to the history, write the page and the summary, and show the summary."""
    from analysis import write_atomically
    from analysis.nights import append, summary, summary_json
    from reports import history_page

    nights = append(folder / "history.jsonl", ended)
    write_atomically(folder / "history.html", history_page(nights).encode())
    text, json = summary(nights), summary_json(nights)
    write_atomically(folder / "latest.txt", text.encode())
    write_atomically(folder / "latest.json", json.encode())
    night.end(text, json)
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    console.print(f"history: {(folder / 'history.html').resolve()}", highlight=False, soft_wrap=True)
