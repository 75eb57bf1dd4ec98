"""Hands blocks to workers on this machine, and takes their reports as they come; a worker that dies is replaced."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from queue import SimpleQueue

from loky import BrokenProcessPool, ProcessPoolExecutor
from loky.process_executor import ShutdownExecutorError

from bench.grid.executors.packing import cannot_run, packed, unpacker
from bench.grid.expansion.blocks import BlockJob
from bench.grid.messages import BlockReport, RunBlock, RunBlocks

ORPHAN_POLL_S = 1.0


@contextmanager
def in_processes(slots: Sequence[dict[str, str]]) -> Iterator[RunBlocks]:
    """Yield a function that has worker processes of this machine, one a slot, run blocks, and yields their reports."""
    free: SimpleQueue[_Slot] = SimpleQueue()
    held = [_Slot(environment) for environment in slots]
    for slot in held:
        free.put(slot)

    def one(work: RunBlock, job: BlockJob) -> BlockReport:
        slot = free.get()
        try:
            return slot.run(work, job)
        finally:
            free.put(slot)

    # Workers inherit what the thread that starts them blocks: Ctrl-C is the driver's, from their first moment on.
    ctrl_c = (signal.SIG_BLOCK, {signal.SIGINT})
    with ThreadPoolExecutor(len(held), initializer=signal.pthread_sigmask, initargs=ctrl_c) as threads:

        def reports(work: RunBlock, jobs: Sequence[BlockJob]) -> Iterator[BlockReport]:
            futures: list[Future[BlockReport]] = [threads.submit(one, work, job) for job in jobs]
            for future in as_completed(futures):
                yield future.result()

        try:
            yield reports
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            for slot in held:
                slot.close()


class _Slot:
    """One worker process, started when it is first needed, and again when it died.

    Each has a loky pool to itself: in a shared one a worker that dies takes along all others and what they were
    computing, and it would be unknown which of their blocks was to blame.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._pool: ProcessPoolExecutor | None = None
        self._closed = False
        self._lock = threading.Lock()

    def run(self, work: RunBlock, job: BlockJob) -> BlockReport:
        """Have the worker run a block; report it as lost if the worker dies.

        Raises:
            RunError: if the worker could not even begin.
        """
        try:
            report: BlockReport = self._submit(packed(work, job)).result()
        except (BrokenProcessPool, ShutdownExecutorError):
            self._pool = None
            report = BlockReport(str(job.block), lost=True)
        except Exception as error:  # noqa: BLE001 - whatever a worker cannot do is told in one line
            raise cannot_run("a worker process", error, "it must be able to import what this one does") from None
        return report

    def _submit(self, work: bytes) -> Future[BlockReport]:
        with self._lock:
            if self._closed:
                raise ShutdownExecutorError
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    max_workers=1, env=self._environment, initializer=_begin, initargs=(os.getpid(),)
                )
            future: Future[BlockReport] = self._pool.submit(unpacker(), work)
            return future

    def close(self) -> None:
        """End the worker, whatever it is doing: what it has stored is stored whole."""
        with self._lock:
            self._closed = True
            if self._pool is not None:
                self._pool.shutdown(kill_workers=True)


def _begin(driver: int) -> None:
    """Prepare a new worker process: a killed driver must not leave workers behind."""

    def watch() -> None:
        while os.getppid() == driver:
            time.sleep(ORPHAN_POLL_S)
        os._exit(1)  # safe at any time: whatever is stored is stored whole, and locks are the operating system's

    threading.Thread(target=watch, daemon=True).start()
