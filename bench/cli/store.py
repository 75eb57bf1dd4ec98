"""Result stores as files: put together, packed, published."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from bench.cli.commands import Commands
from bench.cli.console import console_here
from bench.cli.options import DEFAULT_CACHE, CacheOption, PluginOption, add_plugins

if TYPE_CHECKING:
    from bench.grid.stored.convert import Converter
    from bench.records import RunRecord

store_app = Commands(
    help="Result stores: merge those of several machines, pack many files into few, publish.", no_args_is_help=True
)
StoreHere = Annotated[Path, typer.Option("--store", help="Result store.")]
DEFAULT_STORE = Path("results/quickstart")
LINES_SHOWN = 20


@store_app.command()
def merge(
    into: Annotated[Path, typer.Argument(help="Store that grows; it is made if there is none.")],
    sources: Annotated[list[Path], typer.Argument(metavar="FROM...", help="Stores of other machines; only read.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.")] = False,
) -> None:
    """Add the runs of other stores. Exit code 1: a run has different results, was refused, or could not be read.

    A run that is there already is never overwritten; the other result of it is kept beside, as a replicate. A run that
    does not belong beside the store's own runs of its block, by what their common first model says, is refused.

    Examples:

    imbal-bench store merge results/paper gpu1/results/paper gpu2/results/paper
    """
    from bench.store import Store
    from bench.store.merge import merge as merge_stores

    others = [Store(path) for path in sources]  # first, so that a wrong name makes no store
    found = merge_stores(Store(into, create=not dry_run), others, dry_run=dry_run)
    console = console_here()
    for title, lines in (("conflict", found.conflicts), ("refused", found.refused), ("left out", found.unreadable)):
        for line in lines[:LINES_SHOWN]:
            console.print(f"{title}: {line}", style="red", markup=False, highlight=False)
        if len(lines) > LINES_SHOWN:
            console.print(f"... and {len(lines) - LINES_SHOWN:,} more", style="red", highlight=False)
    added = f"{found.new:,} runs and {found.unfinished:,} failed or skipped ones"
    again = _counted(found.agreements)
    console.print(
        f"{'would add' if dry_run else 'added'} {added}; {found.known:,} were there already"
        + (f"; other results of runs that were there: {again}" if again else ""),
        highlight=False,
    )
    if found.conflicts or found.refused or found.unreadable:
        raise typer.Exit(1)


@store_app.command()
def migrate(
    store: StoreHere = DEFAULT_STORE,
    cache_dir: CacheOption = DEFAULT_CACHE,
    plugin: PluginOption = None,
) -> None:
    """Bring a store that an earlier version wrote to today's form and names; nothing is lost or run again.

    No grid may be running on it. If it is stopped, the same command goes on. Exit code 1: a file could not be
    converted and lies in aside/ now.
    """
    from analysis.gate import migrate_plans
    from bench.grid.stored.convert import Converter
    from bench.store import Store
    from bench.store.migrate import migrate as migrate_store

    add_plugins(plugin)
    there, convert, console = Store(store, earlier=True), Converter(cache_dir), console_here()
    with console.status("") as status:
        plans = migrate_plans(there, convert.strategy, convert.settings)
        done = migrate_store(there, convert, lambda runs: status.update(f"{runs:,} runs converted"))
    for line in done.set_aside[:LINES_SHOWN]:
        console.print(f"set aside: {line}", style="red", markup=False, highlight=False)
    say_unknown(convert, console)
    console.print(
        f"{done.runs:,} runs, {done.unfinished:,} failed or skipped ones, {done.replicates:,} replicates and {plans:,} "
        f"plans converted; {len(done.set_aside):,} set aside",
        highlight=False,
    )
    if done.set_aside:
        raise typer.Exit(1)


def say_unknown(convert: Converter, console: Console) -> None:
    """Say what was not known of the records that were converted, and what follows."""
    lines = [
        f"{count:,} records are of a model {name!r} that is not here, or has other weights now: they are compared with "
        "each other, and not found by grids that are run from now on"
        for name, count in convert.unknown_models.items()
    ]
    lines += [f"{count:,} records are of the {name}: they bear that name" for name, count in convert.renamed.items()]
    lines += [
        f"{count:,} records are of the {name}, which is not known here: they are kept and reported, and not found by "
        "grids that are run from now on; give --plugin to change that before migrating"
        for name, count in convert.unknown_parts.items()
    ]
    for line in lines:
        console.print(line, style="yellow")


@store_app.command()
def compact(store: StoreHere = DEFAULT_STORE) -> None:
    """Move the files of all finished runs into a few packs, bit for bit, and join small packs; all is read as before.

    A grid may be running on the store.
    """
    from bench.store import Store
    from bench.store.compact import compact as compact_store

    done, console = compact_store(Store(store)), console_here()
    moved = f"{done.runs:,} runs moved out of files of their own ({done.bytes_before / 1e6:,.1f} MB)"
    console.print(f"{moved}; {done.packs:,} new packs ({done.bytes_after / 1e6:,.1f} MB)", highlight=False)
    if done.unsound:
        console.print(f"{done.unsound:,} damaged runs were left as they are; doctor names them", style="red")
        raise typer.Exit(1)


@store_app.command()
def replicates(store: StoreHere = DEFAULT_STORE) -> None:
    """Say how far the results of other machines agree with the store's own, by what they were made with."""
    from bench.store import Store
    from bench.store.replicates import agreements

    console = console_here()
    degrees: defaultdict[str, Counter[str]] = defaultdict(Counter)
    largest: defaultdict[str, float] = defaultdict(float)
    for own, other, agreement in agreements(Store(store)):
        pair = f"{_made_with(own)} | {_made_with(other)}"
        degrees[pair][agreement.degree] += 1
        largest[pair] = max(largest[pair], agreement.difference)
    for pair, counts in sorted(degrees.items()):
        line = f"{pair}: {_counted(counts)}; test probabilities up to {largest[pair]:.2g} apart"
        console.print(line, markup=False, highlight=False)
    if not degrees:
        console.print(f"{store} has no replicates; store merge keeps them where stores have runs in common")


def _made_with(record: RunRecord) -> str:
    made = record.provenance
    if made is None:
        return "not recorded"
    return f"{made.device}, {made.precision}, {made.threads} threads, torch {made.versions.get('torch', 'unknown')}"


def _counted(degrees: Counter[str]) -> str:
    return ", ".join(f"{count:,} {degree}" for degree, count in sorted(degrees.items()))


@store_app.command()
def export(
    out: Annotated[Path, typer.Argument(help="Folder to write, or one file that ends in .zip.")],
    store: StoreHere = DEFAULT_STORE,
    with_texts: Annotated[
        bool, typer.Option("--with-texts", help="Add excerpts of selected texts; mind the datasets' licences.")
    ] = False,
) -> None:
    """Write runs and rounds as Parquet and CSV for publication, with what columns mean, and hashes.

    Names of machines, places on their disks and texts stay out of it.

    Examples:

    imbal-bench store export runs.zip --store results/paper
    """
    from bench.errors import StoreError
    from reports import write_publication

    if out.exists():
        raise StoreError(f"{out} exists already; remove it or choose another folder or file")
    files = write_publication(store, out, with_texts=with_texts)
    console_here().print(f"{out}: {', '.join(files)}", highlight=False)
