"""Start the workers of whichever executor was chosen."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from bench.errors import SpecError
from bench.grid.executors.choice import DASK_MISSING, Workers
from bench.grid.executors.inline import run_here
from bench.grid.executors.processes import in_processes
from bench.grid.messages import RunBlocks


def start_workers(workers: Workers, device: str, logs: Path) -> AbstractContextManager[RunBlocks]:
    """Start workers; the context yields a function that has them run blocks and yields their reports as they come.

    Args:
        workers: which.
        device: ``cuda`` leaves Dask workers without a GPU out.
        logs: where Slurm's own logs go.

    Raises:
        SpecError: if Dask is needed and not installed.
        RunError: if the scheduler cannot be reached, or was lost.
    """
    if workers.executor == "dask":
        try:
            from bench.grid.executors.dask import in_dask
        except ModuleNotFoundError as error:
            if error.name not in {"dask", "distributed"}:
                raise
            raise SpecError(DASK_MISSING) from None
        return in_dask(workers, device, logs)
    return in_processes(workers.slots) if workers.executor == "joblib" else run_here()
