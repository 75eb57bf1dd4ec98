"""Run what is missing of a grid: blocks are handed to workers, results appear in the store.

Resume is listing: whatever is stored and valid is not run again. Two drivers on one store share the work, since a
block is claimed by a lock of the operating system that goes when its holder dies.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rich.console import Console

from bench.errors import StoppedError, StoreError
from bench.grid.cost.grid_cost import run_weights
from bench.grid.driver.deaths import Deaths
from bench.grid.driver.execution import Execution
from bench.grid.driver.progress import Monitor, shown
from bench.grid.executors.start import start_workers
from bench.grid.expansion.blocks import BlockJob, Grid
from bench.grid.logs import log_to
from bench.grid.messages import BlockReport
from bench.grid.worker.attempts import Attempts
from bench.grid.worker.run_block import run_block
from bench.records import RunRecord
from bench.store import Store

log = logging.getLogger("bench")
BUSY_POLL_S = 2.0


@dataclass
class Summary:
    """What became of a grid: counts of this call and of the store, and a line for each failure."""

    total: int
    stored_before: int = 0
    done: int = 0
    skipped: int = 0
    set_aside: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0
    log_file: Path | None = None

    @property
    def missing(self) -> int:
        """Runs that are still not stored."""
        return self.total - self.stored_before - self.done


def execute(grid: Grid, execution: Execution, console: Console) -> Summary:
    """Run what is missing of a grid and return what became of it.

    Raises:
        StoreError: if the store cannot be written; finished runs are kept.
        StoppedError: on Ctrl-C or SIGTERM, after the workers were stopped; finished runs are kept.
    """
    store = Store(execution.store, create=True)
    began = time.monotonic()
    with log_to(store, console) as log_file:
        costs = run_weights(grid)
        valid, lines = store.valid_keys(costs)
        for line in lines:
            log.warning("%s", line)
        summary = Summary(grid.runs, len(valid), set_aside=lines, log_file=log_file)
        summary.skipped = _store_skipped(grid, store)
        pending = [job for job in grid.jobs if not valid.issuperset(job.keys)]
        log.info("%d runs in %d blocks; %d stored already", grid.runs, len(grid.jobs), len(valid))
        monitor = Monitor(store, costs, valid, grid.spec.name)
        with shown(monitor, console), _stoppable():
            _run_all(pending, execution, log_file, summary)
        summary.done = len(store.keys() & costs.keys()) - len(valid)
        summary.seconds = time.monotonic() - began
        log.info("%d runs done in %.0f s, %d failed", summary.done, summary.seconds, len(summary.failures))
    return summary


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM stop a grid in one line; of the first alone Python would make an exception."""
    by = signal.SIGINT

    def terminate(*_: object) -> None:
        nonlocal by
        by = signal.SIGTERM
        raise KeyboardInterrupt

    in_main_thread = threading.current_thread() is threading.main_thread()  # only there handlers may be set
    before = signal.signal(signal.SIGTERM, terminate) if in_main_thread else None
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError("stopped; finished runs are kept, the same command goes on", by) from None
    finally:
        if in_main_thread:
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _store_skipped(grid: Grid, store: Store) -> int:
    """Record runs of infeasible tasks with their reason, so that reports show what is missing."""
    known = store.keys("skipped")
    count = 0
    for skipped in grid.skipped:
        for run, key in zip(skipped.job.runs, skipped.job.keys, strict=True):
            count += 1
            if key not in known:
                store.write(
                    RunRecord(
                        key=key,
                        spec=run,
                        status="skipped",
                        reason=skipped.reason,
                        fingerprint=skipped.job.fingerprint,
                    )
                )
    for reason in sorted({skipped.reason for skipped in grid.skipped}):
        log.warning("skipped: %s", reason)
    return count


def _run_all(pending: list[BlockJob], execution: Execution, log_file: Path, summary: Summary) -> None:
    """Hand blocks to workers until none is left; come back to those another process holds."""
    if not pending:
        return
    context = execution.context(log_file)
    work = partial(run_block, context=context)
    deaths = Deaths(Attempts(Store(execution.store), context.call), log_file)
    with start_workers(execution.workers, execution.device, log_file.parent) as run_blocks:
        while pending:
            left = _one_pass(pending, partial(run_blocks, work), deaths, summary)
            if len(left) == len(pending):
                time.sleep(BUSY_POLL_S)
            pending = left


def _one_pass(
    pending: list[BlockJob],
    run_blocks: Callable[[list[BlockJob]], Iterable[BlockReport]],
    deaths: Deaths,
    summary: Summary,
) -> list[BlockJob]:
    """Have blocks done once; return those another process holds, or whose worker died."""
    left = {str(job.block): job for job in pending}
    for report in run_blocks(pending):
        if report.fatal:
            raise StoreError(report.fatal)
        if report.lost:
            deaths.died(left[report.name])
            continue
        deaths.worked()
        if not report.busy:
            del left[report.name]
            summary.failures.extend(report.failures)
            for line in report.failures:
                log.error("failed  %s", line)
    return list(left.values())
