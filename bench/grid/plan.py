"""What a grid will cost: blocks, runs, model fits and rows to score, counted stage by stage.

Counts follow from the specification alone, because sharing does: a block fits and scores M_0 once, a round's
model scores the pool only if its strategy reads it, and a strategy that needs nothing costs no pass.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

from bench.grid.expand import BlockJob, DatasetSizes, Grid
from bench.learners.base import LEARNERS
from bench.model.sharing import rows_computed, rows_embedded
from bench.records import Component, RunSpec, Settings, Strategy, Task
from bench.strategies.catalogue import build_strategy
from bench.strategies.strategy import needs_of
from bench.strategies.view import OUTPUTS, Need
from bench.tasks import PoolCounts, count_pool

KNOWN_CUT = 128
LOG_DEVIATION = 0.6
"""Of the logarithm of a text's length: 0.3 in ag_news, 0.9 in sst2."""
SCORING = ("score_pool", "score_test", "score_dropout", "score_members", "pretrained", "embed")
FITTING = ("fit", "fit_members")
LIGHT_FIT, LIGHT_ROW = 200.0, 0.005
"""Of a learner that tells its own speed, a fit and a row scored in tokens that an encoder scores in that time."""


@dataclass(frozen=True)
class Work:
    """How often a stage is called, and on how many rows and tokens in all (tokens by the dataset's mean length)."""

    calls: int = 0
    rows: float = 0.0
    tokens: float = 0.0

    def __add__(self, other: Work) -> Work:
        return Work(self.calls + other.calls, self.rows + other.rows, self.tokens + other.tokens)


@dataclass(frozen=True)
class Cost:
    """What has to be computed, by stage.

    Attributes:
        stages: named as in a round's record, but for ``select NAME`` (rows of the pool an algorithm selects from),
            ``fit NAME`` and ``score NAME`` of a learner that tells its own speed, and ``embed`` (the texts of a split
            by a frozen encoder, once).
            Rows of ``fit`` are stepped over in all epochs; an expectation, since oversampling depends on what is found.
    """

    stages: Mapping[str, Work] = field(default_factory=dict)

    def __add__(self, other: Cost) -> Cost:
        names = [*self.stages, *(name for name in other.stages if name not in self.stages)]
        return Cost({name: self.of(name) + other.of(name) for name in names})

    def times(self, count: int) -> Cost:
        """Return the cost of doing this so many times."""
        return Cost({name: Work(w.calls * count, w.rows * count, w.tokens * count) for name, w in self.stages.items()})

    def of(self, *stages: str) -> Work:
        """Return the work of some stages together."""
        return sum((self.stages.get(stage, Work()) for stage in stages), Work())

    @property
    def fits(self) -> int:
        """Models fine-tuned."""
        return self.of(*FITTING).calls

    @property
    def fit_rows(self) -> float:
        """Rows stepped over."""
        return self.of(*FITTING).rows

    @property
    def score_rows(self) -> int:
        """Rows of pools and test sets that the classifier scores."""
        return int(self.of(*SCORING).rows)

    @property
    def weight(self) -> float:
        """One number for the cost, before a machine is known: a token trained on costs about eight scored."""
        light = sum(
            LIGHT_FIT * work.calls if name.startswith("fit ") else LIGHT_ROW * work.rows
            for name, work in self.stages.items()
            if name.startswith(("fit ", "score "))
        )
        return 8 * self.of(*FITTING).tokens + self.of(*SCORING).tokens + light


def mean_tokens(size: DatasetSizes, settings: Settings) -> float:
    """Return the mean length of a dataset's texts as the model reads them.

    The mean that is known is of texts cut at 128 tokens; a shorter cut is reckoned with log-normal lengths.
    """
    longest, mean = settings.model.max_length, size.mean_tokens
    if longest >= KNOWN_CUT:
        return mean
    middle = math.log(mean) - LOG_DEVIATION**2 / 2
    z, below = (math.log(longest) - middle) / LOG_DEVIATION, NormalDist().cdf
    return mean * below(z - LOG_DEVIATION) + longest * below(-z)


def _cost(stages: Mapping[str, tuple[int, float]], tokens: float) -> Cost:
    """Return the cost of stages given as (calls, rows), of texts of so many tokens."""
    return Cost({name: Work(calls, rows, rows * tokens) for name, (calls, rows) in stages.items() if calls})


