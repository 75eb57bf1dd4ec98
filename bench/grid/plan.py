"""What a grid will cost: blocks, runs, model fits and rows to score, counted; and a time, if one was measured.

Counts follow from the specification alone, because sharing does: a block fits and scores M_0 once, a round's
model scores the pool only if its strategy reads it, and a strategy that needs nothing costs no pass.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.grid.expand import BlockJob, DatasetSizes, Grid
from bench.grid.rates import Rates
from bench.loop import OUTPUTS
from bench.records import RunSpec, Strategy
from bench.strategies.catalogue import build_strategy
from bench.strategies.strategy import needs_of
from bench.strategies.view import Need
from bench.tasks import count_pool


@dataclass(frozen=True)
class Cost:
    """What has to be computed.

    Attributes:
        fits: models fine-tuned. fit_rows: rows stepped over in all epochs; an expectation, since oversampling
            depends on what is found. score_rows: rows of pools and test sets that the classifier scores.
        fit_tokens, score_tokens: the same in tokens, by the dataset's mean length.
    """

    fits: int = 0
    fit_rows: float = 0.0
    score_rows: int = 0
    fit_tokens: float = 0.0
    score_tokens: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.fits + other.fits,
            self.fit_rows + other.fit_rows,
            self.score_rows + other.score_rows,
            self.fit_tokens + other.fit_tokens,
            self.score_tokens + other.score_tokens,
        )

    @property
    def weight(self) -> float:
        """One number for the cost, before a machine is known: a token trained on costs about eight scored."""
        return 8 * self.fit_tokens + self.score_tokens

    def seconds(self, rates: Rates) -> float:
        """Return the expected time on one worker at measured rates."""
        return self.fit_tokens / rates.fit_tokens_per_s + self.score_tokens / rates.score_tokens_per_s


def _cost(fits: int, fit_rows: float, score_rows: int, tokens: float) -> Cost:
    return Cost(fits, fit_rows, score_rows, fit_rows * tokens, score_rows * tokens)


def pool_rows(job: BlockJob, size: DatasetSizes) -> int:
    """Return the rows of a block's pool, start set included."""
    positives = size.train[size.classes.index(job.block.task.positive)]
    limit = job.runs[0].settings.pool.limit
    counts = count_pool(positives, sum(size.train) - positives, job.block.ratio, limit)
    return counts.positives + counts.negatives


def _test_rows(job: BlockJob, size: DatasetSizes) -> int:
    limit = job.runs[0].settings.pool.test_limit
    return min(sum(size.test), limit) if limit else sum(size.test)


def _fit_rows(labelled: int, run: RunSpec) -> float:
    """Rows of all epochs if positives stay under a quarter: then they are replicated to a third of the negatives."""
    grown = labelled * (4 / 3 if run.settings.loop.oversample else 1.0)
    return grown * run.settings.train.epochs


def shared_cost(job: BlockJob, size: DatasetSizes) -> Cost:
    """Return the cost of what the runs of a block share: M_0, its test pass, its pool pass."""
    run = job.runs[0]
    loop = run.settings.loop
    warm = job.block.start == "warm"
    start = loop.start_positives + loop.start_negatives if warm else 0
    needs = needs_at_start(job)
    pool = pool_rows(job, size)
    fits, fit_rows, score_rows = _query_work(needs, start, pool, run)
    if "pretrained" in needs:
        score_rows += pool
    if start:
        fits, fit_rows = fits + 1, fit_rows + start * run.settings.train.epochs
    return _cost(fits, fit_rows, score_rows + _test_rows(job, size), size.mean_tokens)


def run_cost(run: RunSpec, job: BlockJob, size: DatasetSizes) -> Cost:
    """Return the cost of one run, beyond what its block shares."""
    loop = run.settings.loop
    start = loop.start_positives + loop.start_negatives if job.block.start == "warm" else 0
    pool, test = pool_rows(job, size), _test_rows(job, size)
    needs = _needs(run.strategy, weighted=True)
    fits, fit_rows, score_rows = loop.rounds, 0.0, 0
    for number in range(1, loop.rounds + 1):
        labelled = min(start + number * loop.batch, pool)
        fit_rows += _fit_rows(labelled, run)
        score_rows += test
        if number < loop.rounds:
            more = _query_work(needs, labelled, pool, run)
            fits, fit_rows, score_rows = fits + more[0], fit_rows + more[1], score_rows + more[2]
    return _cost(fits, fit_rows, score_rows, size.mean_tokens)


def _query_work(needs: frozenset[Need], labelled: int, pool: int, run: RunSpec) -> tuple[int, float, int]:
    """Return fits, rows of their epochs and rows scored to ask M_t, fitted on so many rows, and its committees."""
    if not OUTPUTS & needs:
        return 0, 0.0, 0
    fits, fit_rows, score_rows = 0, 0.0, pool
    if "dropout" in needs:
        score_rows += run.settings.model.dropout_passes * (pool - labelled)
    if "ensemble" in needs:
        members = run.settings.model.ensemble_members - 1
        fits = members if labelled else 0
        fit_rows = members * _fit_rows(labelled, run)
        score_rows += members * (pool - labelled)
    return fits, fit_rows, score_rows


def needs_at_start(job: BlockJob, runs: tuple[RunSpec, ...] | None = None) -> frozenset[Need]:
    """Return what the runs (default: all of the block's) read of M_0."""
    cold = job.block.start == "cold"
    needs: set[Need] = set()
    for run in job.runs if runs is None else runs:
        needs |= _needs(run.strategy, weighted=not cold)
    return frozenset(needs)


_KNOWN_NEEDS: dict[tuple[str, bool], frozenset[Need]] = {}


def _needs(strategy: Strategy, *, weighted: bool) -> frozenset[Need]:
    """Return what a strategy reads; remembered, since a grid asks for the same few strategies thousands of times."""
    key = (repr(strategy), weighted)
    if key not in _KNOWN_NEEDS:
        algorithm, weighting = build_strategy(strategy)
        _KNOWN_NEEDS[key] = needs_of(algorithm, weighting if weighted else None)
    return _KNOWN_NEEDS[key]


def grid_cost(grid: Grid) -> Cost:
    """Return the cost of all feasible blocks."""
    total = Cost()
    for job in grid.jobs:
        size = grid.sizes[job.block.task.dataset]
        total += shared_cost(job, size)
        for run in job.runs:
            total += run_cost(run, job, size)
    return total
