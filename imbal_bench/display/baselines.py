"""Baselines: what is frozen, and what became of it since."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from imbal_bench.display.tables import facts_table, table_of

if TYPE_CHECKING:
    from analysis import Changes
    from bench.store.baseline import Header
    from imbal_bench.workflows.baselines import ListedBaselines, Saved, Shown

MOST_CHANGES = 10


def show_saved(saved: Saved, console: Console) -> None:
    """Show where a new baseline is, and what it lacks."""
    path, header = saved.baseline.path, saved.baseline.header
    console.print(
        f"{header.runs} runs saved in {path} ({path.stat().st_size / 1024:,.0f} kB), sha256 {header.sha256[:12]}"
    )
    if saved.failed:
        console.print(f"{saved.failed} failed runs of the store are not in it", style="yellow")


def show_list(found: ListedBaselines, folder: Path, console: Console) -> None:
    """List the baselines of a folder."""
    table = table_of("", "name", "runs", "saved", "sha256", "note")
    for header in found.headers:
        table.add_row(header.name, str(header.runs), header.created, header.sha256[:12], Text(header.note))
    console.print(table if table.row_count else f"no baselines in {folder}; `baseline save NAME` makes one")
    for line in found.damaged:
        console.print(line, style="red")


def show_baseline(found: Shown, console: Console) -> None:
    """Show what a baseline holds, and what is acknowledged against it."""
    console.print(facts_table("", {name: Text(value) for name, value in found.facts.items()}))
    for one, in_force in found.acknowledged:
        console.print(f"{'acknowledged' if in_force else 'acknowledged no longer'}: {one}")


def show_changes(found: tuple[Header, Changes], store: Path, console: Console) -> None:
    """Show what became of a baseline's runs in a store."""
    header, changes = found
    console.print(
        f"{changes.runs} runs in {header.name}; in {store}, {changes.identical} are identical bit for bit, "
        f"{changes.drifted} differ, {sum(changes.missing.values())} are missing"
    )
    for reason, count in changes.missing.items():
        console.print(f"{count} missing: {reason}")
    for one in changes.changed[:MOST_CHANGES]:
        console.print(f"{one.run}: {one.metric} {one.before:.6f} -> {one.after:.6f} ({one.after - one.before:+.6f})")
    if len(changes.changed) > MOST_CHANGES:
        console.print(f"... and {len(changes.changed) - MOST_CHANGES} smaller changes")
    if changes.environment:
        table = table_of("", "made with", "baseline", "store")
        for fact, sides in changes.environment.items():
            table.add_row(fact, *(Text("; ".join(values)) for values in sides))
        console.print("", table)
