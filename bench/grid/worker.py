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
from functools import lru_cache, partial
from pathlib import Path

from bench.data.tokens import tokenise
from bench.errors import BenchError, RunError, StoreError
from bench.grid.attempts import Attempts, time_limit
from bench.grid.expand import BlockJob
from bench.grid.heartbeat import Heartbeat, is_of_this_host, process_name
from bench.grid.messages import BlockReport, WorkerContext
from bench.grid.plan import needs_at_start
from bench.grid.progress import log_to_file
from bench.grid.provenance import make_record, provenance
from bench.informativeness import informativeness
from bench.loop import SharedBlock, run_strategy
from bench.model.encoder import Encoder
from bench.model.hardware import choose_hardware, use_threads
from bench.model.standard_state import standard_state
from bench.model.surprisal import SurprisalSource
from bench.records import ModelSettings, RunRecord, RunSpec, combined
from bench.store import Store
from bench.strategies.catalogue import add_plugin, build_strategy, use_plugins
from bench.tasks import build_task

log = logging.getLogger("bench")
_ONE_BLOCK = threading.Lock()  # torch's settings belong to the process; a Dask worker may have several threads


def run_block(job: BlockJob, context: WorkerContext) -> BlockReport:
    """Run what is missing of a block; every failure becomes part of the report."""
    report = BlockReport(str(job.block))
    try:
        with _ONE_BLOCK:
            _prepare(context)
            store = Store(context.store)
            with store.claim(job.name) as mine:
                if not mine:
                    report.busy = True
                    return report
                _Worker(job, context, store, report).run_missing()
    except BenchError as error:
        report.fatal = str(error)
    except OSError as error:
        report.fatal = f"cannot use the store {context.store}: {error}; finished runs are kept"
    return report


def _prepare(context: WorkerContext) -> None:
    if process_name() != context.driver:
        with suppress(OSError):  # a machine without that folder can do without, if all paths are absolute
            os.chdir(context.folder)
        log_to_file(_log_file(context))
        use_plugins(context.plugins)
    else:
        for plugin in context.plugins:
            add_plugin(plugin)
    use_threads(context.threads)  # last: a plug-in may set another number when it is imported


def _log_file(context: WorkerContext) -> Path:
    """Return where this process logs; machines have files of their own, since appending over a network mixes lines."""
    path = context.log_file
    if is_of_this_host(context.driver):
        return path
    return path.with_name(f"{path.stem}-{socket.gethostname()}{path.suffix}")


@dataclass
class _Worker:
    """One block, claimed by this process."""

    job: BlockJob
    context: WorkerContext
    store: Store
    report: BlockReport

    def __post_init__(self) -> None:
        self.attempts = Attempts(self.store, self.context.call)
        self.heart = Heartbeat(self.store)

    def run_missing(self) -> None:
        """Run what is missing: first what its runs share, then one run after the other."""
        stored = self.store.keys()
        missing = tuple(run for run in self.job.runs if self._key(run) not in stored)
        if not missing:
            return
        try:
            shared = self._share(missing)
            if shared is not None:
                for run in missing:
                    self._run(run, shared)
        finally:
            self.heart.stop()

    def _share(self, missing: tuple[RunSpec, ...]) -> SharedBlock | None:
        """Return what the runs share, or None if that fails: then all of them have."""
        name = str(self.job.block)
        try:
            with self._guarded(self.job.name, None):  # it may well be waiting for another process to build a cache
                self.heart.tell(name, "loading data and model")
                shared = prepare_block(self.job, missing, self.context)
                self.heart.tell(name, "fitting and scoring M_0")
                _ = shared.first
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - a block's failure is a record, never a crash of the grid
            for run in missing:
                self._store_failure(run, error)
            return None
        return shared

    def _run(self, run: RunSpec, shared: SharedBlock) -> None:
        began, key, rounds = time.perf_counter(), self._key(run), run.settings.loop.rounds

        def tell(number: int, stage: str) -> None:
            self.heart.tell(str(run), f"round {number}/{rounds} {stage}", key=key, fraction=(number - 1) / rounds)

        try:
            with self._guarded(key, self.context.run_timeout), standard_state():
                algorithm, weighting = build_strategy(run.strategy)
                result = run_strategy(shared, algorithm, weighting, tell)
            corpus = self.context.world.corpus(self.job.source)
            found = informativeness(shared, result, corpus.train)
            made = provenance(run, shared, corpus.source, self.context.threads)
            record = make_record(run, self.job.fingerprint, shared, result, found, made, time.perf_counter() - began)
            self.store.write(record, result.test_probabilities)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - a run's failure is a record, never a crash of the grid
            self._store_failure(run, error)

    @contextmanager
    def _guarded(self, name: str, limit: float | None) -> Iterator[None]:
        """Let the body end its worker a few times at most, by dying or by taking longer than ``limit`` seconds.

        Raises:
            RunError: if it has done so before.
        """
        hopeless = self.attempts.hopeless(name)
        if hopeless:
            raise RunError(hopeless)
        late = partial(self.attempts.give_up, name, f"it took longer than the {limit} s of --run-timeout")
        with self.attempts.counted(name), time_limit(limit, _log_file(self.context), late):
            yield

    def _key(self, run: RunSpec) -> str:
        return run.key(self.job.fingerprint)

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
    encoder = _encoder(settings.shared().model, context.device, world.cache_dir)
    length = min(settings.model.max_length, encoder.max_length)
    train_tokens = tokenise(corpus.train, encoder.tokenizer, max_length=length, cache_dir=world.cache_dir)
    test_tokens = tokenise(corpus.test, encoder.tokenizer, max_length=length, cache_dir=world.cache_dir)
    return SharedBlock(
        block=block,
        settings=settings,
        task=build_task(corpus, block.task, block.ratio, block.start, settings.pool, settings.loop.once_planned()),
        encoder=encoder,
        train_tokens=train_tokens,
        test_tokens=test_tokens,
        surprisal_source=SurprisalSource(
            settings.model.masked_for(block.seed),
            encoder.hardware,
            train_tokens,
            corpus.train.fingerprint,
            encoder.tokenizer,
            world.cache_dir,
        ),
        needs_at_start=needs_at_start(job, runs),
    )


@lru_cache(maxsize=1)
def _encoder(settings: ModelSettings, device: str, cache_dir: Path) -> Encoder:
    """Return the encoder of this content, loaded once per process whatever becomes of its files."""
    return Encoder(settings, choose_hardware(device, settings.precision), cache_dir)
