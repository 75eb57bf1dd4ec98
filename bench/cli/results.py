"""What stored runs say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.cli.console import console_here
from bench.cli.options import MOST_SIMULATIONS, finite
from bench.paths import expanded


def report(
    store: Annotated[Path, typer.Option("--store", help="Result store.")] = Path("results/quickstart"),
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write. Default: report/ in the store.")] = None,
    table: Annotated[
        list[str] | None, typer.Option("--table", help="Table to print, such as T4 or T4-p. Repeatable. Default: T8.")
    ] = None,
    paper: Annotated[
        Path | None, typer.Option("--paper", help="Folder for an article: LaTeX, PDF figures, BibTeX, hashes.")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", help="Metric that tables show, of `list metrics`. Repeatable. Default: the paper's."),
    ] = None,
    with_texts: Annotated[
        bool, typer.Option("--with-texts", help="Show excerpts of selected texts on the page; mind their licences.")
    ] = False,
) -> None:
    """Print the tables of a store, and write all of them as HTML page, LaTeX, CSV, Markdown; figures; and the runs.

    What has not changed since the last report is taken from the store's folder index/, which may be deleted. A store
    holds short excerpts of the datasets' texts (informativeness.examples of each run); a report holds none, unless
    --with-texts asks for them. Exit code 2: the store holds no finished run; the report then shows why, if it knows.
    """
    from bench.errors import StoreError
    from bench.store import Store

    print_and_write(
        store, out or store / "report", console_here(), table or [], paper, metric or [], with_texts=with_texts
    )
    if not Store(store).keys():
        raise StoreError(f"{store} holds no finished runs to report; run a grid first")


def explain(
    address: Annotated[
        list[str], typer.Argument(help="A table and what singles out a cell; a store's folder may stand first.")
    ],
    store: Annotated[Path, typer.Option("--store", help="Result store.")] = Path("results/quickstart"),
    settings: Annotated[str, typer.Option(help="First digits of the settings, if the store holds several.")] = "",
) -> None:
    """List the runs, seeds and files behind a number of a table.

    Examples:

    imbal-bench explain T4 50 auc InvProp --store results/paper

    imbal-bench explain results/paper T8 50 badge posprob auc
    """
    from reports import terminal_explanation

    if expanded(address[0]).is_dir():
        store, address = expanded(address[0]), address[1:]
    console_here().print(terminal_explanation(store, address, settings))


def print_and_write(
    store: Path,
    out: Path,
    console: Console,
    tables: Sequence[str] = (),
    paper: Path | None = None,
    metrics: Sequence[str] = (),
    *,
    with_texts: bool = False,
) -> None:
    """Write the whole report of a store, print tables of it, and say where it is."""
    from reports import read_report, terminal_table, write_report

    found = read_report(store, metrics)
    shown = terminal_table(found, tables)  # first, so that a wrong name of a table writes nothing
    files = write_report(found, out, paper, with_texts=with_texts)
    console.print(shown)
    console.print(f"report: {files.html.resolve()}", highlight=False, soft_wrap=True)
    if paper:
        console.print(f"for an article: {(paper / 'main.tex').resolve()}", highlight=False, soft_wrap=True)


def validate(
    store: Annotated[
        Path | None, typer.Argument(help="Result store to take shape and spread from. Default: the paper's shape.")
    ] = None,
    arms: Annotated[str, typer.Option(help="The two weightings whose differences are taken.")] = "invprop,uniform",
    metric: Annotated[str, typer.Option(help="Any that the runs have; see `list metrics`.")] = "auc",
    condition: Annotated[str | None, typer.Option(help="E.g. ratio50-warm, where the store holds several.")] = None,
    tasks: Annotated[str | None, typer.Option(help="Tasks of each dataset instead, e.g. 4,3,5,2.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, max=10_000, help="Number of seeds instead.")] = None,
    algorithms: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Number of algorithms that a test pools instead.")
    ] = None,
    sd: Annotated[
        list[str] | None,
        typer.Option(help="Standard deviation instead, of dataset, task, seed, block or residual: task=0.02."),
    ] = None,
    effect: Annotated[
        float | None, typer.Option(callback=finite, help="Effect to plant. Default: one found in 80 % of grids.")
    ] = None,
    simulations: Annotated[
        int, typer.Option(min=1, max=MOST_SIMULATIONS, help="Grids drawn for each question.")
    ] = 4000,
) -> None:
    """Try the suite's own tests: false positives and power of run-level and seed-level tests, on simulated grids.

    Examples:

    imbal-bench validate

    imbal-bench validate results/paper --condition ratio50-warm --metric positives_ratio

    imbal-bench validate --tasks 4,3,5,2 --seeds 5 --sd task=0.01 --effect 0.005
    """
    from analysis import Store, read_results, stats
    from analysis.planning import pilot
    from bench.display import show_validation

    plan = stats.PAPER_PILOT
    if store is not None:
        plan = pilot(read_results(Store(store)), arms.split(","), metric, condition)
    plan = stats.rearranged(plan, tasks=tasks, seeds=seeds, algorithms=algorithms, spread=sd or ())
    found = stats.validate(plan.components, plan.shape, effect=effect, simulations=simulations)
    show_validation(plan, found, stats.MODEL, console_here())
