"""Run what is missing of a grid: blocks are handed to workers, results appear in the store.

Resume is listing: whatever is stored and sound is not run again. Two drivers on one store share the work, since a
block is claimed by a lock of the operating system that goes when its holder dies.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError
from rich.console import Console

from bench.config.spec import GridSpec
from bench.errors import RunError, StoppedError, StoreError
from bench.grid.expand import BlockJob, Grid
from bench.grid.plan import run_cost
from bench.grid.progress import Monitor, log_to, shown
from bench.grid.worker import BlockReport, WorkerContext, run_block
from bench.grid.world import World
from bench.model.checkpoint import load_tokenizer, resolve
from bench.model.hardware import choose_hardware
from bench.records import RunRecord
from bench.store import Store

log = logging.getLogger("bench")
ATTEMPTS_AFTER_LOST_WORKERS = 3
BUSY_POLL_S = 2.0


@dataclass(frozen=True)
class Execution:
    """How a grid is executed; none of it changes what a run yields beyond the rounding of another thread count.

    Attributes:
        jobs: worker processes (1: in this process); the cores are divided among them. device: auto, cpu or cuda.
        plugins: files with strategies. threads: of each worker; None divides the cores.
    """

    store: Path
    world: World
    jobs: int = 1
    device: str = "auto"
    plugins: tuple[str, ...] = ()
    threads: int | None = None

    @property
    def threads_each(self) -> int:
        """Threads of each worker."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return self.threads or max(cores // self.jobs, 1)

    def context(self, log_file: Path) -> WorkerContext:
        """Return what workers are told."""
        threads = self.threads_each
        return WorkerContext(self.store, self.world, self.device, threads, self.plugins, os.getpid(), log_file)


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


def preflight(spec: GridSpec, device: str) -> None:
    """Find out before anything is stored whether this machine has what a grid needs.

    Raises:
        ModelError: if the device or the checkpoint cannot be had.
    """
    choose_hardware(device, spec.model.precision)
    load_tokenizer(resolve(spec.model.name, spec.model.revision))


def execute(grid: Grid, execution: Execution, console: Console) -> Summary:
    """Run what is missing of a grid and return what became of it.

    Raises:
        StoreError: if the store cannot be written; finished runs are kept.
        StoppedError: on Ctrl-C, after the workers were stopped; finished runs are kept.
    """
    store = Store(execution.store, create=True)
    began = time.monotonic()
    with log_to(store, console) as log_file:
        costs = {
            run.key(job.fingerprint): run_cost(run, job, grid.sizes[job.block.task.dataset]).weight
            for job in grid.jobs
            for run in job.runs
        }
        sound, lines = store.sound_keys(costs)
        for line in lines:
            log.warning("%s", line)
        summary = Summary(grid.runs, len(sound), set_aside=lines, log_file=log_file)
        summary.skipped = _store_skipped(grid, store)
        pending = [job for job in grid.jobs if any(run.key(job.fingerprint) not in sound for run in job.runs)]
        log.info("%d runs in %d blocks; %d stored already", grid.runs, len(grid.jobs), len(sound))
        monitor = Monitor(store, costs, sound)
        with shown(monitor, console), _stoppable():
            _run_all(pending, execution.jobs, execution.context(log_file), summary)
        summary.done = len(store.keys() & costs.keys()) - len(sound)
        summary.seconds = time.monotonic() - began
        log.info("%d runs done in %.0f s, %d failed", summary.done, summary.seconds, len(summary.failures))
    return summary


@contextmanager
def _stoppable() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError("stopped; finished runs are kept, the same command goes on") from None


def _store_skipped(grid: Grid, store: Store) -> int:
    """Record runs of infeasible tasks with their reason, so that reports show the hole."""
    known = store.keys("skipped")
    count = 0
    for skipped in grid.skipped:
        for run in skipped.job.runs:
            count += 1
            key = run.key(skipped.job.fingerprint)
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


def _run_all(pending: list[BlockJob], jobs: int, context: WorkerContext, summary: Summary) -> None:
    """Hand blocks to workers until none is left; come back to those another process holds."""
    attempts = 0
    while pending:
        by_name = {str(job.block): job for job in pending}
        left = dict(by_name)
        try:
            for report in _reports(pending, jobs, context):
                if report.fatal:
                    raise StoreError(report.fatal)
                if not report.busy:
                    del left[report.name]
                    summary.failures.extend(report.failures)
                    for line in report.failures:
                        log.error("failed  %s", line)
        except TerminatedWorkerError:
            attempts += 1
            if attempts >= ATTEMPTS_AFTER_LOST_WORKERS:
                raise RunError(
                    f"workers were killed {attempts} times (out of memory?); use fewer --jobs; finished runs are kept"
                ) from None
            log.warning("a worker was killed from outside; its block is started again")
        pending = list(left.values())
        if pending and len(pending) == len(by_name):
            time.sleep(BUSY_POLL_S)


def _reports(pending: list[BlockJob], jobs: int, context: WorkerContext) -> Iterator[BlockReport]:
    work = partial(run_block, context=context)
    if jobs == 1:
        yield from map(work, pending)
        return
    parallel = joblib.Parallel(n_jobs=jobs, backend="loky", return_as="generator_unordered", batch_size=1)
    yield from parallel(joblib.delayed(work)(job) for job in pending)
