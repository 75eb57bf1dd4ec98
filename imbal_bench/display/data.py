"""What was found in datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from imbal_bench.display.tables import MOST_LINES, facts_table, table_of

if TYPE_CHECKING:
    from imbal_bench.workflows.data_check import CheckedData, Feasible


def show_data_check(checked: CheckedData, source: str, console: Console) -> None:
    """Show counts of classes, possible ratios, and what may mislead."""
    found = checked.found
    table = table_of(
        f"Classes of {found.name}", "class", "train", "test", "natural ratio", "possible ratios (positives in the pool)"
    )
    for count, task in list(zip(found.classes, checked.tasks, strict=True))[:MOST_LINES]:
        table.add_row(
            repr(count.name), f"{count.train:,}", f"{count.test:,}",
            "–" if task.natural == float("inf") else f"1/{task.natural:.3g}", _ratios(task),
        )  # fmt: skip
    console.print(table)
    if len(found.classes) > MOST_LINES:
        console.print(f"... and {len(found.classes) - MOST_LINES:,} more classes")
    rows: dict[str, str | Text] = {
        "rows": f"{found.train_rows:,} train, {found.test_rows:,} test",
        "repeated texts": f"{found.repeated:,} in train, {found.repeated_in_test:,} in test",
        "test texts also in train": f"{found.leaked:,}",
        "texts of several labels": f"{found.contradictory:,} rows",
        "empty texts": f"{found.empty[0]:,} in train, {found.empty[1]:,} in test",
    }
    if found.lengths is not None:
        it = found.lengths
        rows["tokens a text"] = (
            f"median {it.median}, longest {it.longest}; {it.cut:.1%} above the {it.limit} that are read ({it.how})"
        )
    console.print("", facts_table(f"Check of {source}", rows), "")
    for line in found.findings:
        console.print(Text(f"warning: {line}", "yellow"))
    if not found.findings:
        console.print("nothing found that would mislead")


def _ratios(task: Feasible) -> str:
    named = [f"{ratio if ratio == 'natural' else f'1/{ratio}'} ({count:,})" for ratio, count in task.positives.items()]
    return ", ".join(named) or "none: too few positives"
