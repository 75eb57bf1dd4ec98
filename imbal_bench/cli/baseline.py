"""Freeze stored runs under a name, and look at what is frozen."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from imbal_bench.cli.commands import Commands
from imbal_bench.cli.options import (
    BASELINES,
    CACHE,
    QUICKSTART,
    BaselineArgument,
    BaselinesOption,
    CacheOption,
    MetricOption,
    PluginOption,
    StoreHere,
    finite,
    plugins_of,
)

baseline_app = Commands(no_args_is_help=True, help="Named, immutable sets of stored runs to compare with.")


@baseline_app.command()
def save(
    name: BaselineArgument,
    store: StoreHere = QUICKSTART,
    strategies: Annotated[
        str | None, typer.Option(help="Whose runs, e.g. random+uniform,badge+invprop. Default: all.")
    ] = None,
    note: Annotated[str, typer.Option(help="What it is, in words.")] = "",
    baselines: BaselinesOption = BASELINES,
) -> None:
    """Freeze the finished runs of a store. A name is given once; test probabilities stay in the store.

    Examples:

    imbal-bench baseline save 2026-11 --store results/laptop --note "before the new encoder"
    """
    from imbal_bench.display.baselines import show_saved
    from imbal_bench.display.console import console_here
    from imbal_bench.workflows import baselines as workflow

    wanted = [part.strip() for part in strategies.split(",")] if strategies else []
    show_saved(workflow.save(name, store, baselines, strategies=wanted, note=note), console_here())


@baseline_app.command()
def migrate(
    name: BaselineArgument,
    baselines: BaselinesOption = BASELINES,
    cache_dir: CacheOption = CACHE,
    plugin: PluginOption = None,
) -> None:
    """Bring a baseline that an earlier version saved to today's form; the old file is kept."""
    from imbal_bench.display.console import console_here
    from imbal_bench.display.stores import show_unknown
    from imbal_bench.workflows import baselines as workflow

    plugins_of(plugin)
    console = console_here()
    runs, unknown = workflow.migrate(name, baselines, cache_dir)
    show_unknown(unknown, console)
    console.print("nothing to do: it is of this version" if runs is None else f"{runs:,} runs converted")


@baseline_app.command("list")
def list_(baselines: BaselinesOption = BASELINES) -> None:
    """List the baselines of a folder; one that was tampered with is named as such. Exit code 1: there is one."""
    from imbal_bench.display.baselines import show_list
    from imbal_bench.display.console import console_here
    from imbal_bench.workflows import baselines as workflow

    found = workflow.listed(baselines)
    show_list(found, baselines, console_here())
    if found.damaged:
        raise typer.Exit(1)


@baseline_app.command()
def show(name: BaselineArgument, baselines: BaselinesOption = BASELINES) -> None:
    """Show what a baseline holds, what it was made with, and which regressions against it are acknowledged."""
    from imbal_bench.display.baselines import show_baseline
    from imbal_bench.display.console import console_here
    from imbal_bench.workflows import baselines as workflow

    show_baseline(workflow.show(name, baselines), console_here())


@baseline_app.command()
def compare(name: BaselineArgument, store: StoreHere = QUICKSTART, baselines: BaselinesOption = BASELINES) -> None:
    """Show which runs of a baseline a store lacks, which values changed, and what they were made with then and now."""
    from imbal_bench.display.baselines import show_changes
    from imbal_bench.display.console import console_here
    from imbal_bench.workflows import baselines as workflow

    show_changes(workflow.compare(name, store, baselines), store, console_here())


@baseline_app.command()
def acknowledge(
    name: BaselineArgument,
    task: Annotated[str, typer.Option(help="Task that got worse, e.g. sst2/positive.")],
    metric: MetricOption,
    size: Annotated[
        float, typer.Option(callback=finite, help="Largest loss that is accepted, in the metric's unit, e.g. 0.03.")
    ],
    reason: Annotated[str, typer.Option(help="Why this regression is accepted.")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day on which it is accepted.")],
    candidate: Annotated[str, typer.Option(help="Strategy it is accepted in. Default: any.")] = "",
    baselines: BaselinesOption = BASELINES,
) -> None:
    """Acknowledge a known regression up to a size: the gate shows it and does not fail for it, until a day.

    Examples:

    imbal-bench baseline acknowledge 2026-11 --task sst2/positive --metric auc --size .03 --reason "issue 12" --until
    2027-01-31
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.workflows import baselines as workflow

    known = workflow.acknowledge(
        name, baselines, task=task, metric=metric, size=size, reason=reason, until=until.date(), candidate=candidate
    )
    console_here().print(f"acknowledged: {known}")
