"""What stored runs say, what they can show, and how often the tests of that err."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from imbal_bench.cli.options import (
    QUICKSTART,
    CalibrationOption,
    JsonOption,
    MetricOption,
    OutOption,
    Piloted,
    Places,
    PluginOption,
    SimulationsOption,
    StoreHere,
    WithTextsOption,
    finite,
    plugins_of,
    print_json,
)


def report(
    store: StoreHere = QUICKSTART,
    out: OutOption = None,
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
    with_texts: WithTextsOption = False,
    against_paper: Annotated[
        bool, typer.Option("--against-paper", help="Hold runs of other datasets than the paper's against it, too.")
    ] = False,
    json: JsonOption = False,
    plugin: PluginOption = None,
) -> None:
    """Print the tables of a store, and write all of them as HTML page, LaTeX, CSV, Markdown; figures; and the runs.

    What has not changed since the last report is taken from the store's folder index/, which may be deleted. Of a store
    whose runs kept excerpts of texts (run --with-excerpts), a report shows them only if --with-texts asks for it. Exit
    code 2: the store holds no finished run; the report then shows why, if it knows.
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.display.stores import show_report
    from imbal_bench.workflows.report import report as write

    plugins_of(plugin)
    written = write(
        store,
        out,
        tables=table or (),
        paper=paper,
        metrics=metric or (),
        with_texts=with_texts,
        against_paper=against_paper,
    )
    if json:
        print_json(written.values)
    else:
        show_report(written, console_here())
    written.refuse_empty(store)


def best(
    store: StoreHere = QUICKSTART,
    ratio: Annotated[str | None, typer.Option("--ratio", help="E.g. 50 or natural. Default: each.")] = None,
    start: Annotated[Literal["warm", "cold"] | None, typer.Option("--start", help="Default: each.")] = None,
    metric: MetricOption = "auc",
    most: Annotated[int, typer.Option("--top", min=1, help="Strategies to print of each leaderboard.")] = 10,
    json: JsonOption = False,
    plugin: PluginOption = None,
) -> None:
    """Say which strategy does best at each ratio and start, and what following that advice cost on data left out.

    Examples:

    imbal-bench best --store results/paper

    imbal-bench best --store results/paper --ratio 50 --metric positives_ratio
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.workflows.report import best as best_of

    plugins_of(plugin)
    found = best_of(store, ratio=ratio, start=start, metric=metric, most=most)
    if json:
        print_json(found.values)
    else:
        console_here().print(found.shown)


def explain(
    address: Annotated[
        list[str], typer.Argument(help="A table and what singles out a cell; a store's folder may stand first.")
    ],
    store: StoreHere = QUICKSTART,
    settings: Annotated[str, typer.Option(help="First digits of the settings, if the store holds several.")] = "",
    plugin: PluginOption = None,
) -> None:
    """List the runs, seeds and files behind a number of a table.

    Examples:

    imbal-bench explain T4 50 auc InvProp --store results/paper

    imbal-bench explain results/paper T8 50 badge posprob auc
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.workflows.report import explain as explained

    plugins_of(plugin)
    console_here().print(explained(address, store, settings))


def power(
    piloted: Piloted,
    places: Places,
    store: StoreHere = QUICKSTART,
    margin: Annotated[
        float, typer.Option(callback=finite, help="The effect, or the margin of a claim, that is to be shown.")
    ] = 0.01,
    calibration: CalibrationOption = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file too.")] = None,
) -> None:
    """Show what stored runs vary with, the smallest effect they can show, and what a margin takes in seeds and time.

    Examples:

    imbal-bench power --store results/laptop --margin 0.01

    imbal-bench power --store results/paper --condition ratio50-warm --metric positives_ratio --json power.json
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.display.studies import show_power
    from imbal_bench.workflows.power import power as power_of

    found = power_of(
        store,
        places.world,
        arms=piloted.arms.split(","),
        metric=piloted.metric,
        condition=piloted.condition,
        margin=margin,
        calibration=calibration,
        json=json,
    )
    show_power(found, console_here())


def validate(
    piloted: Piloted,
    store: Annotated[
        Path | None, typer.Argument(help="Result store to take shape and spread from. Default: the paper's shape.")
    ] = None,
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
    simulations: SimulationsOption = 4000,
    gate: Annotated[
        bool, typer.Option("--gate", help="Try the gate instead: errors and power on differences of five kinds.")
    ] = False,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="With --gate: write the tables to this file too.")
    ] = None,
) -> None:
    """Try the suite's own tests: false positives and power of run-level and seed-level tests, on simulated grids.

    Examples:

    imbal-bench validate

    imbal-bench validate --gate --simulations 10000 --markdown docs/gate-errors.md

    imbal-bench validate results/paper --condition ratio50-warm --metric positives_ratio

    imbal-bench validate --tasks 4,3,5,2 --seeds 5 --sd task=0.01 --effect 0.005
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.display.studies import show_gate_errors, show_validation
    from imbal_bench.workflows.power import validate as validated
    from imbal_bench.workflows.power import validate_gate

    if gate:
        show_gate_errors(validate_gate(simulations, markdown), console_here())
        return
    found = validated(
        store,
        arms=piloted.arms.split(","),
        metric=piloted.metric,
        condition=piloted.condition,
        tasks=tasks,
        seeds=seeds,
        algorithms=algorithms,
        spread=sd or (),
        effect=effect,
        simulations=simulations,
    )
    show_validation(found, console_here())
