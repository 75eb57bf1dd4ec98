"""Hold a candidate against a baseline."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from bench.cli.baseline import DEFAULT_FOLDER, FolderOption
from bench.cli.console import console_here
from bench.cli.options import (
    DEFAULT_CACHE,
    DEFAULT_JOBS,
    MOST_SIMULATIONS,
    CacheOption,
    DataOption,
    DeviceOption,
    ExecutorOption,
    GpusOption,
    JobsOption,
    LearnerOption,
    ModelOption,
    PerGpuOption,
    PluginOption,
    RatiosOption,
    SchedulerOption,
    SeedsOption,
    SetOption,
    SlurmOption,
    StoreOption,
    TasksOption,
    ThreadsOption,
    TimeoutOption,
    add_plugins,
    finite,
    load,
    world_at,
)

if TYPE_CHECKING:
    from analysis import Results
    from analysis.gate import Asked, Plan, Verdict
    from bench.config import GridSpec
    from bench.grid.driver.execution import Execution
    from bench.grid.expansion.blocks import Grid
    from bench.grid.world import World
    from bench.records import Option, Strategy


def regress(
    candidate: Annotated[str, typer.Option("--candidate", help="Strategy, e.g. mine+invprop or dal+invprop:bins=5.")],
    baseline: Annotated[
        str, typer.Option("--baseline", help="Strategy; @WHERE: its runs in another store or baseline.")
    ],
    margin: Annotated[str, typer.Option("--margin", help="Per metric, e.g. ba=.01,auc=.005,pr=.02.")],
    spec: Annotated[str, typer.Option("--spec", help="Preset or YAML file: tasks, ratios, seeds, settings.")],
    claim: Annotated[
        Literal["superior", "noninferior", "equivalent"], typer.Option("--claim", help="What is to be shown.")
    ] = "noninferior",
    harm: Annotated[str, typer.Option("--harm", help="Margin of a single task. Default: twice the suite's.")] = "",
    estimand: Annotated[
        Literal["fixed-suite", "new-tasks", "new-datasets"],
        typer.Option("--estimand", help="On these tasks, on new tasks, or on new datasets."),
    ] = "fixed-suite",
    sequential: Annotated[
        str | None, typer.Option("--sequential", help="Numbers of seeds to look at: obf:4,7,10. Default: one look.")
    ] = None,
    futility: Annotated[
        float | None,
        typer.Option(callback=finite, help="Conditional power below which a look stops; 0: never. Default: 0.1."),
    ] = None,
    level: Annotated[
        float | None, typer.Option(callback=finite, help="One-sided, all looks together. Default: 0.05.")
    ] = None,
    overrides: SetOption = None,
    tasks: TasksOption = None,
    ratios: RatiosOption = None,
    seeds: SeedsOption = None,
    model: ModelOption = None,
    learner: LearnerOption = None,
    store: StoreOption = None,
    data_dir: DataOption = None,
    cache_dir: CacheOption = DEFAULT_CACHE,
    jobs: JobsOption = DEFAULT_JOBS,
    threads: ThreadsOption = None,
    device: DeviceOption = "auto",
    executor: ExecutorOption = None,
    gpus: GpusOption = None,
    per_gpu: PerGpuOption = 1,
    scheduler: SchedulerOption = None,
    slurm: SlurmOption = None,
    run_timeout: TimeoutOption = None,
    plugin: PluginOption = None,
    run: Annotated[bool, typer.Option(help="Run what the next look lacks; otherwise judge what is stored.")] = True,
    baselines: FolderOption = DEFAULT_FOLDER,
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write. Default: report/ in the store.")] = None,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Try the plan on simulated grids with the stored runs' spread instead.")
    ] = False,
    simulations: Annotated[
        int, typer.Option("--simulations", min=1, max=MOST_SIMULATIONS, help="Grids that --simulate draws.")
    ] = 2000,
) -> None:
    """Is a candidate as good as a baseline? Runs what is missing, look by look, and judges.

    Exit code 0: claim established; 1: regression; 2: wrong usage; 3: inconclusive; 4: incomplete or not comparable.

    Examples:

    imbal-bench regress --candidate random+invprop --baseline random+uniform --margin ba=.01,auc=.005 --spec nightly

    imbal-bench regress --candidate mine+invprop --plugin mine.py --baseline badge+invprop --margin pr=.02 --spec paper
    --ratios 50 --sequential obf:4,7,10 --claim superior

    imbal-bench regress --candidate dal+invprop --baseline dal+invprop@results/last-year --margin auc=.005 --spec paper

    imbal-bench regress --candidate mine+invprop --plugin mine.py --baseline random+uniform@main --margin auc=.01
    --spec nightly
    """
    from analysis.gate import new_plan, parse_looks, parse_margins, parse_strategy
    from bench.grid.expansion.expand import expand
    from bench.store.baseline import place_of
    from reports import terminal_verdict, write_gate

    console = console_here()
    plugins = add_plugins(plugin)
    against, _, elsewhere = baseline.partition("@")
    elsewhere = place_of(elsewhere, baselines) if elsewhere else ""
    # only the blocks and settings of the grid are wanted: what it runs is replaced by the two arms
    grid_spec = load(
        spec, [*(overrides or ()), "options={}"], tasks, ratios, seeds, "random", "uniform", model, learner
    )
    looks, world = parse_looks(sequential, len(grid_spec.seeds)), world_at(data_dir, cache_dir)
    run = run and not simulate
    folder = store or Path("results") / grid_spec.name
    grid = expand(grid_spec if run else _as_stored(grid_spec, world, folder), world, counted=run)
    plan = new_plan(
        candidate=_strategy(parse_strategy(candidate), None if run else folder),
        baseline=_strategy(parse_strategy(against), Path(elsewhere) if elsewhere else None if run else folder),
        baseline_store=elsewhere,
        claim=claim,
        margins=parse_margins(margin),
        harm_margins=parse_margins(harm) if harm else {},
        estimand=estimand,
        looks=looks,
        seeds=grid_spec.seeds[: looks[-1]],
        **({} if level is None else {"alpha": level}),
        **({} if futility is None else {"futility": futility}),
        **suite_of(grid),
    )
    if simulate:
        _try_out(plan, folder, simulations, console)
        return
    if run:
        from bench.config.slurm import load_slurm
        from bench.grid.driver.execution import Execution  # slow to load, and not needed to judge what is stored
        from bench.grid.executors.choice import choose_workers

        workers = choose_workers(
            executor, jobs=jobs, gpus=gpus, per_gpu=per_gpu, scheduler=scheduler,
            slurm=load_slurm(slurm) if slurm else None, needs_subprocess=run_timeout is not None,
        )  # fmt: skip
        execution = Execution(folder, world, workers, device, plugins, threads, run_timeout)
        verdict = _look_by_look(plan, grid, execution, console)
    else:
        verdict = _judged(plan, folder, grid)
    files = write_gate(verdict, out or folder / "report")  # before it is printed: whatever becomes of the terminal
    console.print(terminal_verdict(verdict))
    console.print(
        f"evidence: {files.html.resolve()} (and gate.md, gate.json, gate.xml)", highlight=False, soft_wrap=True
    )
    raise typer.Exit(verdict.exit_code)


def _as_stored(spec: GridSpec, world: World, folder: Path) -> GridSpec:
    """Return a specification whose model is named by content: of what is here, or else of the runs that are stored.

    Raises:
        ModelError: if the model is not here, and the store's runs are not of one model of that name.
    """
    from bench.errors import ModelError
    from bench.model.content import pinned

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
    """Return the runs that ``--store``, or what follows @ in ``--baseline``, names."""
    from analysis import read_results
    from bench.store.baseline import opened

    return read_results(opened(where))


def _strategy(asked: Asked, store: Path | None) -> Strategy:
    """Return the strategy that is meant: that of a store, or of the code at hand."""
    from analysis.gate import stored_strategy
    from bench.config.overrides import typed
    from bench.records import Strategy
    from bench.strategies.base import ALGORITHMS, WEIGHTINGS
    from bench.strategies.catalogue import component, option_type

    if store is not None:
        return stored_strategy(_stored(store), asked)

    def options(part: str, texts: dict[str, str]) -> dict[str, Option]:
        return {name: typed(text, option_type(part, name)) for name, text in texts.items()}

    return Strategy(
        algorithm=component(ALGORITHMS, asked.algorithm, options(asked.algorithm, asked.algorithm_options)),
        weighting=component(WEIGHTINGS, asked.weighting, options(asked.weighting, asked.weighting_options)),
    )


def suite_of(grid: Grid) -> dict[str, object]:
    """Return what a plan says of a grid: where it can be run, under which settings, and what is trained.

    Raises:
        SpecError: if the grid has several learners.
    """
    from analysis.gate import Place
    from bench.errors import SpecError
    from bench.grid.expansion.suited import components_of

    if len(grid.spec.learners) > 1:
        raise SpecError(f"learners are {', '.join(grid.spec.learners)}; strategies are compared under one: name it")
    grid.refuse_if_empty()
    blocks = [job.block for job in grid.jobs]
    places = dict.fromkeys(Place(task=block.task, ratio=block.ratio, start=block.start) for block in blocks)
    return {"places": tuple(places), "settings": grid.spec.settings, "learners": components_of(grid.spec)}


def data_of(grid: Grid) -> dict[str, str]:
    """Return the fingerprint of each dataset that a grid runs on, as far as it is known."""
    return {job.block.task.dataset: job.fingerprint for job in grid.jobs if job.fingerprint}


def _look_by_look(plan: Plan, grid: Grid, execution: Execution, console: Console) -> Verdict:
    """Run what each look lacks until one decides, and judge; blocks after that are never started."""
    from bench.grid.driver.execute import execute
    from bench.grid.driver.preflight import preflight
    from bench.store import Store

    Store(execution.store, create=True)
    arms = (plan.candidate,) if plan.baseline_store else (plan.candidate, plan.baseline)
    verdict = _judged(plan, execution.store, grid)
    for look, count in enumerate(plan.looks):
        if verdict.runnable and verdict.taken == look:
            preflight(grid.spec, execution, arms)
            execute(grid.running(arms, plan.seeds[:count]), execution, console)
            verdict = _judged(plan, execution.store, grid)
    return verdict


def _judged(plan: Plan, folder: Path, grid: Grid) -> Verdict:
    """Return the verdict on what is stored now; the plan is on record before it is made, and its looks after."""
    from analysis import Store
    from analysis.gate import judge, note_looks, register

    here = Store(folder)
    others = register(here, plan)
    known, excused = _known(plan)
    infeasible = (f"not in the comparison: {reason}" for reason in sorted({it.reason for it in grid.skipped}))
    notes = (*known, *infeasible)
    verdict = judge(plan, *_both(plan, folder), warnings=others, notes=notes, excused=excused, data_here=data_of(grid))
    note_looks(here, verdict)
    return verdict


def _known(plan: Plan) -> tuple[tuple[str, ...], set[tuple[str, str]]]:
    """Return what a named baseline is and what is acknowledged of the candidate, in lines, and what that excuses."""
    from analysis.gate import spelt
    from bench.store import Baseline
    from bench.store.acknowledged import excuses
    from bench.store.baseline import opened

    there = opened(plan.baseline_store) if plan.baseline_store else None
    if not isinstance(there, Baseline):
        return (), set()
    header, today = there.header, datetime.now().astimezone().date()
    lines, excused = excuses(there, {str(plan.candidate), spelt(plan.candidate)}, today)
    return (f"baseline {header.name}: saved {header.created}, sha256 {header.sha256[:12]}", *lines), excused


def _try_out(plan: Plan, folder: Path, simulations: int, console: Console) -> None:
    """Print how often the plan errs and finds on grids that vary as the stored runs do."""
    from analysis.gate import simulate, stored_spread
    from reports import terminal_simulation

    spread = stored_spread(plan, *_both(plan, folder))
    console.print(terminal_simulation(simulate(plan, spread, simulations)))


def _both(plan: Plan, folder: Path) -> tuple[Results, Results]:
    """Return the candidate's and the baseline's stored runs."""
    here = _stored(folder)
    return here, _stored(plan.baseline_store) if plan.baseline_store else here
