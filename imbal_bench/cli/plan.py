"""What there is, and what it would cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import typer

from imbal_bench.cli.options import (
    Arms,
    CalibrationOption,
    Cores,
    DataOption,
    Places,
    PluginOption,
    SpecArgument,
    Suite,
    plugins_of,
)


def plan(
    spec: SpecArgument,
    suite: Suite,
    arms: Arms,
    places: Places,
    cores: Cores,
    plugin: PluginOption = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Calibrate: time the model on this machine first.")
    ] = False,
    calibration: CalibrationOption = None,
) -> None:
    """Show what a grid amounts to: blocks, runs, model fits, rows to score, expected time by stage.

    Counts come from the data where it is at hand, from known facts of the datasets otherwise. A calibration takes about
    half a minute and is kept.

    Examples:

    imbal-bench plan paper --ratios 50

    imbal-bench plan paper --measure
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.display.plans import show_plan
    from imbal_bench.workflows.plan import plan as planned

    plugins_of(plugin)
    console = console_here()
    found = planned(
        suite.spec(spec, arms),
        places.world,
        jobs=cores.jobs,
        threads=cores.threads,
        device=cores.device,
        measure=measure,
        calibration=calibration,
    )
    if found.kept:
        console.print(f"calibration kept in {found.kept}")
    show_plan(found.grid, found.rates, cores.jobs, found.warnings, console)
    found.grid.refuse_if_empty()


def list_(
    what: Annotated[
        Literal["all", "datasets", "tasks", "algorithms", "weightings", "learners", "metrics", "presets"],
        typer.Argument(),
    ] = "all",
    data_dir: DataOption = None,
    plugin: PluginOption = None,
) -> None:
    """List datasets, tasks, algorithms, weightings, learners, metrics and presets, with their facts."""
    from imbal_bench.display import parts
    from imbal_bench.display.console import console_here

    plugins_of(plugin)
    console = console_here()
    sections: dict[str, Callable[[], None]] = {
        "datasets": lambda: parts.show_datasets(data_dir, console),
        "tasks": lambda: parts.show_tasks(data_dir, console),
        "algorithms": lambda: parts.show_algorithms(console),
        "weightings": lambda: parts.show_weightings(console),
        "learners": lambda: parts.show_learners(console),
        "metrics": lambda: parts.show_metrics(console),
        "presets": lambda: parts.show_presets(console),
    }
    for name, show in sections.items():
        if what in {"all", name}:
            show()
            console.print()
