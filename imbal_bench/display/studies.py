"""What comparisons can show: the suite's own tests on simulated grids, and the price of more seeds and tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from imbal_bench.display.tables import facts_table, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis import Table
    from analysis.stats import Rate, Way
    from bench.grid.cost.run_price import Price
    from imbal_bench.workflows.power import Powered, Validated

LEGEND = (
    "One-sided t-tests over units at 0.05; detectable: found in 80 % of cases, and so many seeds or tasks find the "
    "margin as often. Claims of non-inferiority between arms that are equal need the same."
)


def show_validation(validated: Validated, console: Console) -> None:
    """Show how often each test errs and finds, on simulated grids of a shape; red: errs more often than its level."""
    from analysis.stats import MODEL

    plan, found = validated.pilot, validated.found
    shape, spread = found.shape, vars(found.components)
    per = ", ".join(map(str, shape.tasks))
    rows = {
        "comparison": plan.title,
        "shape": f"{sum(shape.tasks)} tasks ({per} per dataset) x {shape.seeds} seeds x {shape.algorithms} algorithms",
        "standard deviations": ", ".join(f"{name} {value:.4g}" for name, value in spread.items()),
        "simulated": f"{found.simulations:,} grids per question; one-sided tests at {found.alpha}; [95 % intervals]",
    }
    console.print(facts_table("Validation", {name: Text(text) for name, text in rows.items()}), "")
    table = table_of("", "question", "test", "n", "false positives", "planted effect", "power")
    for trial in found.trials:
        errs = "bold red" if trial.false_positives.interval[0] > found.alpha else ""
        table.add_row(
            trial.estimand, trial.test, str(trial.n), Text(_rate(trial.false_positives), errs),
            f"{trial.effect:.4f}", Text(_rate(trial.power)),
        )  # fmt: skip
    console.print(table, "")
    for note in plan.notes:
        console.print(Text(note, "yellow"))
    console.print(Text(MODEL, "dim"))


def show_gate_errors(found: Sequence[Table], console: Console) -> None:
    """Show how often the gate errs and finds."""
    from reports import terminal_tables

    console.print(terminal_tables(found))


def _rate(rate: Rate) -> str:
    low, high = rate.interval
    return f"{rate.value:.3f} [{low:.3f}, {high:.3f}]"


def show_power(it: Powered, console: Console) -> None:
    """Show what stored runs vary with, the smallest effect they can show, and what a margin takes."""
    from analysis.stats import UNITS
    from bench.grid.driver.progress import clock

    shape = it.pilot.shape
    console.print(Text(it.pilot.title, "bold"))
    console.print(
        f"{sum(shape.tasks)} tasks x {shape.seeds} seeds x {shape.algorithms} algorithms; standard deviations: "
        + ", ".join(f"{name} {value:.4g}" for name, value in vars(it.pilot.components).items()),
        "",
    )
    table = table_of("", "question", "n", "detectable", f"power at {it.margin:g}", "seeds needed", "tasks needed")
    for need in it.needs:
        table.add_row(
            need.estimand, f"{need.units} {UNITS[need.estimand]}s",
            "–" if need.detectable is None else f"{need.detectable:.4f}",
            "–" if need.power is None else f"{need.power:.2f}",
            _way(need.by_seeds, "seeds", it.price), _way(need.by_tasks, "tasks", it.price) if need.by_tasks else "–",
        )  # fmt: skip
    console.print(table, "")
    console.print(Text(LEGEND, "dim"))
    console.print(Text(f"Price: {clock(it.price.seconds)} a run, from {it.price.origin}.", "dim"))
    for note in it.pilot.notes:
        console.print(Text(note, "yellow"))


def _way(way: Way | None, unit: str, price: Price) -> str:
    """Return a number of seeds or tasks with what there is to be added, in runs and time of one worker."""
    from bench.grid.driver.progress import clock

    if way is None:
        return "no number suffices"
    count = way.seeds if unit == "seeds" else way.tasks
    return f"{count} ({way.more:,} more runs: {clock(way.more * price.seconds)})" if way.more else f"{count} (enough)"
