"""One block on one worker: build what its runs share, run what is missing, store each run the moment it ends."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.errors import BenchError, RunError, StoreError
from bench.foreign import foreign_code
from bench.grid.expansion.blocks import BlockJob
from bench.grid.logs import log_to_file
from bench.grid.messages import BlockReport, WorkerContext
from bench.grid.worker.attempts import Attempts, time_limit
from bench.grid.worker.heartbeat import Heartbeat, is_of_this_host, process_name
from bench.grid.worker.provenance import provenance
from bench.grid.worker.record import make_record
from bench.informativeness import informativeness
from bench.learners.base import Material
from bench.learners.catalogue import build
from bench.loop.needs import first_query_needs
from bench.loop.rounds import run_strategy
from bench.loop.shared import SharedBlock
from bench.model.hardware import use_threads
from bench.model.standard_state import standard_state
from bench.plugins import add_plugin, use_plugins
from bench.records import RunRecord, RunSpec, combined
from bench.store import Store, labels
from bench.strategies.catalogue import build_strategy
from bench.tasks import build_task

log = logging.getLogger("bench")
_ONE_BLOCK = threading.Lock()  # torch's settings belong to the process; a Dask worker may have several threads


def run_block(job: BlockJob, context: WorkerContext) -> BlockReport:
    """Run what is missing of a block; every failure becomes part of the report, unless it is to be raised (debug)."""
    report = BlockReport(str(job.block))
    try:
        with _ONE_BLOCK:
            _prepare(context, load_torch="encoder" in job.block.reads)
            store = Store(context.store)
            with store.claim(job.name) as mine:
                if not mine:
                    report.busy = True
                    return report
                BlockWorker(job, context, store, report).run_missing()
    except BenchError as error:
        if context.debug:
            raise
        report.fatal = str(error)
    except OSError as error:
        report.fatal = f"cannot use the store {context.store}: {error}; finished runs are kept"
    return report


def _prepare(context: WorkerContext, *, load_torch: bool) -> None:
    if process_name() != context.driver:
        with suppress(OSError):  # a machine without that folder can do without, if all paths are absolute
            os.chdir(context.folder)
        log_to_file(_log_file(context))
        use_plugins(context.plugins)
    else:
        for plugin in context.plugins:
            add_plugin(plugin)
    use_threads(context.threads, load_torch=load_torch)  # last: a plug-in may set another number when it is imported


def _log_file(context: WorkerContext) -> Path:
    """Return where this process logs; machines have files of their own, since appending over a network mixes lines."""
    path = context.log_file
    if is_of_this_host(context.driver):
        return path
    return path.with_name(f"{path.stem}-{socket.gethostname()}{path.suffix}")


@dataclass
class BlockWorker:
    """One block, claimed by this process: what its runs share, and its runs, one after the other."""

    job: BlockJob
    context: WorkerContext
    store: Store
    report: BlockReport

    def __post_init__(self) -> None:
        self.attempts = Attempts(self.store, self.context.call)
        self.heart = Heartbeat(self.store)
        self._learner = f"learner {self.job.block.learner.name!r}"

    def run_missing(self) -> None:
        """Run what is missing: first what its runs share, then one run after the other."""
        stored = self.store.keys()
        missing = tuple(run for run in self.job.runs if self._key(run) not in stored)
        if not missing:
            return
        try:
            shared = self.share(missing)
            if shared is not None:
                for run in missing:
                    self.run(run, shared)
        finally:
            self.heart.stop()

    def share(self, missing: tuple[RunSpec, ...]) -> SharedBlock | None:
        """Return what the runs share, or None if that fails: then all of them have."""
        name = str(self.job.block)
        try:
            with self._guarded(self.job.name, None):  # it may well be waiting for another process to build a cache
                self.heart.beat(name, "loading data and model")
                with standard_state(), foreign_code(self._learner):
                    shared = prepare_block(self.job, missing, self.context)
                    self.heart.beat(name, "fitting and scoring M_0")
                    _ = shared.first
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - a block's failure is a record, never a crash of the grid
            self._raise_in_debug(error, name)
            for run in missing:
                self._store_failure(run, error)
            return None
        return shared

    def run(self, run: RunSpec, shared: SharedBlock) -> None:
        """Make one run and store it, or why it failed."""
        began, key, rounds = time.perf_counter(), self._key(run), run.settings.loop.rounds

        def report(number: int, stage: str) -> None:
            self.heart.beat(str(run), f"round {number}/{rounds} {stage}", key=key, fraction=(number - 1) / rounds)

        try:
            with self._guarded(key, self.context.run_timeout), standard_state(), foreign_code(self._learner):
                algorithm, weighting = build_strategy(run.strategy)
                result = run_strategy(shared, algorithm, weighting, report)
            corpus = self.context.world.corpus(self.job.source)
            found = informativeness(shared, result, corpus.train, excerpts=self.context.with_excerpts)
            made = provenance(run, shared, corpus.source, self.context.threads)
            record = make_record(run, self.job.fingerprint, shared, result, found, made, time.perf_counter() - began)
            labels.keep(self.store, record, shared.task.test_labels)
            self.store.write(record, result.test_probabilities)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - a run's failure is a record, never a crash of the grid
            self._raise_in_debug(error, str(run))
            self._store_failure(run, error)

    @contextmanager
    def _guarded(self, name: str, limit: float | None) -> Iterator[None]:
        """Let the body end its worker a few times at most, by dying or by taking longer than ``limit`` seconds.

        Raises:
            RunError: if it has done so before.
        """
        if why := self.attempts.why_given_up(name):
            raise RunError(why)
        late = partial(self.attempts.give_up, name, f"it took longer than the {limit} s of --run-timeout")
        with self.attempts.counted(name), time_limit(limit, _log_file(self.context), late):
            yield

    def _key(self, run: RunSpec) -> str:
        return run.key(self.job.fingerprint)

    def _raise_in_debug(self, error: Exception, where: str) -> None:
        """Raise an error, with a note of where, if it is to be seen; otherwise a failure is a record, and no crash."""
        if self.context.debug:
            error.add_note(f"raised in {where}")
            raise error

    def _store_failure(self, run: RunSpec, error: Exception) -> None:
        reason = str(error) if isinstance(error, BenchError) else f"{type(error).__name__}: {error}"
        reason = " ".join(reason.split()).encode("utf-8", "replace").decode()  # one line that JSON can hold
        if not isinstance(error, BenchError):
            log.error("unexpected failure of %s", run, exc_info=error)
        fingerprint = self.job.fingerprint
        self.store.write(
            RunRecord(key=self._key(run), spec=run, status="failed", reason=reason, fingerprint=fingerprint)
        )
        self.report.failures.append(f"{run}: {reason}")


def prepare_block(job: BlockJob, runs: tuple[RunSpec, ...], context: WorkerContext) -> SharedBlock:
    """Load data and model of a block (each once per process) and build what its runs share."""
    settings, block, world = combined(runs), job.block, context.world
    corpus = world.corpus(job.source)
    if corpus.fingerprint != job.fingerprint:
        raise RunError(f"the data of {block.task.dataset} changed since the grid was expanded; start it again")
    task = build_task(corpus, block.task, block.ratio, block.start, settings.pool, settings.loop.once_planned())
    learner = build(block.learner)
    of_seed = settings.model_copy(update={"model": settings.model.masked_for(block.seed)})
    material = Material(
        train=corpus.train,
        test=corpus.test,
        pool_rows=task.rows,
        test_rows=task.test_rows,
        settings=of_seed,
        cache_dir=world.cache_dir,
        device=context.device,
    )
    judge = build(block.judge).begin(material) if block.judge else None
    return SharedBlock(block, settings, task, learner, learner.begin(material), first_query_needs(runs), judge, corpus)
