"""Run a grid, and look at one that runs."""

from __future__ import annotations

from typing import Annotated

import typer

from imbal_bench.cli.options import (
    QUICKSTART,
    Arms,
    DebugOption,
    JsonOption,
    Machines,
    Places,
    PluginOption,
    SpecArgument,
    StoreHere,
    StoreOption,
    Suite,
    plugins_of,
    print_json,
)


def run(
    spec: SpecArgument,
    suite: Suite,
    arms: Arms,
    places: Places,
    machines: Machines,
    store: StoreOption = None,
    shard: Annotated[
        str | None, typer.Option("--shard", help="Run share i of n of the blocks, e.g. 1/8; shares may use one store.")
    ] = None,
    plugin: PluginOption = None,
    with_excerpts: Annotated[
        bool,
        typer.Option("--with-excerpts", help="Keep how three selected texts of each run begin, in the store alone."),
    ] = False,
    report: Annotated[bool, typer.Option(help="Write the report when all runs have ended.")] = True,
    debug: DebugOption = False,
) -> None:
    """Run what is missing of a grid, then report.

    Stop it with Ctrl-C at any time; the same command goes on where it stopped. Exit code 1: some runs failed; 2: wrong
    usage, or nothing can be run.

    Examples:

    imbal-bench run quickstart --jobs 2

    imbal-bench run paper --tasks sst2 --ratios 50 --data-dir mirror

    imbal-bench run paper --gpus all --per-gpu 2
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.display.stores import show_report, show_summary
    from imbal_bench.workflows import grids
    from imbal_bench.workflows import run as workflow

    console, plugins = console_here(), plugins_of(plugin)
    grid_spec = suite.spec(spec, arms)
    execution = machines.execution(
        grids.store_of(store, grid_spec), places.world, plugins, debug=debug, with_excerpts=with_excerpts
    )
    prepared = workflow.prepare(grid_spec, execution, shard)
    for line in prepared.warnings:
        console.print(line, style="yellow")
    summary = workflow.run(prepared, console)
    if report and shard is None:  # of a shard alone it would show little, and shards would write it at the same time
        from imbal_bench.workflows.report import report as write

        show_report(write(execution.store), console)
    show_summary(summary, execution.store, console)
    if summary.missing:
        raise typer.Exit(1)


def status(store: StoreHere = QUICKSTART, json: JsonOption = False) -> None:
    """Show what a store holds, share done and time left of a grid that runs, and what failed for what reason."""
    from imbal_bench.display.console import console_here
    from imbal_bench.display.stores import show_status
    from imbal_bench.workflows.status import status as status_of

    found = status_of(store)
    if json:
        print_json(found.values())
    else:
        show_status(found, console_here())