def pool_counts(job: BlockJob, size: DatasetSizes) -> PoolCounts:
    """Return how many positives and negatives a block's pool holds, start set included."""
    positives = size.train[size.classes.index(job.block.task.positive)]
    return count_pool(positives, sum(size.train) - positives, job.block.ratio, job.settings.pool.limit)


def pool_rows(job: BlockJob, size: DatasetSizes) -> int:
    """Return the rows of a block's pool, start set included."""
    counts = pool_counts(job, size)
    return counts.positives + counts.negatives


def _test_rows(job: BlockJob, size: DatasetSizes) -> int:
    limit = job.settings.pool.test_limit
    return min(sum(size.test), limit) if limit else sum(size.test)


def _start_rows(job: BlockJob) -> int:
    loop = job.settings.loop
    return loop.start_positives + loop.start_negatives if job.block.start == "warm" else 0


def _fit_rows(labelled: int, settings: Settings) -> float:
    """Rows of all epochs if positives stay under a quarter: then they are replicated to a third of the negatives."""
    grown = labelled * (4 / 3 if settings.loop.oversample else 1.0)
    return grown * settings.train.epochs


def shared_cost(job: BlockJob, size: DatasetSizes) -> Cost:
    """Return the cost of what the runs of a block share: M_0, its test pass, its pool pass."""
    settings, start, pool = job.settings, _start_rows(job), pool_rows(job, size)
    tokens = mean_tokens(size, settings)
    needs = needs_at_start(job)
    own = {
        "fit": (1 if start else 0, start * settings.train.epochs),
        "score_test": (1, _test_rows(job, size)),
        "pretrained": (int("pretrained" in needs), pool),
    }
    cost = _cost(own, tokens) + _query_cost(needs, start, pool, settings, tokens)
    return _of_learner(job.block.learner, cost) + _judging(job, size, start)


def run_cost(run: RunSpec, job: BlockJob, size: DatasetSizes) -> Cost:
    """Return the cost of one run, beyond what its block shares."""
    start, pool, test = _start_rows(job), pool_rows(job, size), _test_rows(job, size)
    needs, loop = _needs(run.strategy, weighted=True), run.settings.loop
    tokens = mean_tokens(size, run.settings)
    total = Cost()
    for number in range(1, loop.rounds + 1):
        before = min(start + (number - 1) * loop.batch, pool)
        labelled = min(before + loop.batch, pool)
        own = {
            f"select {run.strategy.algorithm.name}": (1, pool - before),
            "fit": (1, _fit_rows(labelled, run.settings)),
            "score_test": (1, test),
        }
        total += _cost(own, tokens)
        if number < loop.rounds:
            total += _query_cost(needs, labelled, pool, run.settings, tokens)
    return _of_learner(job.block.learner, total) + _judging(job, size, labelled)


def _of_learner(learner: Component, cost: Cost) -> Cost:
    """Return what a learner has to do in its own stages, if it tells how fast it is."""
    if learner.name not in LEARNERS or LEARNERS.get(learner.name).seconds_a_fit is None:
        return cost
    total = Cost({name: work for name, work in cost.stages.items() if name not in {*FITTING, *SCORING}})
    for kind, stages in (("fit", FITTING), ("score", SCORING[:-2])):
        work = cost.of(*stages)
        total += Cost({f"{kind} {learner.name}": Work(work.calls, work.rows)} if work.calls else {})
    return total


def _judging(job: BlockJob, size: DatasetSizes, labelled: int) -> Cost:
    """Return the cost of training the judge on so many rows, and evaluating it."""
    if job.block.judge is None:
        return Cost()
    stages = {"fit": (int(labelled > 0), _fit_rows(labelled, job.settings)), "score_test": (1, _test_rows(job, size))}
    return _of_learner(job.block.judge, _cost(stages, mean_tokens(size, job.settings)))


def embedding_cost(grid: Grid) -> Cost:
    """Return the cost of embedding texts by a frozen encoder, once: of a split, or of each small pool alone."""
    embeddings: dict[object, Cost] = {}
    for job, size, _seeds in _alike(grid):
        if any("encoder" in part.needs and "training" not in part.needs for part in job.block.learners):
            task, tokens = job.block.task, mean_tokens(size, job.settings)
            train, test = sum(size.train), sum(size.test)
            pool = rows_embedded(pool_rows(job, size), train)
            place = task.dataset if pool == train else (task, job.block.ratio)
            embeddings[place] = _cost({"embed": (1, pool)}, tokens)
            embeddings["test", task.dataset] = _cost({"embed": (1, rows_embedded(_test_rows(job, size), test))}, tokens)
    return sum(embeddings.values(), Cost())


