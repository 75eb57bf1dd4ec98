"""A grid as a value: its blocks, each with the runs that share it, and the blocks that cannot be run."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from bench.config.spec import GridSpec
from bench.errors import InfeasibleTaskError, SpecError
from bench.grid.expansion.sizes import DatasetSizes
from bench.grid.expansion.suited import why_unsuited
from bench.learners.catalogue import learner
from bench.paths import file_name
from bench.records import Block, RunSpec, Settings, Strategy, combined
from bench.tasks import PoolCounts, count_pool

FEW_REASONS = 3


@dataclass(frozen=True)
class BlockJob:
    """A block with its runs: the unit of work. ``source`` is what its dataset is loaded by."""

    block: Block
    runs: tuple[RunSpec, ...]
    source: str
    fingerprint: str

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The names of its runs in a store."""
        return tuple(run.key(self.fingerprint) for run in self.runs)

    @cached_property
    def settings(self) -> Settings:
        """What its runs read, all together; a run's own settings hold what it reads itself."""
        return combined(self.runs)

    @property
    def name(self) -> str:
        """A file name for the block's lock."""
        return file_name(f"{self.block}-{self.fingerprint[:8]}")


@dataclass(frozen=True)
class Skipped:
    """A block that cannot be run, and why."""

    job: BlockJob
    reason: str


@dataclass(frozen=True)
class Grid:
    """An expanded specification."""

    spec: GridSpec
    sizes: dict[str, DatasetSizes]
    jobs: tuple[BlockJob, ...]
    skipped: tuple[Skipped, ...]
    unsuited: tuple[str, ...] = ()
    """A line for each strategy that is left out with a learner, which lacks what it needs."""

    @property
    def runs(self) -> int:
        """Number of runs, infeasible ones left out."""
        return sum(len(job.runs) for job in self.jobs)

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        """What is run, with one learner or another."""
        one_of_each = {job.block.learner.as_typed: job for job in self.jobs}.values()
        found = {repr(run.strategy): run.strategy for job in one_of_each for run in job.runs}
        return tuple(found.values())

    def refuse_if_empty(self) -> None:
        """Make sure that something of the grid can be run.

        Raises:
            InfeasibleTaskError: if nothing can; the message names what limits the tasks.
        """
        if not self.jobs:
            reasons = [*self.unsuited, *sorted({it.reason for it in self.skipped})]
            more = f"; and {len(reasons) - FEW_REASONS} more of the kind" if len(reasons) > FEW_REASONS else ""
            raise InfeasibleTaskError(f"nothing of this grid can be run: {'; '.join(reasons[:FEW_REASONS])}{more}")

    def running(self, strategies: Iterable[Strategy], seeds: Collection[int]) -> Grid:
        """Return the blocks of some seeds with runs of these strategies instead.

        Raises:
            SpecError: if a strategy needs what a learner of the grid does not offer.
        """
        chosen = tuple(strategies)
        for text, one in itertools.product(self.spec.learners, chosen):
            if why := why_unsuited(one, learner(text)):
                raise SpecError(f"{why}; name another learner or strategy")

        def job_of(job: BlockJob) -> BlockJob:
            runs = (RunSpec(block=job.block, strategy=one, settings=self.spec.settings) for one in chosen)
            return replace(job, runs=tuple(runs))

        return replace(
            self,
            jobs=tuple(job_of(job) for job in self.jobs if job.block.seed in seeds),
            skipped=tuple(replace(it, job=job_of(it.job)) for it in self.skipped if it.job.block.seed in seeds),
        )

    def shard(self, number: int, count: int) -> Grid:
        """Return every ``count``-th block from block ``number`` on (from 1): a share for one job of an array.

        The shards of a grid have no block in common and make it up; each is a mixture of tasks, ratios and seeds. Those
        that have a block to run share the infeasible blocks too, since the others are not started.

        Raises:
            SpecError: if there is no such shard.
        """
        if not 1 <= number <= count:
            raise SpecError(f"there is no shard {number}/{count}; give one of 1/{count} to {count}/{count}")
        started = min(count, len(self.jobs))
        skipped = self.skipped[number - 1 :: started] if number <= started else ()
        return replace(self, jobs=self.jobs[number - 1 :: count], skipped=skipped)


def counts_of_pool(block: Block, size: DatasetSizes, limit: int | None) -> PoolCounts:
    """Return how many positives and negatives a block's pool holds, start set included."""
    positives = size.train[size.classes.index(block.task.positive)]
    return count_pool(positives, size.train_rows - positives, block.ratio, limit)
