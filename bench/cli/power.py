"""What a comparison can show, and what it takes to show more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.cli.console import console_here
from bench.cli.options import DEFAULT_CACHE, CacheOption, DataOption, finite, world_at

if TYPE_CHECKING:
    from analysis.stats import Need, Pilot, Way
    from bench.grid.cost.run_price import Price
    from bench.records import ModelSettings

SCHEMA_VERSION = 1
LEGEND = (
    "One-sided t-tests over units at 0.05; detectable: found in 80 % of cases, and so many seeds or tasks find the "
    "margin as often. Claims of non-inferiority between arms that are equal need the same."
)


def power(
    store: Annotated[Path, typer.Option("--store", help="Result store.")] = Path("results/quickstart"),
    arms: Annotated[str, typer.Option(help="The two weightings whose differences are taken.")] = "invprop,uniform",
    metric: Annotated[str, typer.Option(help="Any that the runs have; see `list metrics`.")] = "auc",
    condition: Annotated[str | None, typer.Option(help="E.g. ratio50-warm, where the store holds several.")] = None,
    margin: Annotated[
        float, typer.Option(callback=finite, help="The effect, or the margin of a claim, that is to be shown.")
    ] = 0.01,
    calibration: Annotated[
        Path | None, typer.Option(help="Calibration to price runs with. Default: this machine's, if it has one.")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file too.")] = None,
    data_dir: DataOption = None,
    cache_dir: CacheOption = DEFAULT_CACHE,
) -> None:
    """Show what stored runs vary with, the smallest effect they can show, and what a margin takes in seeds and time.

    Examples:

    imbal-bench power --store results/laptop --margin 0.01

    imbal-bench power --store results/paper --condition ratio50-warm --metric positives_ratio --json power.json
    """
    from analysis import Store, read_results, stats
    from analysis.planning import pilot
    from bench.grid.cost.run_price import price_of

    source = Store(store)
    plan = pilot(read_results(source), arms.split(","), metric, condition)
    found = stats.needs(plan, margin)
    records = [source.read(key) for key in plan.runs]
    kept = calibration or _kept_here(cache_dir, records[0].spec.settings.model)
    price = price_of(records, world_at(data_dir, cache_dir), kept)
    if json:
        _write(json, plan, metric, margin, found, price)
    _show(plan, margin, found, price, console_here())


def _kept_here(cache_dir: Path, model: ModelSettings) -> Path | None:
    """Return this machine's calibration of a model, if it was ever made."""
    if not (cache_dir / "rates").is_dir():  # what follows loads torch, which is slow
        return None
    from bench.grid.cost.rates import find
    from bench.grid.executors.choice import Workers
    from bench.model.hardware import device_name

    return find(cache_dir, model, device_name(), Workers("joblib", 1).threads_each)


def _show(plan: Pilot, margin: float, found: tuple[Need, ...], price: Price, console: Console) -> None:
    from analysis.stats import UNITS
    from bench.grid.driver.progress import clock

    shape = plan.shape
    console.print(Text(plan.title, "bold"))
    console.print(
        f"{sum(shape.tasks)} tasks x {shape.seeds} seeds x {shape.algorithms} algorithms; standard deviations: "
        + ", ".join(f"{name} {value:.4g}" for name, value in vars(plan.components).items()),
        "",
        highlight=False,
    )
    table = Table(header_style="bold", show_edge=False, pad_edge=False)
    for column in ("question", "n", "detectable", f"power at {margin:g}", "seeds needed", "tasks needed"):
        table.add_column(column, overflow="fold")
    for need in found:
        table.add_row(
            need.estimand, f"{need.units} {UNITS[need.estimand]}s",
            "–" if need.detectable is None else f"{need.detectable:.4f}",
            "–" if need.power is None else f"{need.power:.2f}",
            _way(need.by_seeds, "seeds", price), _way(need.by_tasks, "tasks", price) if need.by_tasks else "–",
        )  # fmt: skip
    console.print(table, "")
    console.print(Text(LEGEND, "dim"))
    console.print(Text(f"Price: {clock(price.seconds)} a run, from {price.origin}.", "dim"))
    for note in plan.notes:
        console.print(Text(note, "yellow"))


def _way(way: Way | None, unit: str, price: Price) -> str:
    """Return a number of seeds or tasks with what there is to be added, in runs and time of one worker."""
    from bench.grid.driver.progress import clock

    if way is None:
        return "no number suffices"
    count = way.seeds if unit == "seeds" else way.tasks
    return f"{count} ({way.more:,} more runs: {clock(way.more * price.seconds)})" if way.more else f"{count} (enough)"


def _write(path: Path, plan: Pilot, metric: str, margin: float, found: tuple[Need, ...], price: Price) -> None:
    from dataclasses import asdict
    from json import dumps

    from bench.store.files import write_atomically

    content = {
        "schema_version": SCHEMA_VERSION,
        "comparison": plan.title,
        "metric": metric,
        "margin": margin,
        "shape": asdict(plan.shape),
        "standard_deviations": asdict(plan.components),
        "seconds_per_run": price.seconds,
        "price_from": price.origin,
        "questions": [asdict(need) for need in found],
        "notes": plan.notes,
    }
    write_atomically(path, dumps(content, indent=1, allow_nan=False).encode() + b"\n")
