"""Rows of a block's pool, test set and start set, and the mean length of its texts."""

from __future__ import annotations

import math
from statistics import NormalDist

from bench.grid.expansion.blocks import BlockJob, counts_of_pool
from bench.grid.expansion.sizes import DatasetSizes
from bench.records import Settings
from bench.tasks import PoolCounts

KNOWN_CUT = 128
LOG_DEVIATION = 0.6
"""Of the logarithm of a text's length: 0.3 in ag_news, 0.9 in sst2."""


def pool_counts(job: BlockJob, size: DatasetSizes) -> PoolCounts:
    """Return how many positives and negatives a block's pool holds, start set included."""
    return counts_of_pool(job.block, size, job.settings.pool.limit)


def pool_rows(job: BlockJob, size: DatasetSizes) -> int:
    """Return the rows of a block's pool, start set included."""
    counts = pool_counts(job, size)
    return counts.positives + counts.negatives


def rows_of_test(job: BlockJob, size: DatasetSizes) -> int:
    """Return the rows of a block's test set."""
    limit = job.settings.pool.test_limit
    return min(size.test_rows, limit) if limit else size.test_rows


def rows_of_start(job: BlockJob) -> int:
    """Return the rows that are labelled before round 1."""
    loop = job.settings.loop
    return loop.start_positives + loop.start_negatives if job.block.start == "warm" else 0


def mean_tokens(size: DatasetSizes, settings: Settings) -> float:
    """Return the mean length of a dataset's texts as the model reads them.

    The mean that is known is of texts cut at 128 tokens; a shorter cut is estimated with log-normal lengths.
    """
    longest, mean = settings.model.max_length, size.mean_tokens
    if longest >= KNOWN_CUT:
        return mean
    middle = math.log(mean) - LOG_DEVIATION**2 / 2
    z, below = (math.log(longest) - middle) / LOG_DEVIATION, NormalDist().cdf
    return mean * below(z - LOG_DEVIATION) + longest * below(-z)
