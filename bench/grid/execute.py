"""Run what is missing of a grid: blocks are handed to workers, results appear in the store.

Resume is listing: whatever is stored and sound is not run again. Two drivers on one store share the work, since a
block is claimed by a lock of the operating system that goes when its holder dies.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import uuid4

from rich.console import Console

from bench.config.spec import GridSpec
from bench.errors import RunError, SpecError, StoppedError, StoreError
from bench.grid.attempts import DEATHS_ALLOWED
from bench.grid.executors import reports_of
from bench.grid.expand import BlockJob, Grid, components_of
from bench.grid.heartbeat import process_name
from bench.grid.messages import BlockReport, WorkerContext
from bench.grid.plan import run_weights
from bench.grid.progress import Monitor, log_to, shown
from bench.grid.worker import run_block
from bench.grid.workers import THIS_PROCESS, Workers
from bench.grid.world import World
from bench.learners.catalogue import build
from bench.model.hardware import refuse_missing_gpus, refuse_unknown_device, uses_gpu
from bench.records import RunRecord, Strategy
from bench.registry import PluginFile, read_plugin
from bench.store import Store
from bench.strategies.catalogue import build_strategy
from bench.strategies.strategy import needs_of

log = logging.getLogger("bench")
BUSY_POLL_S = 2.0


@dataclass(frozen=True)
class Execution:
    """How a grid is executed; none of it changes what a run yields beyond the rounding of another thread count.

    Attributes:
        workers: which processes run blocks. device: auto, cpu or cuda.
        plugins: files with strategies, as they were read, or where they are.
        threads: of each worker; None divides the cores. run_timeout: seconds a run may take; None for no limit.
        debug: whether what a run raises ends the grid, with its traceback, instead of becoming a failure record.
    """

    store: Path
    world: World
    workers: Workers = THIS_PROCESS
    device: str = "auto"
    plugins: tuple[str | PluginFile, ...] = ()
    threads: int | None = None
    run_timeout: float | None = None
    debug: bool = False

    def __post_init__(self) -> None:
        limit = self.run_timeout
        if limit is not None and not 0 < limit <= threading.TIMEOUT_MAX:
            raise SpecError(f"a run's time limit is {limit} s; give seconds above 0, or none for no limit")
        if self.debug and self.workers.executor != "inline":
            raise SpecError("errors of a run can rise in this process only; leave out what asks for other workers")
        if self.workers.gpus and self.device == "cpu":
            raise SpecError("--gpus shares out GPUs, but --device cpu leaves them unused; give one of them")

    @property
    def threads_each(self) -> int:
        """Threads of each worker."""
        return self.threads or self.workers.threads_each

    def context(self, log_file: Path) -> WorkerContext:
        """Return what workers are told."""
        return WorkerContext(
            store=self.store,
            world=self.world,
            device="cuda" if self.workers.gpus else self.device,  # a worker must not turn to the CPU in silence
            threads=self.threads_each,
            plugins=tuple(p if isinstance(p, PluginFile) else read_plugin(p) for p in self.plugins),
            driver=process_name(),
            call=uuid4().hex,
            folder=Path.cwd(),
            log_file=log_file,
            run_timeout=self.run_timeout,
            debug=self.debug,
        )


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


def preflight(spec: GridSpec, execution: Execution, strategies: Iterable[Strategy] = ()) -> None:
    """Find out before anything is stored whether this machine has what a grid needs.

    Args:
        spec: the grid's specification.
        execution: how it is to be run.
        strategies: what is to be run of it, since some ask more of a model than others.

    Raises:
        ModelError: if the device or a GPU (unless blocks run elsewhere) or the checkpoint cannot be had, or the
            checkpoint's architecture lacks what is needed.
    """
    refuse_unknown_device(execution.device)
    learners = [build(part) for part in components_of(spec)]
    if any("encoder" in learner.reads for learner in learners):
        refuse_missing_gpus(execution.workers.gpus)
        if not execution.workers.elsewhere:
            uses_gpu(execution.device, spec.model.precision)
    reads_surprisal = any("surprisal" in needs_of(*build_strategy(strategy)) for strategy in strategies)
    for learner in learners:
        surprisal = reads_surprisal and "surprisal" in learner.offered()
        learner.rehearse(spec.settings, execution.world.cache_dir, surprisal=surprisal)


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
        sound, lines = store.sound_keys(costs)
        for line in lines:
            log.warning("%s", line)
        summary = Summary(grid.runs, len(sound), set_aside=lines, log_file=log_file)
        summary.skipped = _store_skipped(grid, store)
        pending = [job for job in grid.jobs if not sound.issuperset(job.keys)]
        log.info("%d runs in %d blocks; %d stored already", grid.runs, len(grid.jobs), len(sound))
        monitor = Monitor(store, costs, sound)
        with shown(monitor, console), _stoppable():
            _run_all(pending, execution, log_file, summary)
        summary.done = len(store.keys() & costs.keys()) - len(sound)
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
    """Record runs of infeasible tasks with their reason, so that reports show the hole."""
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
    work = partial(run_block, context=execution.context(log_file))
    lost: Counter[str] = Counter()
    with reports_of(execution.workers, execution.device, log_file.parent) as reports:
        while pending:
            left = _one_pass(pending, partial(reports, work), lost, summary)
            if len(left) == len(pending):
                time.sleep(BUSY_POLL_S)
            pending = left


def _one_pass(
    pending: list[BlockJob],
    reports: Callable[[list[BlockJob]], Iterable[BlockReport]],
    lost: Counter[str],
    summary: Summary,
) -> list[BlockJob]:
    """Have blocks done once; return those another process holds, or whose worker died."""
    left = {str(job.block): job for job in pending}
    for report in reports(pending):
        if report.fatal:
            raise StoreError(report.fatal)
        if report.lost:
            lost[report.name] += 1
            # Each run, and what they share, is given up after some deaths; more can only come before any of them.
            if lost[report.name] > DEATHS_ALLOWED * (len(left[report.name].runs) + 1):
                raise RunError(
                    f"workers die as soon as they start {report.name}; finished runs are kept, see {summary.log_file}"
                )
            log.warning("a worker was killed from outside or by want of memory; %s is started again", report.name)
        elif not report.busy:
            del left[report.name]
            summary.failures.extend(report.failures)
            for line in report.failures:
                log.error("failed  %s", line)
    return list(left.values())
