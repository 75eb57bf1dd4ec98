"""Hold strategies, stores and the machine against what is asked of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from imbal_bench.cli.options import (
    MOST_WORKERS,
    QUICKSTART,
    DeviceOption,
    JsonOption,
    Places,
    PluginOption,
    ThreadsOption,
    plugins_of,
    print_json,
)


def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Algorithms, weightings, learners (tfidf:svd=8) and metrics. Default: all."),
    ] = None,
    plugin: PluginOption = None,
) -> None:
    """Hold algorithms, weightings, learners and metrics against the laws of bench.testing. Exit code 1: one is broken.

    Examples:

    imbal-bench check

    imbal-bench check mine --plugin mine.py

    imbal-bench check probe tfidf:svd=8
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.display.parts import show_verdicts
    from imbal_bench.workflows import check as workflow

    plugins_of(plugin)
    console, checked = console_here(), []
    for part in workflow.check(names or ()):
        show_verdicts(f"{part.name} ({part.kind})", part.verdicts, console)
        checked.append(part)
    unloaded, broken = workflow.unloaded(names or ()), [part.name for part in checked if part.broken]
    for line in unloaded:
        console.print(line, style="red")
    laws = f"laws broken by: {', '.join(broken)}" if broken else "all laws hold"
    console.print(f"{len(checked)} checked, {laws}")
    if broken or unloaded:
        raise typer.Exit(1)


def agree(
    names: Annotated[list[str], typer.Argument(help="Algorithms: badge skactiveml:Badge small-text:BADGE.")],
    plugin: PluginOption = None,
    pools: Annotated[int, typer.Option(min=1, max=MOST_WORKERS, help="Made-up pools to select from.")] = 3,
    draws: Annotated[int, typer.Option(min=2, max=MOST_WORKERS, help="Selections from each, of different seeds.")] = 10,
    rows: Annotated[int, typer.Option(min=20, max=1_000_000, help="Rows of a pool.")] = 300,
    batch: Annotated[int, typer.Option(min=1, max=100_000, help="Rows of a batch.")] = 20,
) -> None:
    """Say how far implementations of one method select the same rows of the same pools.

    Examples:

    imbal-bench agree badge skactiveml:Badge small-text:BADGE

    imbal-bench agree core_set skactiveml:CoreSet small-text:GreedyCoreset
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.display.parts import show_agreements
    from imbal_bench.workflows import check as workflow

    plugins_of(plugin)
    found = workflow.agree(names, pools=pools, draws=draws, rows=rows, k=batch)
    show_agreements(found, console_here())


def doctor(
    places: Places,
    store: Annotated[
        Path | None, typer.Option("--store", help="Result store. Default: results/quickstart, if it is there.")
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data", help="Look into a dataset too: its name, or its YAML file, whose runs are then held against it."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check the environment, and every run of a store against itself and its data. Exit code 1: a run is wrong."""
    from imbal_bench.display.console import console_here
    from imbal_bench.display.machine import environment_of, show_doctor
    from imbal_bench.display.stores import show_audit
    from imbal_bench.workflows.check import audit

    console, place = console_here(), store or QUICKSTART
    rows, datasets = environment_of(places.world, place)
    if not json:
        show_doctor(rows, datasets, console)
        for dataset in data or ():
            from imbal_bench.display.data import show_data_check
            from imbal_bench.workflows.data_check import check_data

            console.print("")
            show_data_check(check_data(dataset, places.world), dataset, console)
    found = audit(place, places.world, data or ()) if store or (place / "store.json").exists() else None
    if json:
        audited = found and {"runs": found.runs, "wrong": list(found.wrong), "unchecked": sorted(found.unchecked)}
        named = [dict(zip(("name", "state", "detail"), line, strict=True)) for line in datasets]
        print_json({"environment": rows, "datasets": named, "store": audited})
    elif found:
        show_audit(place, found, console)
    if found and found.wrong:
        raise typer.Exit(1)


def perf(
    places: Places,
    what: Annotated[
        Literal["model", "selection", "clustering", "block", "grid", "store", "report", "all", "gpu"],
        typer.Argument(
            help="Passes and fits of the model; queries over pools of up to 500,000 rows; a large block's memory; "
            "grid: runs a minute of a linear probe, and what the grid adds to a run; a result store of 20,000 runs; "
            "the report of 12,820 runs; or all of these. clustering: inertia of k-means on the paper's datasets. gpu: "
            "what a card does, in eight minutes."
        ),
    ] = "model",
    shape: Annotated[str | None, typer.Option(help="minilm-l6 (default on a CPU) or bert-base (on a GPU).")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rows, one turn: a rough answer.")] = False,
    compare: Annotated[
        Path | None, typer.Option(help="Stored report: exit with 1 if a ratio is much worse. Of `all`, a folder.")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Write the report as JSON. Of `all`, one each in a folder.")] = None,
    threads: ThreadsOption = None,
    device: DeviceOption = "auto",
    parts: Annotated[str | None, typer.Option(help="gpu: these parts alone, e.g. score,select.")] = None,
    limit: Annotated[float, typer.Option(min=1, help="gpu: seconds in all; what is left then is not measured.")] = 470,
    out: Annotated[Path, typer.Option(help="gpu: folder for results.jsonl, written line by line.")] = Path("perf-gpu"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="gpu: try the parts on the CPU in tiny sizes; the numbers mean nothing.")
    ] = False,
) -> None:
    """Measure the suite against what this machine can do at best.

    Examples:

    imbal-bench perf --save here.json

    imbal-bench perf selection --threads 2

    imbal-bench perf all --save here

    imbal-bench perf --compare here.json

    imbal-bench perf gpu --limit 300
    """
    from bench.errors import SpecError

    unread = {"--parts": parts, "--dry-run": dry_run} if what != "gpu" else {
        "--shape": shape, "--quick": quick, "--compare": compare, "--threads": threads,
    }  # fmt: skip
    if ignored := [name for name, value in unread.items() if value]:
        raise SpecError(f"perf {what} does not read {', '.join(ignored)}; leave it out")
    from rich.text import Text

    from imbal_bench.display.console import console_here
    from imbal_bench.display.machine import show_gaps, show_measures
    from imbal_bench.workflows import perf as workflow

    console = console_here()
    with console.status("") as status:
        tell = lambda line: status.update(Text(line))  # noqa: E731
        if what == "gpu":
            chosen = (parts or "").split(",") if parts else []
            measured, found = workflow.measure_gpu(chosen, limit, out, tell, save=save, dry_run=dry_run)
        else:
            reports = workflow.measure(
                what, places.world, tell,
                shape=shape, quick=quick, threads=threads, device=device, save=save, compare=compare,
            )  # fmt: skip
            for one in reports:
                show_measures(one, console)
    if what == "gpu":
        show_measures(measured, console)
        show_gaps(found, console)
        if found.failed:
            raise typer.Exit(1)
    elif compare:
        console.print(f"no ratio is much worse than in {compare}")
