"""Which processes run the blocks of a grid, as a value: in this process, several on this machine, or Dask's."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from bench.config.slurm import SlurmSpec
from bench.errors import ModelError, SpecError
from bench.model.hardware import visible_gpus

Executor = Literal["inline", "joblib", "dask"]
DASK_MISSING = "Dask is not installed; install it with: pip install 'imbal-bench[dask]'"


@dataclass(frozen=True)
class Workers:
    """Which processes run blocks.

    Attributes:
        executor: ``inline`` (this process), ``joblib`` (processes of this machine, by loky) or ``dask``.
        jobs: worker processes on this machine; with GPUs, as many as these have room for.
        gpus: CUDA's names of the GPUs to be shared out; empty leaves the choice to each worker.
        per_gpu: worker processes on each of them.
        scheduler: address of a Dask scheduler whose workers are used. slurm: jobs that become Dask workers.
    """

    executor: Executor = "inline"
    jobs: int = 1
    gpus: tuple[str, ...] = ()
    per_gpu: int = 1
    scheduler: str = ""
    slurm: SlurmSpec | None = None

    @property
    def remote(self) -> bool:
        """Whether blocks may run on other machines."""
        return bool(self.scheduler or self.slurm)

    @property
    def slots(self) -> tuple[dict[str, str], ...]:
        """What each worker process of this machine finds in its environment, besides what is there."""
        if self.gpus:
            return tuple({"CUDA_VISIBLE_DEVICES": gpu} for gpu in self.gpus for _ in range(self.per_gpu))
        return tuple({} for _ in range(self.jobs))

    @property
    def threads_each(self) -> int:
        """Default number of threads of each worker: its share of the cores."""
        if self.slurm:
            return max(self.slurm.cores // self.slurm.workers, 1)
        if self.scheduler:
            return 1  # what its workers' machines have is not known here
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return max(cores // len(self.slots), 1)


THIS_PROCESS = Workers()


def choose_workers(
    executor: Executor | None = None,
    *,
    jobs: int = 1,
    gpus: str | None = None,
    per_gpu: int = 1,
    scheduler: str | None = None,
    slurm: SlurmSpec | None = None,
    needs_subprocess: bool = False,
) -> Workers:
    """Return the workers that the command line's options request.

    Args:
        executor: None for what the other options imply.
        jobs: worker processes on this machine.
        gpus: ``all``, or CUDA's names of some, separated by commas.
        per_gpu: worker processes on each of them.
        scheduler: address of a Dask scheduler.
        slurm: jobs that become Dask workers.
        needs_subprocess: whether a worker must be a process of its own, so that it can be ended.

    Raises:
        SpecError: if options contradict each other.
        ModelError: if all GPUs are requested and there is none.
    """
    remote = scheduler is not None or slurm is not None
    several = jobs > 1 or gpus is not None or needs_subprocess
    given = {"--jobs": jobs > 1, "--gpus": gpus, "--scheduler": scheduler, "--slurm": slurm}
    names = [name for name, value in given.items() if value]
    if len(names) > 1:
        raise SpecError(f"{' and '.join(names)} each say which workers there are; give one of them")
    chosen = executor or ("dask" if remote else "joblib" if several else "inline")
    if remote and chosen != "dask":
        raise SpecError(f"--executor {chosen} runs on this machine only; --scheduler and --slurm need --executor dask")
    if chosen == "inline" and several:
        raise SpecError("--executor inline is one worker in this process; --jobs, --gpus and --run-timeout need others")
    if per_gpu > 1 and gpus is None:
        raise SpecError("--per-gpu says how many workers share a GPU of --gpus; give --gpus too, e.g. --gpus all")
    return Workers(chosen, jobs, _gpu_names(gpus) if gpus is not None else (), per_gpu, scheduler or "", slurm)


def _gpu_names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if names == ("all",):
        there = visible_gpus()
        if not there:
            raise ModelError("all GPUs were requested, but torch sees none; leave --gpus out to run on the CPU")
        return there
    if not all(names) or len(set(names)) < len(names) or "all" in names:
        raise SpecError(f"--gpus {text!r} must read all, or different numbers or names separated by commas: 0,1,2")
    return names
