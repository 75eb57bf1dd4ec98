"""Run a grid, and look at one that runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from bench.cli.console import console_here
from bench.cli.options import (
    DEFAULT_CACHE,
    DEFAULT_JOBS,
    AlgorithmsOption,
    CacheOption,
    DataOption,
    DeviceOption,
    ExecutorOption,
    GpusOption,
    JobsOption,
    JudgeOption,
    LearnerOption,
    ModelOption,
    PerGpuOption,
    PluginOption,
    RatiosOption,
    SchedulerOption,
    SeedsOption,
    SetOption,
    ShardOption,
    SlurmOption,
    SpecArgument,
    StoreOption,
    TasksOption,
    ThreadsOption,
    TimeoutOption,
    WeightingsOption,
    add_plugins,
    load,
    world_at,
)
from bench.cli.results import print_and_write

if TYPE_CHECKING:
    from bench.grid.driver.execute import Summary
    from bench.grid.driver.execution import Execution
    from bench.grid.expansion.blocks import Grid


def run(
    spec: SpecArgument,
    overrides: SetOption = None,
    tasks: TasksOption = None,
    ratios: RatiosOption = None,
    seeds: SeedsOption = None,
    algorithms: AlgorithmsOption = None,
    weightings: WeightingsOption = None,
    model: ModelOption = None,
    learner: LearnerOption = None,
    judge: JudgeOption = None,
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
    shard: ShardOption = None,
    run_timeout: TimeoutOption = None,
    plugin: PluginOption = None,
    report: Annotated[bool, typer.Option(help="Write the report when all runs have ended.")] = True,
) -> None:
    """Run what is missing of a grid, then report.

    Stop it with Ctrl-C at any time; the same command goes on where it stopped. Exit code 1: some runs failed; 2: wrong
    usage, or nothing can be run.

    Examples:

    imbal-bench run quickstart --jobs 2

    imbal-bench run paper --tasks sst2 --ratios 50 --data-dir mirror

    imbal-bench run paper --gpus all --per-gpu 2
    """
    from bench.config.slurm import load_slurm
    from bench.display import pool_warnings
    from bench.grid.driver.execute import execute
    from bench.grid.driver.execution import Execution
    from bench.grid.driver.preflight import preflight
    from bench.grid.executors.choice import choose_workers
    from bench.grid.expansion.expand import expand

    console = console_here()
    plugins = add_plugins(plugin)
    workers = choose_workers(
        executor, jobs=jobs, gpus=gpus, per_gpu=per_gpu, scheduler=scheduler,
        slurm=load_slurm(slurm) if slurm else None, needs_subprocess=run_timeout is not None,
    )  # fmt: skip
    grid_spec = load(spec, overrides, tasks, ratios, seeds, algorithms, weightings, model, learner, judge)
    world = world_at(data_dir, cache_dir)
    grid = expand(grid_spec, world)
    grid.refuse_if_empty()
    if shard is not None:
        grid = _share(grid, *_shard(shard))
    for line in (*(f"skipped: {line}" for line in grid.unsuited), *pool_warnings(grid)):
        console.print(line, style="yellow", highlight=False)
    folder = store or Path("results") / grid_spec.name
    execution = Execution(folder, world, workers, device, plugins, threads, run_timeout)
    preflight(grid.spec, execution, grid.strategies)
    summary = execute(grid, execution, console)
    if report and shard is None:  # of a shard alone it would show little, and shards would write it at the same time
        print_and_write(execution.store, execution.store / "report", console)
    _conclude(summary, execution, console)


def _shard(text: str) -> tuple[int, int]:
    """Read ``i/n``."""
    from bench.errors import SpecError

    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal()):
        raise SpecError(f"--shard {text!r} must read i/n, such as 1/8 for the first of eight shares")
    return int(number), int(count)


def _share(grid: Grid, number: int, count: int) -> Grid:
    from bench.errors import SpecError

    share = grid.shard(number, count)
    if not share.jobs:
        raise SpecError(
            f"shard {number}/{count} has no block to run: the grid has {len(grid.jobs)}; give at most that many shards"
        )
    return share


def _conclude(summary: Summary, execution: Execution, console: Console) -> None:
    console.print(
        f"{summary.stored_before + summary.done} of {summary.total} runs stored in {execution.store} "
        f"({summary.done} now, {summary.skipped} infeasible ones skipped); log: {summary.log_file}",
        highlight=False,
    )
    if summary.missing:
        for line in summary.failures[:5]:
            console.print(f"failed: {line}", style="red", markup=False, highlight=False)
        console.print(f"{summary.missing} runs failed; the same command tries them again", style="red")
        raise typer.Exit(1)


def status(
    store: Annotated[Path, typer.Option("--store", help="Result store.")] = Path("results/quickstart"),
) -> None:
    """Show what a store holds, what failed, and what its workers are doing now."""
    from bench.display import show_status
    from bench.store import Store

    show_status(Store(store), console_here())
