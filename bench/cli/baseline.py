"""Freeze stored runs under a name, and look at what is frozen."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from bench.cli.commands import Commands
from bench.cli.console import console_here
from bench.cli.options import DEFAULT_CACHE, CacheOption, PluginOption, add_plugins

if TYPE_CHECKING:
    from analysis import Changes
    from bench.store import Baseline

baseline_app = Commands(no_args_is_help=True, help="Named, immutable sets of stored runs to compare with.")
NameArgument = Annotated[str, typer.Argument(help="Name of the baseline.")]
FolderOption = Annotated[
    Path, typer.Option("--baselines", envvar="IMBAL_BENCH_BASELINES", help="Folder of baselines; may be kept in git.")
]
StoreOption = Annotated[Path, typer.Option("--store", help="Result store.")]
DEFAULT_FOLDER = Path("baselines")
MOST_SHOWN = 10


@baseline_app.command()
def save(
    name: NameArgument,
    store: StoreOption = Path("results/quickstart"),
    strategies: Annotated[
        str | None, typer.Option(help="Whose runs, e.g. random+uniform,badge+invprop. Default: all.")
    ] = None,
    note: Annotated[str, typer.Option(help="What it is, in words.")] = "",
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Freeze the finished runs of a store. A name is given once; test probabilities stay in the store.

    Examples:

    imbal-bench baseline save 2026-11 --store results/laptop --note "before the new encoder"
    """
    from bench.store import Store
    from bench.store import baseline as baselines

    source = Store(store)
    wanted = [part.strip() for part in strategies.split(",")] if strategies else []
    saved = baselines.save(source, folder, name, strategies=wanted, note=note)
    console = console_here()
    size = saved.path.stat().st_size / 1024
    console.print(
        f"{saved.header.runs} runs saved in {saved.path} ({size:,.0f} kB), sha256 {saved.header.sha256[:12]}",
        highlight=False,
        markup=False,
    )
    failed = source.keys("failed") - source.keys()
    if failed:
        console.print(f"{len(failed)} failed runs of the store are not in it", style="yellow", highlight=False)


@baseline_app.command()
def migrate(
    name: NameArgument,
    folder: FolderOption = DEFAULT_FOLDER,
    cache_dir: CacheOption = DEFAULT_CACHE,
    plugin: PluginOption = None,
) -> None:
    """Bring a baseline that an earlier version saved to today's form; the old file is kept."""
    from bench.cli.store import say_unknown
    from bench.grid.stored.convert import Converter
    from bench.store.baseline import migrate as migrate_baseline

    add_plugins(plugin)
    convert, console = Converter(cache_dir), console_here()
    runs = migrate_baseline(folder, name, convert)
    say_unknown(convert, console)
    said = "nothing to do: it is of this version" if runs is None else f"{runs:,} runs converted"
    console.print(said, highlight=False)


@baseline_app.command("list")
def list_(folder: FolderOption = DEFAULT_FOLDER) -> None:
    """List the baselines of a folder; one that was tampered with is named as such. Exit code 1: there is one."""
    from bench.errors import StoreError
    from bench.store import Baseline
    from bench.store.baseline import names

    table, torn = Table(show_edge=False, pad_edge=False), []
    for column in ("name", "runs", "saved", "sha256", "note"):
        table.add_column(column, overflow="fold")
    for name in names(folder):
        try:
            header = Baseline(folder, name).header
        except StoreError as error:
            torn.append(str(error))
            continue
        table.add_row(name, str(header.runs), header.created, header.sha256[:12], Text(header.note))
    console = console_here()
    console.print(table if table.row_count else f"no baselines in {folder}; `baseline save NAME` makes one")
    for line in torn:
        console.print(line, style="red", markup=False, highlight=False)
    if torn:
        raise typer.Exit(1)


