"""The work of one block and of one run, counted from the specification alone.

It can be, since it is known what is shared: a block fits and scores M_0 once, a round's model scores the pool only if
its strategy reads that (:mod:`bench.loop.needs`), and a strategy that needs nothing costs no pass.
"""

from __future__ import annotations

from collections.abc import Mapping

from bench.grid.cost.rows import mean_tokens, pool_rows, rows_of_start, rows_of_test
from bench.grid.cost.work import FITTING, SCORING, Cost, Workload
from bench.grid.expansion.blocks import BlockJob
from bench.grid.expansion.sizes import DatasetSizes
from bench.learners.base import LEARNERS
from bench.loop.needs import Passes, first_query_needs, is_judged, needs_in
from bench.records import Component, RunSpec, Settings
from bench.strategies.view import Need


def shared_cost(job: BlockJob, size: DatasetSizes) -> Cost:
    """Return the cost of what the runs of a block share: M_0, its test pass, its pool pass."""
    settings, start, pool = job.settings, rows_of_start(job), pool_rows(job, size)
    tokens = mean_tokens(size, settings)
    needs = first_query_needs(job.runs)
    own = {
        "fit": (1 if start else 0, start * settings.train.epochs),
        "score_test": (1, rows_of_test(job, size)),
        "pretrained": (int("pretrained" in needs), pool),
    }
    cost = cost_of(own, tokens) + _query_cost(needs, start, pool, settings, tokens)
    return of_learner(job.block.learner, cost) + _judging(job, size, 0, start)


def run_cost(run: RunSpec, job: BlockJob, size: DatasetSizes) -> Cost:
    """Return the cost of one run, beyond what its block shares."""
    start, pool, test = rows_of_start(job), pool_rows(job, size), rows_of_test(job, size)
    loop, tokens = run.settings.loop, mean_tokens(size, run.settings)
    total = judging = Cost()
    for number in range(1, loop.rounds + 1):
        before = min(start + (number - 1) * loop.batch, pool)
        labelled = min(before + loop.batch, pool)
        own = {
            f"select {run.strategy.algorithm.name}": (1, pool - before),
            "fit": (1, _fit_rows(labelled, run.settings)),
            "score_test": (1, test),
        }
        total += cost_of(own, tokens)
        judging += _judging(job, size, number, labelled)
        if number < loop.rounds:
            needs = needs_in(run.strategy, number + 1, job.block.start)
            total += _query_cost(needs, labelled, pool, run.settings, tokens)
    return of_learner(job.block.learner, total) + judging


def _query_cost(needs: frozenset[Need], labelled: int, pool: int, settings: Settings, tokens: float) -> Cost:
    """Return the cost of what a query needs of M_t, fitted on so many rows, and of its committees."""
    passes = Passes.of(needs, settings.model)
    return cost_of(passes.work(pool - labelled, labelled, _fit_rows(labelled, settings)), tokens)


def _judging(job: BlockJob, size: DatasetSizes, number: int, labelled: int) -> Cost:
    """Return the cost of training the judge on so many rows after a round, and evaluating it."""
    if job.block.judge is None or not is_judged(number, job.settings.loop.rounds):
        return Cost()
    stages = {"fit": (int(labelled > 0), _fit_rows(labelled, job.settings)), "score_test": (1, rows_of_test(job, size))}
    return of_learner(job.block.judge, cost_of(stages, mean_tokens(size, job.settings)))


def of_learner(learner: Component, cost: Cost) -> Cost:
    """Return what a learner has to do in its own stages, if its class states its speed."""
    if learner.name not in LEARNERS or LEARNERS.get(learner.name).seconds_a_fit is None:
        return cost
    total = Cost({name: work for name, work in cost.stages.items() if name not in {*FITTING, *SCORING}})
    for kind, stages in (("fit", FITTING), ("score", SCORING[:-2])):
        work = cost.of(*stages)
        total += Cost({f"{kind} {learner.name}": Workload(work.calls, work.rows)} if work.calls else {})
    return total


def cost_of(stages: Mapping[str, tuple[int, float]], tokens: float) -> Cost:
    """Return the cost of stages given as (calls, rows), of texts of so many tokens."""
    return Cost({name: Workload(calls, rows, rows * tokens) for name, (calls, rows) in stages.items() if calls})


def _fit_rows(labelled: int, settings: Settings) -> float:
    """Rows of all epochs if positives stay under a quarter: then they are replicated to a third of the negatives."""
    grown = labelled * (4 / 3 if settings.loop.oversample else 1.0)
    return grown * settings.train.epochs
