"""How a grid is executed, as a value."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bench.errors import SpecError
from bench.grid.executors.choice import THIS_PROCESS, Workers
from bench.grid.messages import WorkerContext
from bench.grid.worker.heartbeat import process_name
from bench.grid.world import World
from bench.registry import PluginFile, read_plugin


@dataclass(frozen=True)
class Execution:
    """How a grid is executed; none of it changes what a run yields beyond the rounding of another thread count.

    Attributes:
        workers: which processes run blocks. device: auto, cpu or cuda.
        plugins: files with strategies, as they were read, or where they are.
        threads: of each worker; None divides the cores. run_timeout: seconds a run may take; None for no limit.
        debug: whether what a run raises ends the grid, with its traceback, instead of becoming a failure record.
        with_excerpts: whether records keep how some selected texts begin.
    """

    store: Path
    world: World
    workers: Workers = THIS_PROCESS
    device: str = "auto"
    plugins: tuple[str | PluginFile, ...] = ()
    threads: int | None = None
    run_timeout: float | None = None
    debug: bool = False
    with_excerpts: bool = False

    def __post_init__(self) -> None:
        limit = self.run_timeout
        if limit is not None and not 0 < limit <= threading.TIMEOUT_MAX:
            raise SpecError(f"a run's time limit is {limit} s; give seconds above 0, or none for no limit")
        if self.debug and self.workers.executor != "inline":
            raise SpecError("errors of a run can rise in this process only; leave out what asks for other workers")
        if self.workers.gpus and self.device == "cpu":
            raise SpecError("--gpus shares out GPUs, but --device cpu leaves them unused; give one of them")

    @property
    def threads_each(self) -> int:
        """Threads of each worker."""
        return self.threads or self.workers.threads_each

    def context(self, log_file: Path) -> WorkerContext:
        """Return what a worker needs besides its block."""
        return WorkerContext(
            store=self.store,
            world=self.world,
            device="cuda" if self.workers.gpus else self.device,  # a worker must not turn to the CPU in silence
            threads=self.threads_each,
            plugins=tuple(p if isinstance(p, PluginFile) else read_plugin(p) for p in self.plugins),
            driver=process_name(),
            call=uuid4().hex,
            folder=Path.cwd(),
            log_file=log_file,
            run_timeout=self.run_timeout,
            debug=self.debug,
            with_excerpts=self.with_excerpts,
        )
