"""A Dask cluster whose workers are Slurm jobs."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.config.slurm import SlurmSpec
from bench.errors import SpecError
from bench.grid.executors.choice import DASK_MISSING


@contextmanager
def slurm_cluster(spec: SlurmSpec, resources: dict[str, int], logs: Path) -> Iterator[Any]:
    """Submit jobs; one that ends while there is work is submitted again."""
    cluster_class = _cluster_class()
    wanted = [f"{name}={count}" for name, count in resources.items()]
    extra = ["--memory-limit", "0", *(["--resources", *wanted] if wanted else [])]
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


def _cluster_class() -> Any:
    """Import dask-jobqueue, which then takes over signals (0.9): with its handlers, Ctrl-C would end in exit code 0."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        from dask_jobqueue.slurm import SLURMCluster
    except ImportError:
        raise SpecError(DASK_MISSING) from None
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return SLURMCluster