@baseline_app.command()
def show(name: NameArgument, folder: FolderOption = DEFAULT_FOLDER) -> None:
    """Show what a baseline holds, what it was made with, and which regressions against it are acknowledged."""
    from analysis import overview, read_results
    from bench.store import Baseline
    from bench.store.acknowledged import acknowledgements

    baseline, console = Baseline(folder, name), console_here()
    seen, header = overview(read_results(baseline)), baseline.header
    facts = {
        "baseline": header.name,
        "note": header.note,
        "saved": header.created,
        "sha256": header.sha256,
        "runs": str(header.runs),
        "tasks": ", ".join(seen.tasks),
        "strategies": ", ".join("+".join(pair) for pair in seen.strategies),
        "positives in the pool": ", ".join(seen.ratios) + f", {' and '.join(seen.starts)}",
        "seeds": ", ".join(map(str, seen.seeds)),
        **{fact: "; ".join(values) for fact, values in seen.made_with.items()},
    }
    table = Table(show_header=False, show_edge=False, pad_edge=False)
    for fact, value in facts.items():
        table.add_row(fact, Text(value))
    console.print(table)
    today = datetime.now().astimezone().date()
    for one in acknowledgements(baseline):
        state = "acknowledged" if one.in_force(today) else "acknowledged no longer"
        console.print(f"{state}: {one}", markup=False, highlight=False)


@baseline_app.command()
def compare(
    name: NameArgument, store: StoreOption = Path("results/quickstart"), folder: FolderOption = DEFAULT_FOLDER
) -> None:
    """Show which runs of a baseline a store lacks, which values changed, and what they were made with then and now."""
    from analysis import changes
    from bench.store import Baseline, Store

    baseline = Baseline(folder, name)
    _show(baseline, changes(baseline, Store(store)), store)


def _show(baseline: Baseline, found: Changes, store: Path) -> None:
    console = console_here()
    console.print(
        f"{found.runs} runs in {baseline.header.name}; in {store}, {found.identical} are identical bit for bit, "
        f"{found.drifted} differ, {sum(found.missing.values())} are missing",
        markup=False,
        highlight=False,
    )
    lines = [f"{count} missing: {reason}" for reason, count in found.missing.items()]
    lines += [
        f"{one.run}: {one.metric} {one.before:.6f} -> {one.after:.6f} ({one.after - one.before:+.6f})"
        for one in found.changed[:MOST_SHOWN]
    ]
    if len(found.changed) > MOST_SHOWN:
        lines.append(f"... and {len(found.changed) - MOST_SHOWN} smaller changes")
    for line in lines:
        console.print(line, markup=False, highlight=False)
    if found.environment:
        table = Table(show_edge=False, pad_edge=False)
        for column in ("made with", "baseline", "store"):
            table.add_column(column, overflow="fold")
        for fact, sides in found.environment.items():
            table.add_row(fact, *(Text("; ".join(values)) for values in sides))
        console.print("", table)


@baseline_app.command()
def acknowledge(
    name: NameArgument,
    task: Annotated[str, typer.Option(help="Task that got worse, e.g. sst2/positive.")],
    metric: Annotated[str, typer.Option(help="Any that its runs have; see `list metrics`.")],
    reason: Annotated[str, typer.Option(help="Why it is put up with.")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day on which it is put up with.")],
    candidate: Annotated[str, typer.Option(help="Strategy it is put up with in. Default: any.")] = "",
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Acknowledge a known regression: the gate shows it and does not fail for it, until a day.

    Examples:

    imbal-bench baseline acknowledge 2026-11 --task sst2/positive --metric auc --reason "issue 12" --until 2027-01-31
    """
    from bench.store import Baseline
    from bench.store import acknowledged as known

    today = datetime.now().astimezone().date()
    new = known.acknowledge(
        Baseline(folder, name), task=task, metric=metric, reason=reason, until=until.date(), today=today,
        candidate=candidate,
    )  # fmt: skip
    console_here().print(f"acknowledged: {new}", markup=False, highlight=False)
