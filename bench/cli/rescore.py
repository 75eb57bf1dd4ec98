"""Metrics of stored runs, added without running anything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.console import console_here
from bench.cli.options import DEFAULT_CACHE, CacheOption, DataOption, PluginOption, add_plugins, world_at

LINES_SHOWN = 20


def rescore(
    store: Annotated[Path, typer.Argument(help="Result store.")],
    metrics: Annotated[
        str | None, typer.Option("--metrics", help="E.g. average_precision,brier; see `list metrics`. Default: all.")
    ] = None,
    data_dir: DataOption = None,
    cache_dir: CacheOption = DEFAULT_CACHE,
    plugin: PluginOption = None,
) -> None:
    """Add metrics to the runs of a store from their stored test probabilities; nothing is run.

    Test labels are kept in the store; those of runs from before they were are taken from the data, once. A stored value
    stays as it is, unless it is wrong: then it is replaced, and said. Exit code 1: some runs could not be completed.

    Examples:

    imbal-bench rescore results/paper

    imbal-bench rescore results/paper --metrics average_precision,brier --data-dir mirror
    """
    from bench.errors import SpecError
    from bench.grid.stored.rescore import rescore as rescore_store
    from bench.store import Store
    from bench.words import items

    add_plugins(plugin)
    names = () if metrics is None else tuple(items(metrics) or (metrics,))
    if metrics is not None and not all(name.strip() for name in names):
        raise SpecError(f"--metrics {metrics!r} must name metrics, e.g. average_precision,brier; leave it out for all")
    console = console_here()
    with console.status("") as status:
        done = rescore_store(
            Store(store), world_at(data_dir, cache_dir), [name.strip() for name in names],
            lambda runs: status.update(f"{runs:,} runs looked at"),
        )  # fmt: skip
    for line in done.replaced[:LINES_SHOWN]:
        console.print(f"was wrong: {line}", style="red", markup=False, highlight=False)
    if len(done.replaced) > LINES_SHOWN:
        console.print(f"... and {len(done.replaced) - LINES_SHOWN:,} more", style="red", highlight=False)
    for reason, runs in done.left_out.items():
        console.print(f"{runs:,} runs lack metrics still: {reason}", style="yellow", markup=False, highlight=False)
    added = ", ".join(f"{name} ({count:,})" for name, count in sorted(done.added.items())) or "nothing"
    said = f"{done.runs:,} runs, {done.changed:,} changed; values added: {added}; replaced: {len(done.replaced):,}"
    console.print(said, highlight=False, markup=False)
    if done.left_out:
        raise typer.Exit(1)
