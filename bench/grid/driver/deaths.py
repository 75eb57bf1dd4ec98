"""Deaths of workers, and when it is of no use to start more.

A death in work that has begun is noted in the store (``bench.grid.worker.attempts``), and a few of them give that work
up. A worker that dies before it has begun anything, say because its environment crashes, leaves no note: so many of
those in a row end the grid.
"""

from __future__ import annotations

import logging
from pathlib import Path

from bench.errors import RunError
from bench.grid.expansion.blocks import BlockJob
from bench.grid.worker.attempts import Attempts

log = logging.getLogger("bench")
DEATHS_BEFORE_WORK = 10


class Deaths:
    """Deaths of one call's workers.

    Args:
        attempts: what this call's workers noted. log_file: to be named to the user.
    """

    def __init__(self, attempts: Attempts, log_file: Path) -> None:
        self._attempts, self._log_file = attempts, log_file
        self._begun: dict[str, int] = {}
        self._in_a_row = 0

    def worked(self) -> None:
        """Note that a worker came to the end of a block."""
        self._in_a_row = 0

    def died(self, job: BlockJob) -> None:
        """Note that the worker of a block has died.

        Raises:
            RunError: if too many in a row have not begun to work.
        """
        begun = {name: self._attempts.begun(name) for name in (job.name, *job.keys)}
        has_worked = any(count > self._begun.get(name, 0) for name, count in begun.items())
        self._begun.update(begun)
        self._in_a_row = 0 if has_worked else self._in_a_row + 1
        if self._in_a_row >= DEATHS_BEFORE_WORK:
            raise RunError(
                f"{self._in_a_row} workers in a row died before they began to work, the last one on {job.block}; "
                f"finished runs are kept; make sure that their environment is the driver's, and see {self._log_file}"
            )
        log.warning("a worker was killed (out of memory, or from outside); %s is started again", job.block)
