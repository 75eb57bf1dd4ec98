"""One block on one worker: build what its runs share, run what is missing, store each run the moment it ends."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import threading
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from bench.data.tokens import tokenise
from bench.errors import BenchError, RunError, StoreError
from bench.grid.expand import BlockJob
from bench.grid.plan import needs_at_start
from bench.grid.progress import log_to_file
from bench.grid.provenance import make_record, provenance
from bench.grid.world import World
from bench.informativeness import informativeness
from bench.loop import SharedBlock, run_strategy
from bench.model.encoder import Encoder
from bench.model.hardware import choose_hardware, use_threads
from bench.model.surprisal import SurprisalSource
from bench.records import ModelSettings, RunRecord, RunSpec
from bench.store import Store
from bench.strategies.catalogue import add_plugin, build_strategy
from bench.tasks import build_task

log = logging.getLogger("bench")
ORPHAN_POLL_S = 1.0


@dataclass(frozen=True)
class WorkerContext:
    """What a worker needs to know besides its block; travels by pickle within one machine's own processes.

    Attributes:
        store: path of the result store. device: auto, cpu or cuda. threads: of torch in this worker.
        plugins: files named by the user. driver: process id of the driver. log_file: of the driver; workers add to it.
    """

    store: Path
    world: World
    device: str
    threads: int
    plugins: tuple[str, ...]
    driver: int
    log_file: Path


@dataclass
class BlockReport:
    """What became of a block: runs stored, failures, or that another process has it. Never an exception."""

    name: str
    busy: bool = False
    failures: list[str] = field(default_factory=list)
    fatal: str = ""


class Heartbeat:
    """Tells the store what this worker is doing; the driver and ``status`` read it."""

    def __init__(self, store: Store) -> None:
        self._path = store.path / "live" / f"{socket.gethostname()}-{os.getpid()}.json"
        self._path.parent.mkdir(exist_ok=True)

    def tell(self, what: str, stage: str, *, key: str = "", fraction: float = 0.0) -> None:
        """Say which block or run is at which stage; of a run, also its key and how much of it is done."""
        beat = {"what": what, "stage": stage, "key": key, "fraction": round(fraction, 3), "time": time.time()}
        temporary = self._path.with_suffix(".tmp")
        try:
            temporary.write_text(json.dumps(beat))
            temporary.replace(self._path)
        except OSError:
            log.debug("no heartbeat: the store cannot be written")

    def stop(self) -> None:
        """Say that nothing is being done."""
        self._path.unlink(missing_ok=True)


def run_block(job: BlockJob, context: WorkerContext) -> BlockReport:
    """Run what is missing of a block; every failure becomes part of the report."""
    report = BlockReport(str(job.block))
    try:
        _prepare(context)
        store = Store(context.store)
        with store.claim(job.name) as mine:
            if not mine:
                report.busy = True
                return report
            _run_missing(job, context, store, report)
    except StoreError as error:
        report.fatal = str(error)
    except OSError as error:
        report.fatal = f"cannot use the store {context.store}: {error}; finished runs are kept"
    return report


def _prepare(context: WorkerContext) -> None:
    use_threads(context.threads)
    if os.getpid() != context.driver:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's: it stops its workers itself
        log_to_file(context.log_file)
        _end_with(context.driver)
    for path in context.plugins:
        add_plugin(path)


@lru_cache(maxsize=1)
def _end_with(driver: int) -> None:
    """End this worker as soon as its driver is gone: a killed driver must not leave workers behind.

    Ending at once is safe: whatever is stored is stored whole, and locks are the operating system's.
    """

    def watch() -> None:
        while os.getppid() == driver:
            time.sleep(ORPHAN_POLL_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _run_missing(job: BlockJob, context: WorkerContext, store: Store, report: BlockReport) -> None:
    stored = store.keys()
    missing = tuple(run for run in job.runs if run.key(job.fingerprint) not in stored)
    if not missing:
        return
    heart = Heartbeat(store)
    try:
        heart.tell(str(job.block), "loading data and model")
        try:
            shared = prepare_block(job, missing, context)
            heart.tell(str(job.block), "fitting and scoring M_0")
            _ = shared.first
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - a block's failure is a record, never a crash of the grid
            for run in missing:
                _store_failure(store, run, job, error, report)
            return
        for run in missing:
            _run_one(run, job, shared, context, store, heart, report)
    finally:
        heart.stop()


def _run_one(
    run: RunSpec,
    job: BlockJob,
    shared: SharedBlock,
    context: WorkerContext,
    store: Store,
    heart: Heartbeat,
    report: BlockReport,
) -> None:
    began = time.perf_counter()
    rounds, key = run.settings.loop.rounds, run.key(job.fingerprint)

    def tell(number: int, stage: str) -> None:
        heart.tell(str(run), f"round {number}/{rounds} {stage}", key=key, fraction=(number - 1) / rounds)

    try:
        algorithm, weighting = build_strategy(run.strategy)
        result = run_strategy(shared, algorithm, weighting, tell)
        corpus = context.world.corpus(job.source)
        found = informativeness(shared, result, corpus.train)
        made = provenance(run, shared, corpus.source, context.threads)
        record = make_record(run, job.fingerprint, shared, result, found, made, time.perf_counter() - began)
        store.write(record, result.test_probabilities)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - a run's failure is a record, never a crash of the grid
        _store_failure(store, run, job, error, report)


def _store_failure(store: Store, run: RunSpec, job: BlockJob, error: Exception, report: BlockReport) -> None:
    reason = str(error) if isinstance(error, BenchError) else f"{type(error).__name__}: {error}"
    reason = " ".join(reason.split()).encode("utf-8", "replace").decode()  # one line that JSON can hold
    if not isinstance(error, BenchError):
        log.error("unexpected failure of %s", run, exc_info=error)
    key = run.key(job.fingerprint)
    store.write(RunRecord(key=key, spec=run, status="failed", reason=reason, fingerprint=job.fingerprint))
    report.failures.append(f"{run}: {reason}")


def prepare_block(job: BlockJob, runs: tuple[RunSpec, ...], context: WorkerContext) -> SharedBlock:
    """Load data and model of a block (each once per process) and build what its runs share."""
    settings, block, world = runs[0].settings, job.block, context.world
    corpus = world.corpus(job.source)
    if corpus.fingerprint != job.fingerprint:
        raise RunError(f"the data of {block.task.dataset} changed since the grid was expanded; start it again")
    encoder = _encoder(settings.model, context.device)
    length = min(settings.model.max_length, encoder.max_length)
    train_tokens = tokenise(corpus.train, encoder.tokenizer, max_length=length, cache_dir=world.cache_dir)
    test_tokens = tokenise(corpus.test, encoder.tokenizer, max_length=length, cache_dir=world.cache_dir)
    return SharedBlock(
        block=block,
        settings=settings,
        task=build_task(corpus, block.task, block.ratio, block.start, settings.pool, settings.loop),
        encoder=encoder,
        train_tokens=train_tokens,
        test_tokens=test_tokens,
        surprisal_source=SurprisalSource(
            settings.model,
            encoder.hardware,
            train_tokens,
            corpus.train.fingerprint,
            encoder.tokenizer,
            world.cache_dir,
        ),
        needs_at_start=needs_at_start(job, runs),
    )


@lru_cache(maxsize=1)
def _encoder(settings: ModelSettings, device: str) -> Encoder:
    return Encoder(settings, choose_hardware(device, settings.precision))
