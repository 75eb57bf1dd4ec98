"""Run what is missing of a grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.config import GridSpec
from bench.grid.driver.execute import Summary, execute
from bench.grid.driver.execution import Execution
from bench.grid.driver.preflight import preflight
from bench.grid.expansion.blocks import Grid
from bench.grid.expansion.expand import expand
from bench.store import Store
from imbal_bench.workflows.data_check import data_warnings
from imbal_bench.workflows.grids import pool_warnings, share


@dataclass(frozen=True)
class Prepared:
    """A grid that can be run here.

    Attributes:
        grid: what is run, or a share of it. execution: how.
        warnings: a line for whatever is left out, or will say little.
    """

    grid: Grid
    execution: Execution
    warnings: tuple[str, ...]


def prepare(spec: GridSpec, execution: Execution, shard: str | None = None) -> Prepared:
    """Find out before anything is stored what a grid amounts to, and whether it can be run here.

    Args:
        spec: what is asked for.
        execution: how it is to be run.
        shard: ``i/n``, to run a share only.

    Raises:
        SpecError, DataError, ModelError: if something of it cannot be had; InfeasibleTaskError: if nothing can be run.
    """
    grid = expand(spec, execution.world)
    grid.refuse_if_empty()
    if shard is not None:
        grid = share(grid, shard)
    if not _all_stored(grid, execution.store):
        preflight(grid.spec, execution, grid.strategies)
    left_out = (f"skipped: {line}" for line in grid.unsuited)
    return Prepared(grid, execution, (*left_out, *data_warnings(grid, execution.world), *pool_warnings(grid)))


def _all_stored(grid: Grid, store: Path) -> bool:
    """Return whether nothing of a grid is missing, so that nothing need be had to run it."""
    return (store / "store.json").is_file() and Store(store).keys().issuperset(
        key for job in grid.jobs for key in job.keys
    )


def run(prepared: Prepared, console: Console) -> Summary:
    """Run what is missing, and return what became of it; progress is shown on a console.

    Raises:
        StoreError: if the store cannot be written. StoppedError: on Ctrl-C. Finished runs are kept in either case.
    """
    return execute(prepared.grid, prepared.execution, console)
