"""Plans of grids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from imbal_bench.display.tables import facts_table, table_of

if TYPE_CHECKING:  # each function imports what it shows, so that a command loads what it needs and no more
    from bench.grid.cost.forecast import Forecast
    from bench.grid.cost.rates import Rates
    from bench.grid.expansion.blocks import Grid


def show_plan(grid: Grid, rates: Rates | None, jobs: int, warnings: Sequence[str], console: Console) -> None:
    """Show what a grid amounts to and how long it is expected to take."""
    from bench.grid.cost.forecast import forecast, light
    from bench.grid.cost.grid_cost import grid_cost
    from bench.grid.driver.progress import clock

    spec, cost = grid.spec, grid_cost(grid)
    per = Counter(job.block.task.dataset for job in grid.jobs)
    sizes = table_of("Data", "dataset", "tasks", "blocks", "train rows", "test rows", "tokens a text", "numbers from")
    for name, size in grid.sizes.items():
        tasks = {job.block.task.positive for job in grid.jobs if job.block.task.dataset == name}
        sizes.add_row(
            name, str(len(tasks)), str(per[name]), f"{size.train_rows:,}", f"{size.test_rows:,}",
            f"{size.mean_tokens:.0f}", size.origin,
        )  # fmt: skip
    console.print(sizes, "")
    every_task = {job.block.task for job in grid.jobs} | {skipped.job.block.task for skipped in grid.skipped}
    strategies = len(grid.jobs[0].runs) if grid.jobs else 0
    starts = f" x {len(spec.starts)} starts" if len(spec.starts) > 1 else ""
    skipped_runs = sum(len(skipped.job.runs) for skipped in grid.skipped)
    counts = f"{len(every_task)} tasks x {len(spec.ratios)} ratios x {strategies} strategies x {len(spec.seeds)} seeds"
    learners = f" x {len(spec.learners)} learners" if len(spec.learners) > 1 else ""
    total = grid.runs + skipped_runs
    rows = {
        "grid": counts + starts + learners,
        "runs": f"{total:,}" + (f", of which {skipped_runs:,} are infeasible and skipped" if skipped_runs else ""),
        "blocks": f"{len(grid.jobs):,} (task, ratio, seed, start, learner)",
        "learner": ", ".join(spec.learners) + (f"; judge {spec.judge}" if spec.judge else ""),
        **_model_row(grid),
        "model fits": f"{cost.fits:,}",
        "rows to fit": f"{cost.fit_rows:,.0f} (expected: oversampling depends on what is found)",
        "rows to score": f"{cost.score_rows:,}",
        **{f"fits of {name}": f"{fits:,}, about {clock(seconds)} with passes" for name, fits, seconds in light(cost)},
    }
    if rates is None and "model" in rows:
        rows["expected time"] = "not known: this model was not timed on this machine; `plan --measure` does it"
    console.print(facts_table(f"Plan of {spec.name}", rows))
    if rates is not None:
        _show_forecast(forecast(grid, rates, jobs), rates, console)
    for reason in (*grid.unsuited, *sorted({skipped.reason for skipped in grid.skipped})):
        console.print(f"skipped: {reason}", style="yellow")
    for line in warnings:
        console.print(line, style="yellow")


def _model_row(grid: Grid) -> dict[str, str]:
    """Return what is said of the encoder, as far as any run reads it."""
    spec, reads = grid.spec, {need for job in grid.jobs for need in job.block.reads}
    training = f", {spec.train.epochs} epochs, lr {spec.train.learning_rate:g}" if "training" in reads else ""
    return {"model": spec.model.name + training} if "encoder" in reads else {}


def _show_forecast(expected: Forecast, rates: Rates, console: Console) -> None:
    """Show the time of each stage, and what it is to be compared with."""
    from bench.grid.driver.progress import clock

    table = table_of(f"Expected time of one worker, from {rates.origin}", "stage", "time", "share")
    for stage, seconds in expected.stages.items():
        table.add_row(stage, clock(seconds), f"{seconds / expected.total:.0%}")
    console.print("", table, "")
    hours = f"{expected.total / 3600:.3g} hours of {rates.device}"
    name, share = expected.dominant
    rows = {
        "dominant stage": f"{name}, {share:.0%} of the time",
        "expected time": f"{clock(expected.total / expected.workers)} with {expected.workers} workers; {hours}",
        "floor": f"{clock(expected.floor)} of one worker: all operations at {rates.flops_per_s / 1e12:.3g} TFLOP/s",
        "naive loop": f"{clock(expected.naive)} of one worker: fp32, padded to 128 tokens, nothing shared",
    }
    if expected.unknown:
        rows["not included"] = ", ".join(expected.unknown) + ": not calibrated; plan --measure does it"
    console.print(facts_table("Forecast", rows))