def _query_cost(needs: frozenset[Need], labelled: int, pool: int, settings: Settings, tokens: float) -> Cost:
    """Return the cost of asking M_t, fitted on so many rows, and its committees."""
    if not OUTPUTS & needs:
        return Cost()
    stages: dict[str, tuple[int, float]] = {"score_pool": (1, pool)}
    if "dropout" in needs:
        passes = settings.model.dropout_passes
        stages["score_dropout"] = (passes, passes * (pool - labelled))
    if "ensemble" in needs:
        members = settings.model.ensemble_members - 1
        stages["fit_members"] = (members if labelled else 0, members * _fit_rows(labelled, settings))
        stages["score_members"] = (members, members * (pool - labelled))
    return _cost(stages, tokens)


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
    total = surprisal_cost(grid) + embedding_cost(grid)
    for job, size, seeds in _alike(grid):
        total += shared_cost(job, size).times(seeds)
        for run in job.runs:
            total += run_cost(run, job, size).times(seeds)
    return total


def run_weights(grid: Grid) -> dict[str, float]:
    """Return key -> weight of the cost of each run; reckoned for one seed, since others cost the same."""
    known: dict[object, list[float]] = {}
    weights: dict[str, float] = {}
    for job in grid.jobs:
        kind = _kind(job)
        if kind not in known:
            known[kind] = [run_cost(run, job, grid.sizes[job.block.task.dataset]).weight for run in job.runs]
        weights.update(zip(job.keys, known[kind], strict=True))
    return weights


def surprisal_cost(grid: Grid) -> Cost:
    """Return the cost of surprisal, and of heads trained for it.

    An embedding of a split serves all of its large pools, one of a pool its runs; there is one for each seed of runs,
    unless one is shared by all (``model.mask_shared``).
    """
    embeddings: dict[object, Cost] = {}
    heads: dict[str, int] = {}
    for job in grid.jobs:
        settings, size = job.settings, grid.sizes[job.block.task.dataset]
        if any("surprisal" in _needs(run.strategy, weighted=True) for run in job.runs):
            task, split = job.block.task, sum(size.train)
            rows = rows_computed(pool_rows(job, size), split)
            place = task.dataset if rows == split else (task, job.block.ratio)
            mask_seed = settings.model.masked_for(job.block.seed).mask_seed
            embeddings[place, mask_seed] = _cost({"surprisal": (1, rows)}, mean_tokens(size, settings))
            heads[task.dataset] = settings.model.lm_head_steps
    return sum(embeddings.values(), _cost({"lm_head": (len(heads), sum(heads.values()))}, 0.0))


def unshared_cost(grid: Grid) -> Cost:
    """Return the cost of the same grid where nothing is shared.

    Each run fits M_0, scores the pool in every round, whether its strategy reads it or not, and computes its surprisal.
    """
    total = Cost()
    for job, size, seeds in _alike(grid):
        pool, start, loop = pool_rows(job, size), _start_rows(job), job.settings.loop
        for run in job.runs:
            alone = {
                "fit": (int(start > 0), start * run.settings.train.epochs),
                "score_test": (1, _test_rows(job, size)),
                "score_pool": (loop.rounds, loop.rounds * pool),
                "surprisal": (int("surprisal" in _needs(run.strategy, weighted=True)), pool),
            }
            own = {name: work for name, work in run_cost(run, job, size).stages.items() if name != "score_pool"}
            unshared = _of_learner(job.block.learner, _cost(alone, mean_tokens(size, run.settings)))
            total += (unshared + Cost(own)).times(seeds)
    return total


def _kind(job: BlockJob) -> tuple[Task, int | str, str, str]:
    """Return what blocks of different seeds have in common; each has a run of every strategy, in one order."""
    return job.block.task, job.block.ratio, job.block.start, job.block.learner.spelt


def _alike(grid: Grid) -> Iterator[tuple[BlockJob, DatasetSizes, int]]:
    """Yield one block of each (task, ratio, start, learner), and how many there are: seeds cost the same."""
    groups = Counter(map(_kind, grid.jobs))
    for job in grid.jobs:
        seeds = groups.pop(_kind(job), 0)
        if seeds:
            yield job, grid.sizes[job.block.task.dataset], seeds
