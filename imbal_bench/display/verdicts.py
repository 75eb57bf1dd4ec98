"""Verdicts of the gate, and nights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from analysis.gate import Simulation
    from imbal_bench.workflows.nightly import Ended, Tonight
    from imbal_bench.workflows.regress import Judged


def show_evidence(judged: Judged, console: Console) -> None:
    """Show a verdict, and where its evidence is."""
    from reports import terminal_verdict

    console.print(terminal_verdict(judged.verdict))
    console.print(f"evidence: {judged.files.html.resolve()} (and gate.md, gate.json, gate.xml)", soft_wrap=True)


def show_simulation(found: Simulation, console: Console) -> None:
    """Show how often a plan errs and finds."""
    from reports import terminal_simulation

    console.print(terminal_simulation(found))


def show_begun(it: Tonight, console: Console) -> None:
    """Say what a night goes on with, and what was settled for this machine."""
    if it.goes_on:
        console.print(f"{it.night.name} was cut off and goes on as it was begun")
    for note in it.notes:
        console.print(note, style="yellow")


def show_night(ended: Ended, console: Console) -> None:
    """Show a night's summary, and where the page of all nights is."""
    console.print(ended.summary, soft_wrap=True)
    console.print(f"history: {ended.page.resolve()}", soft_wrap=True)
