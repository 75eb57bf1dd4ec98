"""Result stores as files: put together, packed, published, and completed with metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from imbal_bench.cli.commands import Commands
from imbal_bench.cli.options import (
    CACHE,
    QUICKSTART,
    CacheOption,
    Places,
    PluginOption,
    StoreArgument,
    StoreHere,
    plugins_of,
)

store_app = Commands(
    help="Result stores: merge those of several machines, pack many files into few, publish.", no_args_is_help=True
)


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
    from imbal_bench.display.console import console_here
    from imbal_bench.display.stores import show_merge
    from imbal_bench.workflows import stores

    found = stores.merge(into, sources, dry_run=dry_run)
    show_merge(found, console_here(), dry_run=dry_run)
    if found.conflicts or found.refused or found.unreadable:
        raise typer.Exit(1)


@store_app.command()
def migrate(store: StoreHere = QUICKSTART, cache_dir: CacheOption = CACHE, plugin: PluginOption = None) -> None:
    """Bring a store that an earlier version wrote to today's form and names; nothing is lost or run again.

    No grid may be running on it. If it is stopped, the same command goes on. Exit code 1: a file could not be
    converted and lies in aside/ now.
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.display.stores import show_migration
    from imbal_bench.workflows import stores

    plugins_of(plugin)
    console = console_here()
    with console.status("") as status:
        found = stores.migrate(store, cache_dir, lambda runs: status.update(f"{runs:,} runs converted"))
    show_migration(found, console)
    if found.done.set_aside:
        raise typer.Exit(1)


@store_app.command()
def compact(store: StoreHere = QUICKSTART) -> None:
    """Move the files of all finished runs into a few packs, bit for bit, and join small packs; all is read as before.

    A grid may be running on the store.
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.display.stores import show_compaction
    from imbal_bench.workflows import stores

    done = stores.compact(store)
    show_compaction(done, console_here())
    if done.unsound:
        raise typer.Exit(1)


@store_app.command()
def replicates(store: StoreHere = QUICKSTART) -> None:
    """Say how far the results of other machines agree with the store's own, by what they were made with."""
    from imbal_bench.display.console import console_here
    from imbal_bench.display.stores import show_replicates
    from imbal_bench.workflows import stores

    show_replicates(store, stores.replicates(store), console_here())


@store_app.command()
def export(
    out: Annotated[Path, typer.Argument(help="Folder to write, or one file that ends in .zip.")],
    store: StoreHere = QUICKSTART,
) -> None:
    """Write runs and rounds as Parquet and CSV for other programs, with what columns mean, and hashes.

    Names of machines, places on their disks and texts stay out of it, whatever the runs kept.

    Examples:

    imbal-bench store export runs.zip --store results/paper
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.workflows import stores

    files = stores.export(out, store)
    console_here().print(f"{out}: {', '.join(files)}")


@store_app.command()
def publish(
    to: Annotated[Path, typer.Argument(help="A new folder, or one that was published before.")],
    store: StoreHere = QUICKSTART,
    name: Annotated[str, typer.Option("--name", help="Name of the data set. Default: the store's.")] = "",
    license: Annotated[str, typer.Option("--license", help="Of the results.")] = "cc-by-4.0",  # noqa: A002
    url: Annotated[str, typer.Option("--url", help="Where it will be found.")] = "",
) -> None:
    """Write a slim store that git or a hub of datasets can hold: some 600 bytes a run, for all tables and figures.

    It is read as the store itself is: report, regress, power, run --store on top of it. Test probabilities, rows that
    were selected, texts and names of machines stay out of it. With a data card, Croissant metadata, and a manifest of
    hashes that are checked when it is read.

    Examples:

    imbal-bench store publish published --store results/paper

    imbal-bench report --store published
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.display.stores import show_published
    from imbal_bench.workflows import stores

    show_published(to, stores.publish(to, store, name=name, license=license, url=url), console_here())


@store_app.command()
def push(
    repository: Annotated[str, typer.Argument(help="Dataset repository, e.g. someone/runs; it is made if need be.")],
    store: Annotated[Path, typer.Option("--store", help="A published store.")],
    private: Annotated[bool, typer.Option("--private", help="A new repository is private.")] = False,
) -> None:
    """Put a published store into a dataset repository of the Hugging Face Hub.

    The token is that of `hf auth login` or HF_TOKEN.

    Examples:

    imbal-bench store push someone/runs --store published
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.workflows import stores

    commit = stores.push(store, repository, private=private)
    console_here().print(f"{store} pushed to {repository}, commit {commit}", soft_wrap=True)


@store_app.command()
def pull(
    repository: Annotated[str, typer.Argument(help="Dataset repository, e.g. someone/runs.")],
    to: Annotated[Path, typer.Argument(help="A new folder, or a published store to be replaced.")],
    revision: Annotated[str, typer.Option("--revision", help="Commit, branch or tag.")] = "main",
) -> None:
    """Get a published store from a dataset repository of the Hugging Face Hub, and check every file of it.

    Examples:

    imbal-bench store pull someone/runs runs --revision 3f2a9c1

    imbal-bench report --store runs
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.workflows import stores

    commit, found = stores.pull(repository, to, revision)
    console_here().print(f"{found.runs:,} runs of {repository}, commit {commit}, in {to}; all files checked")


@store_app.command()
def track(
    tracker: Annotated[Literal["mlflow", "wandb", "trackio", "tensorboard"], typer.Argument(help="Where to.")],
    store: StoreHere = QUICKSTART,
    project: Annotated[str, typer.Option("--project", help="Project or experiment.")] = "imbal-bench",
    out: Annotated[Path | None, typer.Option("--out", help="Folder that the tracker writes. Default: its own.")] = None,
) -> None:
    """Send finished runs to a tracker of experiments: settings, and metrics by labelled rows. No texts.

    Examples:

    imbal-bench store track tensorboard --store results/paper --out runs

    imbal-bench store track mlflow --store results/paper
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.workflows import tracking

    sent = tracking.send(tracker, store, project=project, out=out)
    console_here().print(f"{sent:,} runs sent to {tracker}, {project}")


def rescore(
    store: StoreArgument,
    places: Places,
    metrics: Annotated[
        str | None, typer.Option("--metrics", help="E.g. average_precision,brier; see `list metrics`. Default: all.")
    ] = None,
    plugin: PluginOption = None,
) -> None:
    """Add metrics to the runs of a store from their stored test probabilities; nothing is run.

    Test labels are kept in the store; those of runs from before they were are taken from the data, once. A stored value
    stays as it is, unless it is wrong: then it is replaced, and said. Exit code 1: some runs could not be completed.

    Examples:

    imbal-bench rescore results/paper

    imbal-bench rescore results/paper --metrics average_precision,brier --data-dir mirror
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.display.stores import show_rescoring
    from imbal_bench.workflows import stores

    plugins_of(plugin)
    console = console_here()
    with console.status("") as status:
        tell = lambda runs: status.update(f"{runs:,} runs looked at")  # noqa: E731
        done = stores.rescore(store, places.world, tell, metrics)
    show_rescoring(done, console)
    if done.left_out:
        raise typer.Exit(1)
