"""Corpus -> imbalanced one-vs-rest task: the pool, the test set, the start set, and labels behind an oracle.

SPEC, "Task and pool". Positives of a (dataset, class) are permuted once by a seed that depends on the dataset and
the class alone, negatives likewise; a ratio keeps prefixes of both, so pools are nested across ratios and the
same for every run seed and strategy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench import seeds
from bench.arrays import Labels
from bench.data.corpus import Corpus
from bench.errors import DataError, InfeasibleTaskError, RunError, SpecError
from bench.records import (
    NATURAL,
    Block,
    LoopSettings,
    PoolFacts,
    PoolSettings,
    Ratio,
    Start,
    Task,
    prevalence,
    ratio_text,
)

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PoolCounts:
    """How many positives and negatives a pool holds, and how many the ratio made it drop."""

    positives: int
    negatives: int
    dropped_positives: int
    dropped_negatives: int


def count_pool(positives: int, negatives: int, ratio: Ratio, limit: int | None) -> PoolCounts:
    """Return the counts of the pool in which positives are the fraction 1/ratio.

    n_pos = floor(N / (x - 1)); if there are only P < n_pos positives, all P are kept with P * (x - 1) negatives.
    A limit keeps floor(limit / x) positives and x - 1 times as many negatives. At the ratio ``natural`` all are kept,
    and a limit keeps the same share of both, rounded down.

    Raises:
        SpecError: if the ratio is below 2.
    """
    if ratio == NATURAL:
        total = positives + negatives
        kept = total if limit is None else min(limit, total)
        n_pos, n_neg = (count * kept // total for count in (positives, negatives))
        return PoolCounts(n_pos, n_neg, positives - n_pos, negatives - n_neg)
    if ratio < 2:
        raise SpecError(f"ratio {ratio} is not possible: positives are 1/ratio of the pool; give 2 or more")
    wanted = negatives // (ratio - 1)
    n_pos, n_neg = (wanted, negatives) if positives >= wanted else (positives, positives * (ratio - 1))
    if limit is not None and n_pos + n_neg > limit:
        n_pos = limit // ratio
        n_neg = n_pos * (ratio - 1)
    return PoolCounts(n_pos, n_neg, positives - n_pos, negatives - n_neg)


def check_feasible(counts: PoolCounts, task: Task, ratio: Ratio, start: Start, loop: LoopSettings) -> None:
    """Raise :class:`InfeasibleTaskError` if a pool lacks positives to start from and to find, or they are not rarer."""
    if ratio == NATURAL and counts.positives > counts.negatives:
        raise InfeasibleTaskError(
            f"{task} at its natural ratio has {counts.positives} positives and {counts.negatives} negatives, so they "
            "are not the rarer class, which a task's positives are; take another class of it, or a ratio such as 50"
        )
    start_pos = loop.start_positives if start == "warm" else 0
    needed = start_pos + loop.min_positives
    if counts.positives < needed:
        raise InfeasibleTaskError(
            f"{task} at ratio {ratio_text(ratio)} leaves {counts.positives} positives, but {start_pos} for the start "
            f"set and {loop.min_positives} to find are needed (loop.start_positives, loop.min_positives); lower these "
            "or the ratio, raise pool.limit if one is set, or use more data"
        )
    if start == "warm" and counts.negatives < loop.start_negatives:
        raise InfeasibleTaskError(
            f"{task} at ratio {ratio_text(ratio)} leaves {counts.negatives} negatives, but the start set takes "
            f"{loop.start_negatives}; lower loop.start_negatives or use more data"
        )


@dataclass(frozen=True)
class ImbalancedTask:
    """A task at a ratio, ready for the loop.

    Attributes:
        rows: (n,) row numbers of the corpus's train split, ascending: the pool with the start rows still in it.
        test_rows: (m,) row numbers of the test split. test_labels: (m,) 1 = positive.
        facts: counts, for the record.
    """

    task: Task
    ratio: Ratio
    rows: Rows
    test_rows: Rows
    test_labels: Labels
    facts: PoolFacts
    _positive: npt.NDArray[np.bool_]

    @property
    def prevalence(self) -> float:
        """The share of positives that the task stands for."""
        return prevalence(self.ratio, self.facts)

    def oracle(self) -> Oracle:
        """Return an oracle over the task's labels."""
        return Oracle(self.rows, self._positive)

    def start_set(self, block: Block, loop: LoopSettings) -> Rows:
        """Return the rows that are labelled before round 1, positives first; empty for a cold start."""
        if block.start == "cold":
            return np.empty(0, dtype=np.int64)
        rng = seeds.generator("start", **block_parts(block))
        positives = rng.choice(self.rows[self._positive], size=loop.start_positives, replace=False)
        negatives = rng.choice(self.rows[~self._positive], size=loop.start_negatives, replace=False)
        return np.concatenate([positives, negatives])


