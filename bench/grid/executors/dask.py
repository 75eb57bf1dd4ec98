"""Connects to Dask's workers: of this machine, of a scheduler that is named, or of Slurm jobs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Nanny, Scheduler, SpecCluster

from bench.errors import RunError
from bench.grid.executors.choice import Workers
from bench.grid.executors.dask_blocks import run_blocks
from bench.grid.executors.slurm_jobs import slurm_cluster
from bench.grid.messages import RunBlocks

CONNECT_S = 20
GPU = {"GPU": 1}
SETTINGS = {
    "distributed.worker.daemon": False,  # or Lightning's loaders could have no workers of their own
    "distributed.logging.distributed": "critical",  # what matters of a dying worker is in our own log
}
HERE = {"distributed.deploy.lost-worker-timeout": "1000 days"}
"""For workers of this machine: a worker that is away for 15 s would be given up for good, and a busy machine takes
longer to start one again. Of Slurm, a job that is away for so long has ended, and another is submitted."""


@contextmanager
def in_dask(workers: Workers, device: str, logs: Path) -> Iterator[RunBlocks]:
    """Connect to Dask workers, starting them first unless a scheduler is named; see ``start.start_workers``."""
    wanted = GPU if workers.gpus or device == "cuda" else {}
    settings = SETTINGS if workers.remote else SETTINGS | HERE
    with dask.config.set(settings), _cluster(workers, wanted, logs) as cluster, _client(cluster) as client:
        yield partial(run_blocks, client, wanted)


def _cluster(workers: Workers, resources: dict[str, int], logs: Path) -> AbstractContextManager[Any]:
    """Return a cluster, or the address of a scheduler, in a context."""
    if workers.scheduler:
        return nullcontext(workers.scheduler)
    if workers.slurm:
        return slurm_cluster(workers.slurm, resources, logs)
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
