"""Hands blocks to the workers of a Dask client, and yields reports of them.

Each worker has one block at a time, of which it alone may decide. Dask's scheduler would hand out all blocks at once,
and when a worker dies it blames every block that was waiting there: after four deaths of its neighbours
(``allowed-failures``), a block that was never begun would count as one that kills workers.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from distributed import CancelledError, KilledWorker, Nanny, Status, as_completed

from bench.errors import RunError
from bench.grid.executors.packing import cannot_run, packed, unpacker
from bench.grid.expansion.blocks import BlockJob
from bench.grid.messages import BlockReport, RunBlock

log = logging.getLogger("bench")
POLL_S = 1.0
"""How soon a dead worker is noticed; finished blocks are reported at once."""
REPORT_EVERY_S = 30
_ENDED = {Status.closing_gracefully, Status.closing, Status.closed, Status.failed}


def run_blocks(client: Any, wanted: dict[str, int], work: RunBlock, jobs: Sequence[BlockJob]) -> Iterator[BlockReport]:
    """Have the workers of a client run blocks; yield reports as they come.

    Args:
        client: of Dask.
        wanted: resources that a worker must have.
        work: runs a block.
        jobs: the blocks.

    Raises:
        RunError: if the scheduler or all workers are lost, or a worker cannot run blocks at all.
    """
    try:
        _wait_for_a_worker(client, wanted)
        yield from _BlocksAtWork(client, wanted, work, deque(jobs)).reports()
    except (CancelledError, OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise RunError(f"lost the Dask workers ({reason}); finished runs are kept, the same command goes on") from None


def _wait_for_a_worker(client: Any, wanted: dict[str, int]) -> None:
    """Wait for the first worker that may be given blocks, however long a queue of jobs may be, and log it.

    Raises:
        ConnectionError: if the scheduler goes away, or all workers were of this machine and none will be started again.
    """
    quiet_s = 0
    while not _suitable(_connected(client), wanted):
        if _none_will_come(client):
            raise ConnectionError("those of this machine have all ended")
        if quiet_s % REPORT_EVERY_S == 0:
            need = " that was started with --resources GPU=1" if wanted else ""
            log.info("waiting for a Dask worker%s; %d are connected", need, len(_connected(client)))
        time.sleep(1)
        quiet_s += 1


def _none_will_come(client: Any) -> bool:
    """Return whether all workers are ours to start, on this machine, and what starts them again has ended."""
    starters = getattr(client.cluster, "workers", {}).values()
    return bool(starters) and all(isinstance(it, Nanny) and it.status in _ENDED for it in starters)


def _connected(client: Any) -> dict[str, dict[str, Any]]:
    """Return what the scheduler knows of each connected worker, by address.

    Raises:
        ConnectionError: if the scheduler goes away.
    """
    known: dict[str, dict[str, Any]] | None = client.scheduler_info(n_workers=-1).get("workers")
    if known is None:
        raise ConnectionError("their scheduler is gone")
    return known


def _suitable(connected: dict[str, dict[str, Any]], wanted: dict[str, int]) -> list[str]:
    """Return the addresses of the workers that have the resources wanted."""
    return [address for address, worker in connected.items() if wanted.items() <= worker["resources"].items()]


@dataclass
class _BlocksAtWork:
    """The blocks of a pass: those that no worker has yet, and those that are bound to one.

    Attributes:
        waiting: blocks that no worker has yet. at_work: address of a worker -> its block and what will be its report.
        prepared: addresses of workers that have been told where our packages are.
    """

    client: Any
    wanted: dict[str, int]
    work: RunBlock
    waiting: deque[BlockJob]
    at_work: dict[str, tuple[BlockJob, Any]] = field(default_factory=dict)
    prepared: set[str] = field(default_factory=set)

    def reports(self) -> Iterator[BlockReport]:
        """Yield a report of each block: what its worker reports, or that its worker died."""
        while self.waiting or self.at_work:
            connected = _connected(self.client)
            for address in self.at_work.keys() - connected.keys():
                yield self._lost(address)
            self._hand_out(_suitable(connected, self.wanted))
            yield from self._finished()

    def _hand_out(self, addresses: Sequence[str]) -> None:
        """Give a block to each worker that has none; it is bound to that worker, and is not taken to another."""
        for address in addresses:
            if self.waiting and address not in self.at_work:
                self._make_sure_of_packages(address)
                job = self.waiting.popleft()
                future = self.client.submit(
                    unpacker(),
                    packed(self.work, job),
                    key=f"{job.block}-{uuid4().hex}",
                    workers=[address],
                    **({"resources": self.wanted} if self.wanted else {}),
                )
                self.at_work[address] = job, future

    def _make_sure_of_packages(self, address: str) -> None:
        """Have a worker that somebody started find our packages before others of their names (imbal_bench.packages)."""
        if address not in self.prepared:
            with suppress(Exception):  # one that cannot be reached, or lacks the suite, fails with its first block
                self.client.run(exec, "import imbal_bench", workers=[address])
            self.prepared.add(address)

    def _finished(self) -> Iterator[BlockReport]:
        """Wait a little for the next block that ends, and yield its report."""
        at = {future.key: address for address, (_, future) in self.at_work.items()}
        if not at:
            _wait_for_a_worker(self.client, self.wanted)  # all are gone, and others may come
            return
        with suppress(TimeoutError):
            futures = [future for _, future in self.at_work.values()]
            future = next(as_completed(futures, loop=self.client.loop, timeout=POLL_S))
            yield self._report(at[future.key], future)

    def _report(self, address: str, future: Any) -> BlockReport:
        """Return the report of a block that has ended.

        Raises:
            TimeoutError: if the report went with its worker before it could be fetched.
            RunError: if the worker could not even begin, such as one that lacks this package.
        """
        error = future.exception(timeout=POLL_S) if future.status == "error" else None
        if isinstance(error, KilledWorker):  # it was given four times to a worker that comes back under one address
            return self._lost(address)
        if error is not None:
            raise cannot_run(f"the Dask worker {address}", error, "install this version there too")
        report: BlockReport = future.result(timeout=POLL_S)
        del self.at_work[address]
        return report

    def _lost(self, address: str) -> BlockReport:
        job, future = self.at_work.pop(address)
        future.cancel()
        return BlockReport(str(job.block), lost=True)
