"""The work of a whole grid: what its blocks and runs need, and what is computed once for many of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bench.grid.cost.count import cost_of, of_learner, run_cost, shared_cost
from bench.grid.cost.rows import mean_tokens, pool_rows, rows_of_start, rows_of_test
from bench.grid.cost.work import Cost
from bench.grid.expansion.blocks import BlockJob, Grid
from bench.grid.expansion.sizes import DatasetSizes
from bench.loop.needs import run_needs
from bench.model.sharing import rows_shared
from bench.records import Task


def grid_cost(grid: Grid) -> Cost:
    """Return the cost of all feasible blocks."""
    total = surprisal_cost(grid) + embedding_cost(grid)
    for job, size, seeds in _alike(grid):
        total += shared_cost(job, size).times(seeds)
        for run in job.runs:
            total += run_cost(run, job, size).times(seeds)
    return total


def run_weights(grid: Grid) -> dict[str, float]:
    """Return key -> weight of the cost of each run; counted for one seed, since others cost the same."""
    known: dict[object, list[float]] = {}
    weights: dict[str, float] = {}
    for job in grid.jobs:
        kind = _kind(job)
        if kind not in known:
            known[kind] = [run_cost(run, job, grid.sizes[job.block.task.dataset]).weight for run in job.runs]
        weights.update(zip(job.keys, known[kind], strict=True))
    return weights


def embedding_cost(grid: Grid) -> Cost:
    """Return the cost of embedding texts by a frozen encoder, once: of a split, or of each small pool alone."""
    embeddings: dict[object, Cost] = {}
    for job, size, _seeds in _alike(grid):
        if any("encoder" in part.needs and "training" not in part.needs for part in job.block.learners):
            task, tokens = job.block.task, mean_tokens(size, job.settings)
            train, test = size.train_rows, size.test_rows
            pool = rows_shared(pool_rows(job, size), train)
            place = task.dataset if pool == train else (task, job.block.ratio)
            embeddings[place] = cost_of({"embed": (1, pool)}, tokens)
            embeddings["test", task.dataset] = cost_of(
                {"embed": (1, rows_shared(rows_of_test(job, size), test))}, tokens
            )
    return sum(embeddings.values(), Cost())


def surprisal_cost(grid: Grid) -> Cost:
    """Return the cost of surprisal, and of heads trained for it.

    An embedding of a split serves all of its large pools, one of a pool its runs; there is one for each seed of runs,
    unless one is shared by all (``model.mask_shared``).
    """
    embeddings: dict[object, Cost] = {}
    heads: dict[str, int] = {}
    for job in grid.jobs:
        settings, size = job.settings, grid.sizes[job.block.task.dataset]
        if any("surprisal" in run_needs(run) for run in job.runs):
            task, split = job.block.task, size.train_rows
            rows = rows_shared(pool_rows(job, size), split)
            place = task.dataset if rows == split else (task, job.block.ratio)
            mask_seed = settings.model.masked_for(job.block.seed).mask_seed
            embeddings[place, mask_seed] = cost_of({"surprisal": (1, rows)}, mean_tokens(size, settings))
            heads[task.dataset] = settings.model.lm_head_steps
    return sum(embeddings.values(), cost_of({"lm_head": (len(heads), sum(heads.values()))}, 0.0))


def unshared_cost(grid: Grid) -> Cost:
    """Return the cost of the same grid where nothing is shared.

    Each run fits M_0, scores the pool in every round, whether its strategy reads it or not, and computes its surprisal.
    """
    total = Cost()
    for job, size, seeds in _alike(grid):
        pool, start, loop = pool_rows(job, size), rows_of_start(job), job.settings.loop
        for run in job.runs:
            alone = {
                "fit": (int(start > 0), start * run.settings.train.epochs),
                "score_test": (1, rows_of_test(job, size)),
                "score_pool": (loop.rounds, loop.rounds * pool),
                "surprisal": (int("surprisal" in run_needs(run)), pool),
            }
            own = {name: work for name, work in run_cost(run, job, size).stages.items() if name != "score_pool"}
            unshared = of_learner(job.block.learner, cost_of(alone, mean_tokens(size, run.settings)))
            total += (unshared + Cost(own)).times(seeds)
    return total


def _kind(job: BlockJob) -> tuple[Task, int | str, str, str]:
    """Return what blocks of different seeds have in common; each has a run of every strategy, in one order."""
    return job.block.task, job.block.ratio, job.block.start, job.block.learner.as_typed


def _alike(grid: Grid) -> Iterator[tuple[BlockJob, DatasetSizes, int]]:
    """Yield one block of each (task, ratio, start, learner), and how many there are: seeds cost the same."""
    groups = Counter(map(_kind, grid.jobs))
    for job in grid.jobs:
        seeds = groups.pop(_kind(job), 0)
        if seeds:
            yield job, grid.sizes[job.block.task.dataset], seeds
