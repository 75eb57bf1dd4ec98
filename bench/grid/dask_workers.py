"""Hands blocks to Dask workers: of this machine, of a scheduler that is named, or of Slurm jobs.

Each worker has one block at a time, of which it alone may decide. Dask's scheduler would hand out all blocks at once,
and when a worker dies it blames every block that was waiting there: after four deaths of its neighbours
(``allowed-failures``), a block that was never begun would count as one that kills workers.
"""

from __future__ import annotations

import logging
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.config.slurm import SlurmSpec
from bench.errors import RunError, SpecError
from bench.grid.expand import BlockJob
from bench.grid.messages import BlockReport, Reports, Work
from bench.grid.workers import Workers

MISSING = "Dask is not installed; install it with: pip install 'imbal-bench[dask]'"
try:
    import dask
    from distributed import CancelledError, Client, KilledWorker, Nanny, Scheduler, SpecCluster, as_completed
except ImportError:
    raise SpecError(MISSING) from None

log = logging.getLogger("bench")
CONNECT_S = 20
POLL_S = 1.0
"""How soon a dead worker is noticed; finished blocks are reported at once."""
TELL_EVERY_S = 30
GPU = {"GPU": 1}
SETTINGS = {
    "distributed.worker.daemon": False,  # or Lightning's loaders could have no workers of their own
    "distributed.logging.distributed": "critical",  # what matters of a dying worker is in our own log
}

HERE = {"distributed.deploy.lost-worker-timeout": "1000 days"}
"""For workers of this machine: whoever is away for 15 s would be given up for good, and a busy machine takes longer to
start a worker again. Of Slurm, a job that is away for so long has ended, and another is submitted."""


@contextmanager
def dask_reports(workers: Workers, device: str, logs: Path) -> Iterator[Reports]:
    """Connect to Dask workers, starting them first where that is asked for; see ``executors.reports_of``."""
    wanted = GPU if workers.gpus or device == "cuda" else {}
    settings = SETTINGS if workers.elsewhere else SETTINGS | HERE
    with dask.config.set(settings), _cluster(workers, wanted, logs) as cluster, _client(cluster) as client:
        yield partial(_reports, client, wanted)


def _cluster(workers: Workers, resources: dict[str, int], logs: Path) -> AbstractContextManager[Any]:
    """Return a cluster, or the address of a scheduler, in a context."""
    if workers.scheduler:
        return nullcontext(workers.scheduler)
    if workers.slurm:
        return _slurm(workers.slurm, resources, logs)
    here = {"host": "127.0.0.1"}
    each = {
        "nthreads": 1,
        "memory_limit": 0,
        "resources": resources,
        "silence_logs": logging.CRITICAL,
        "preload": ["import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)"],  # Ctrl-C is the driver's
        **here,
    }
    nannies = {i: {"cls": Nanny, "options": {**each, "env": slot}} for i, slot in enumerate(workers.slots)}
    scheduler = {"cls": Scheduler, "options": {**here, "port": 0, "dashboard": False}}
    cluster: AbstractContextManager[Any] = SpecCluster(nannies, scheduler, silence_logs=logging.CRITICAL)
    return cluster


@contextmanager
def _slurm(spec: SlurmSpec, resources: dict[str, int], logs: Path) -> Iterator[Any]:
    """Submit jobs; one that ends while there is work is submitted again."""
    cluster_class = _slurm_cluster()
    asked = [f"{name}={count}" for name, count in resources.items()]
    extra = ["--memory-limit", "0", *(["--resources", *asked] if asked else [])]
    cluster = cluster_class(
        cores=spec.workers,  # of Dask: one task a worker
        processes=spec.workers,
        job_cpu=spec.cores,
        memory=spec.memory,
        walltime=spec.walltime,
        queue=spec.queue,
        account=spec.account,
        interface=spec.interface,
        python=spec.python,
        job_extra_directives=list(spec.directives),
        job_script_prologue=["export DASK_DISTRIBUTED__WORKER__DAEMON=False"],
        worker_extra_args=extra,
        log_directory=str(logs),
        scheduler_options={"dashboard": False},
        silence_logs=logging.CRITICAL,
    )
    with cluster:
        cluster.adapt(minimum_jobs=spec.jobs, maximum_jobs=spec.jobs)
        yield cluster


def _slurm_cluster() -> Any:
    """Import dask-jobqueue, which then takes over signals (0.9): with its handlers, Ctrl-C would end in exit code 0."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        from dask_jobqueue.slurm import SLURMCluster
    except ImportError:
        raise SpecError(MISSING) from None
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return SLURMCluster


@contextmanager
def _client(cluster: Any) -> Iterator[Any]:
    try:
        client = Client(cluster, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise RunError(
            f"cannot reach the Dask scheduler {cluster}: {' '.join(str(error).split())}; "
            "start one with `dask scheduler` and give its address, such as --scheduler tcp://host:8786"
        ) from None
    with client:
        yield client


def _reports(client: Any, wanted: dict[str, int], work: Work, jobs: Sequence[BlockJob]) -> Iterator[BlockReport]:
    try:
        _wait_for_a_worker(client, wanted)
        yield from _Blocks(client, wanted, work, deque(jobs)).reports()
    except (CancelledError, OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise RunError(f"lost the Dask workers ({reason}); finished runs are kept, the same command goes on") from None


def _wait_for_a_worker(client: Any, wanted: dict[str, int]) -> None:
    """Wait for the first worker that may be given blocks, however long a queue of jobs may be, and say so.

    Raises:
        ConnectionError: if the scheduler goes away.
    """
    quiet_s = 0
    while not _suitable(_connected(client), wanted):
        if quiet_s % TELL_EVERY_S == 0:
            need = " that was started with --resources GPU=1" if wanted else ""
            log.info("waiting for a Dask worker%s; %d are connected", need, len(_connected(client)))
        time.sleep(1)
        quiet_s += 1


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
class _Blocks:
    """The blocks of a pass: those that no worker has yet, and those that are bound to one.

    Attributes:
        waiting: blocks that no worker has yet. at_work: address of a worker -> its block and what will be its report.
        prepared: addresses of workers that have been told where our packages are.
    """

    client: Any
    wanted: dict[str, int]
    work: Work
    waiting: deque[BlockJob]
    at_work: dict[str, tuple[BlockJob, Any]] = field(default_factory=dict)
    prepared: set[str] = field(default_factory=set)

    def reports(self) -> Iterator[BlockReport]:
        """Yield a report of each block: what its worker says, or that its worker died."""
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
                    self.work,
                    job,
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
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise RunError(f"the Dask worker {address} cannot run blocks ({reason}); install this version there too")
        report: BlockReport = future.result(timeout=POLL_S)
        del self.at_work[address]
        return report

    def _lost(self, address: str) -> BlockReport:
        job, future = self.at_work.pop(address)
        future.cancel()
        return BlockReport(str(job.block), lost=True)
