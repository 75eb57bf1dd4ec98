"""What there is, and what it would cost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli.console import console_here
from bench.cli.options import (
    DEFAULT_CACHE,
    DEFAULT_JOBS,
    AlgorithmsOption,
    CacheOption,
    DataOption,
    DeviceOption,
    JobsOption,
    JudgeOption,
    LearnerOption,
    ModelOption,
    PluginOption,
    RatiosOption,
    SeedsOption,
    SetOption,
    SpecArgument,
    TasksOption,
    ThreadsOption,
    WeightingsOption,
    add_plugins,
    load,
    world_at,
)


def plan(
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
    data_dir: DataOption = None,
    cache_dir: CacheOption = DEFAULT_CACHE,
    jobs: JobsOption = DEFAULT_JOBS,
    threads: ThreadsOption = None,
    device: DeviceOption = "auto",
    plugin: PluginOption = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Calibrate: time the model on this machine first.")
    ] = False,
    calibration: Annotated[
        Path | None,
        typer.Option(help="Calibration made elsewhere by --measure, e.g. on the GPU the grid shall run on."),
    ] = None,
) -> None:
    """Show what a grid amounts to: blocks, runs, model fits, rows to score, expected time by stage.

    Counts come from the data where it is at hand, from known facts of the datasets otherwise. A calibration takes about
    half a minute and is kept.

    Examples:

    imbal-bench plan paper --ratios 50

    imbal-bench plan paper --measure
    """
    from bench.display import show_plan
    from bench.errors import SpecError
    from bench.grid.cost.rates import find, rates_file, read, save
    from bench.grid.executors.choice import Workers
    from bench.grid.expansion.expand import expand
    from bench.model.content import pinned_if_local
    from bench.model.hardware import choose_hardware, device_name

    if measure and calibration:
        raise SpecError("give --measure to calibrate here or --calibration to use a file, not both")
    add_plugins(plugin)
    grid_spec = load(spec, overrides, tasks, ratios, seeds, algorithms, weightings, model, learner, judge)
    world, console = world_at(data_dir, cache_dir), console_here()
    grid = expand(grid_spec, world, counted=False)
    each = threads or Workers("joblib", jobs).threads_each
    rates = None
    if measure:
        from bench.grid.cost.calibrate import calibrate

        hardware = choose_hardware(device, grid_spec.model.precision)
        rates = calibrate(grid_spec, hardware, each, cache_dir)
        path = rates_file(cache_dir, rates)
        save(rates, path)
        console.print(f"calibration kept in {path}", highlight=False)
    elif kept := calibration or find(cache_dir, grid_spec.model, device_name(device), each):
        rates = read(kept, pinned_if_local(grid_spec.model, cache_dir))
    show_plan(grid, rates, jobs, console)
    grid.refuse_if_empty()


def list_(
    what: Annotated[
        Literal["all", "datasets", "tasks", "algorithms", "weightings", "learners", "metrics", "presets"],
        typer.Argument(),
    ] = "all",
    data_dir: DataOption = None,
    plugin: PluginOption = None,
) -> None:
    """List datasets, tasks, algorithms, weightings, learners, metrics and presets, with their facts."""
    from bench import display
    from bench.strategies.base import ALGORITHMS, WEIGHTINGS
    from bench.strategies.catalogue import facts

    add_plugins(plugin)
    console = console_here()
    sections: dict[str, Callable[[], None]] = {
        "datasets": lambda: display.show_datasets(data_dir, console),
        "tasks": lambda: display.show_tasks(console),
        "algorithms": lambda: display.show_parts("Algorithms", facts(ALGORITHMS), console),
        "weightings": lambda: display.show_parts("Weightings", facts(WEIGHTINGS), console),
        "learners": lambda: display.show_learners(console),
        "metrics": lambda: display.show_metrics(console),
        "presets": lambda: display.show_presets(console),
    }
    for name, show in sections.items():
        if what in {"all", name}:
            show()
            console.print()
