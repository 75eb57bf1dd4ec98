"""How a block travels to a worker: as bytes that the worker itself unpacks.

An executor that unpacks what it is sent does so outside of the work. Where a module is lacking, Dask then drops the
connection to the worker, or its scheduler refuses the work, and loky ends the process; each looks like a death, after
which a block is tried again. Unpacked by the work itself, the same is an error that says what is lacking.
"""

from __future__ import annotations

from collections.abc import Callable

import cloudpickle

from bench.errors import RunError
from bench.grid.expansion.blocks import BlockJob
from bench.grid.messages import BlockReport, RunBlock


def packed(work: RunBlock, job: BlockJob) -> bytes:
    """Return a block and what runs it as bytes, for the function that ``unpacker`` makes."""
    content: bytes = cloudpickle.dumps((work, job))
    return content


def unpacker() -> Callable[[bytes], BlockReport]:
    """Return a function that runs what was packed; made here, it travels by value, to where this module is lacking."""

    def run(content: bytes) -> BlockReport:
        import pickle

        work, job = pickle.loads(content)  # noqa: S301 - of the driver that this worker works for
        report: BlockReport = work(job)
        return report

    return run


def cannot_run(worker: str, error: BaseException, remedy: str) -> RunError:
    """Return what ends a grid when a worker raises, since a block never does: the worker could not even begin it."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return RunError(f"{worker} cannot run blocks ({reason}); {remedy}")
