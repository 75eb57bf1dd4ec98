"""What there is, and what it would cost."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from imbal_bench.cli.options import (
    Arms,
    CalibrationOption,
    Cores,
    DataOption,
    JsonOption,
    Places,
    PluginOption,
    SpecArgument,
    Suite,
    plugins_of,
    print_json,
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
    json: JsonOption = False,
) -> None:
    """Show what a grid amounts to: blocks, runs, model fits, rows to score, expected time by stage.

    Counts come from the data where there is any, from known facts of the datasets otherwise. A calibration takes about
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
    if json:
        print_json(found.values(cores.jobs))
        found.grid.refuse_if_empty()
        return
    if found.kept:
        console.print(f"calibration kept in {found.kept}")
    show_plan(found.grid, found.rates, cores.jobs, found.warnings, console)
    found.grid.refuse_if_empty()


def list_(
    what: Annotated[
        Literal["all", "datasets", "tasks", "algorithms", "weightings", "learners", "metrics", "presets"],
        typer.Argument(),
    ] = "all",
    name: Annotated[str, typer.Argument(help="One of them, with all its facts.")] = "",
    data_dir: DataOption = None,
    json: JsonOption = False,
    plugin: PluginOption = None,
) -> None:
    """List datasets, tasks, algorithms, weightings, learners, metrics and presets; one that is named in full.

    Examples:

    imbal-bench list algorithms

    imbal-bench list algorithms badge
    """
    from bench.errors import SpecError
    from imbal_bench.display import parts
    from imbal_bench.display.console import console_here

    if name and what == "all":
        raise SpecError(f"list all {name}: say what {name} is, e.g. list algorithms {name}")
    plugins_of(plugin)
    console = console_here()
    found = {kind: parts.listed(kind, name, data_dir) for kind in parts.SHORT if what in {"all", kind}}
    if json:
        print_json(found)
        return
    for kind, own in found.items():
        if name:
            parts.show_one(own[0], console)
        else:
            parts.show_list(kind, own, console)
            console.print()
    if not name:
        console.print("list algorithms NAME, list metrics NAME ... show all facts of one.")
