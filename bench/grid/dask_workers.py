"""Hands blocks to Dask workers through joblib: of this machine, of a scheduler that is named, or of Slurm jobs."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import joblib

from bench.config.slurm import SlurmSpec
from bench.errors import RunError, SpecError
from bench.grid.expand import BlockJob
from bench.grid.messages import BlockReport, Reports, Work
from bench.grid.workers import Workers

MISSING = "Dask is not installed; install it with: pip install 'imbal-bench[dask]'"
try:
    import dask
    from distributed import CancelledError, Client, Nanny, Scheduler, SpecCluster
    from distributed.scheduler import KilledWorker
    from joblib._dask import DaskDistributedBackend
except ImportError:
    raise SpecError(MISSING) from None

log = logging.getLogger("bench")
CONNECT_S = 20
TELL_EVERY_S = 30
GPU = {"GPU": 1}
SETTINGS = {
    "distributed.worker.daemon": False,  # or Lightning's loaders could have no workers of their own
    "distributed.logging.distributed": "critical",  # what matters of a dying worker is in our own log
}


@contextmanager
def dask_reports(workers: Workers, device: str, logs: Path) -> Iterator[Reports]:
    """Connect to Dask workers, starting them first where that is asked for; see ``executors.reports_of``."""
    wanted = GPU if workers.gpus or device == "cuda" else {}
    with dask.config.set(SETTINGS), _cluster(workers, wanted, logs) as cluster, _client(cluster) as client:
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
    left = {str(job.block) for job in jobs}
    try:
        _wait_for_a_worker(client, wanted)
        backend = _Blocks(client=client, **({"resources": wanted} if wanted else {}))
        parallel = joblib.Parallel(backend=backend, pre_dispatch="all", batch_size=1, return_as="generator_unordered")
        for report in parallel(joblib.delayed(partial(work, job))() for job in jobs):
            left.discard(report.name)
            yield report
    except KilledWorker:  # one block too many times; joblib has let go of the others
        yield from (BlockReport(name, lost=True) for name in sorted(left))
    except (CancelledError, OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise RunError(f"lost the Dask workers ({reason}); finished runs are kept, the same command goes on") from None


def _wait_for_a_worker(client: Any, wanted: dict[str, int]) -> None:
    """Wait for the first worker that may be given blocks, however long a queue of jobs may be, and say so.

    Raises:
        ConnectionError: if the scheduler goes away.
    """
    quiet_s = 0
    while True:
        known = client.scheduler_info(n_workers=-1).get("workers")
        if known is None:
            raise ConnectionError("their scheduler is gone")
        if any(wanted.items() <= worker["resources"].items() for worker in known.values()):
            return
        if quiet_s % TELL_EVERY_S == 0:
            need = " that was started with --resources GPU=1" if wanted else ""
            log.info("waiting for a Dask worker%s; %d are connected", need, len(known))
        time.sleep(1)
        quiet_s += 1


class _Blocks(DaskDistributedBackend):  # type: ignore[misc] # joblib is not annotated
    """joblib's backend for Dask without two of its traps (joblib 1.6).

    While a cluster has one worker, it would run everything in the driver instead; and of a task that the scheduler
    has given up, it tells ``Parallel`` nothing, which then waits forever.
    """

    def effective_n_jobs(self, n_jobs: int) -> int:  # noqa: ARG002 - joblib's signature
        """Return a number that is not 1: the scheduler knows its workers, of which more may come."""
        return 2

    def submit(self, func: Callable[..., Any], callback: Callable[[Any], Any] | None = None) -> Future[Any]:
        """Submit a task; an error of the scheduler's is handed on like a result."""
        future: Future[Any] = super().submit(func, callback)

        def tell(done: Future[Any]) -> None:
            error = done.exception()
            if error is not None and callback is not None:
                callback(error)

        future.add_done_callback(tell)
        return future

    def retrieve_result_callback(self, out: Any) -> Any:
        """Return a task's result, or raise the error in its place."""
        if isinstance(out, BaseException):
            raise out
        return super().retrieve_result_callback(out)