class Oracle:
    """Reveals labels of named rows, counts how many it revealed, and remembers of which rows."""

    def __init__(self, rows: Rows, positive: npt.NDArray[np.bool_]) -> None:
        self._rows, self._positive = rows, positive
        self.revealed = 0
        self.revealed_rows: set[int] = set()

    def reveal(self, rows: Rows) -> Labels:
        """Return the labels (1 = positive) of rows of the pool.

        Raises:
            RunError: if a row is not one of the pool's.
        """
        at = np.searchsorted(self._rows, rows)
        if not np.array_equal(self._rows[np.minimum(at, len(self._rows) - 1)], rows):
            raise RunError("labels of rows outside the pool were requested")
        self.revealed += len(rows)
        self.revealed_rows.update(np.asarray(rows).tolist())
        return self._positive[at].astype(np.int64)


def block_parts(block: Block) -> dict[str, str | int]:
    """Return the parts that name a block's random streams."""
    return {
        "dataset": block.task.dataset,
        "positive": block.task.positive,
        "ratio": block.ratio,
        "seed": block.seed,
        "start": block.start,
    }


def build_task(
    corpus: Corpus, task: Task, ratio: Ratio, start: Start, pool: PoolSettings, loop: LoopSettings
) -> ImbalancedTask:
    """Build the pool and the test set of a task at a ratio.

    Raises:
        UnknownNameError: if the corpus has no such class.
        InfeasibleTaskError: if too few positives are left.
        DataError: if the test set lacks a class.
    """
    of = {"dataset": task.dataset, "positive": task.positive}
    is_positive = corpus.is_of(corpus.train, task.positive)
    counts = count_pool(int(is_positive.sum()), int((~is_positive).sum()), ratio, pool.limit)
    check_feasible(counts, task, ratio, start, loop)
    positives = seeds.generator("positives", **of).permutation(np.flatnonzero(is_positive))[: counts.positives]
    negatives = seeds.generator("negatives", **of).permutation(np.flatnonzero(~is_positive))[: counts.negatives]
    rows = np.sort(np.concatenate([positives, negatives]))
    test_rows = _test_rows(corpus, task.dataset, pool.test_limit)
    test_labels = corpus.is_of(corpus.test, task.positive)[test_rows].astype(np.int64)
    if test_labels.min() == test_labels.max():
        raise DataError(
            f"the test set of {task} holds {int(test_labels.sum())} positives among {len(test_labels)} rows; "
            "both classes are needed: use a larger pool.test_limit or another test file"
        )
    facts = PoolFacts(
        rows=len(rows),
        positives=counts.positives,
        dropped_positives=counts.dropped_positives,
        dropped_negatives=counts.dropped_negatives,
        test_rows=len(test_rows),
        test_positives=int(test_labels.sum()),
    )
    return ImbalancedTask(task, ratio, rows, test_rows, test_labels, facts, is_positive[rows])


def _test_rows(corpus: Corpus, dataset: str, limit: int | None) -> Rows:
    everything = np.arange(len(corpus.test), dtype=np.int64)
    if limit is None or limit >= len(everything):
        return everything
    return np.sort(seeds.generator("test_limit", dataset=dataset).permutation(everything)[:limit])


def oversample(labels: Labels, rng: np.random.Generator) -> Rows:
    """Return the positions of the training rows after oversampling.

    If positives are under a quarter of the rows, they are replicated until they are ceil(n_neg / 3), each used
    before any is repeated again; otherwise, and with no positive at all, the rows stay as they are.

    Args:
        labels: (m,) labels of the labelled rows, 1 = positive.
        rng: decides which positives are replicated.
    """
    everything = np.arange(len(labels), dtype=np.int64)
    positives = np.flatnonzero(labels == 1)
    n_pos, n_neg = len(positives), len(labels) - len(positives)
    if n_pos == 0 or 4 * n_pos >= n_pos + n_neg:
        return everything
    missing = -(-n_neg // 3) - n_pos
    cycles = [rng.permutation(positives) for _ in range(-(-missing // n_pos))]
    return np.concatenate([everything, np.concatenate(cycles)[:missing]])


def bootstrap(labels: Labels, rng: np.random.Generator) -> Rows:
    """Return the positions of a bootstrap sample of the labelled rows: as many of each class, drawn with replacement.

    Stratified, so that a rare class never vanishes.

    Args:
        labels: (m,) labels of the labelled rows, 1 = positive.
        rng: decides which are drawn.
    """
    classes = (np.flatnonzero(labels == value) for value in (0, 1))
    return np.concatenate([rng.choice(rows, len(rows)) if len(rows) else rows for rows in classes])
