"""What is stored of a run, held against its test probabilities, its test labels and its counts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from bench.arrays import Float32Array, IntArray
from bench.errors import CorruptRecordError, DataError
from bench.grid.world import World
from bench.metrics.base import RunCourse, TestScores
from bench.metrics.catalogue import agrees, round_metrics, round_values, run_metrics, run_values
from bench.records import JUDGE, PoolFacts, Ratio, RunRecord, Settings, Task, prevalence
from bench.store import Store, labels
from bench.tasks import ImbalancedTask, build_task


def pool_of(record: RunRecord) -> PoolFacts:
    """Return the counts of a run's pool.

    Raises:
        CorruptRecordError: if the record has none.
    """
    if record.pool is None:
        raise CorruptRecordError(f"run {record.key} has no counts of its pool")
    return record.pool


def prevalence_of(record: RunRecord) -> float:
    """Return the prevalence of a run's task."""
    return prevalence(record.spec.block.ratio, pool_of(record))


def test_labels(store: Store, record: RunRecord, world: World) -> IntArray:
    """Return the test labels (m,) of a run, 1 = positive: those that the store keeps, or else from its data.

    Raises:
        CorruptRecordError: if those that are kept are damaged.
        DataError: if none are kept and the data are not available.
    """
    kept = labels.read(store, record)
    if kept is not None:
        return kept
    run = record.spec
    task = task_of(run.block.task, run.block.ratio, run.shared, record.fingerprint, world)
    return task.test_labels


def task_of(
    task: Task, ratio: Ratio, settings: Settings, fingerprint: str, world: World, source: str | None = None
) -> ImbalancedTask:
    """Return the task that runs were made on; a cold start serves all, since a start changes no pool.

    Args:
        task: of the runs.
        ratio: of the runs.
        settings: what they shared.
        fingerprint: of the data that they were made on.
        world: where data are.
        source: the YAML file of a user's dataset, which its name does not tell.

    Raises:
        DataError: if its data are not available, or have changed.
    """
    corpus = world.corpus(source or task.dataset)
    if corpus.fingerprint != fingerprint:
        raise DataError("the data here is not what its runs were made on")
    return _task(task, ratio, settings, fingerprint, world, source)


@lru_cache(maxsize=64)
def _task(
    task: Task, ratio: Ratio, settings: Settings, _fingerprint: str, world: World, source: str | None
) -> ImbalancedTask:
    corpus = world.corpus(source or task.dataset)
    return build_task(corpus, task, ratio, "cold", settings.pool, settings.loop.once_planned())


def scored(record: RunRecord, probabilities: Float32Array) -> Iterator[tuple[int, str, Float32Array]]:
    """Yield a round, what begins the names of metrics there, and the probabilities (m,) that they are computed from.

    Those of the judge, where there is one, follow on those of all rounds; runs from before they were stored have none.
    """
    last = len(record.rounds) - 1
    for number, p in enumerate(probabilities[: last + 1]):
        yield number, "", p
    for number, p in zip((0, last), probabilities[last + 1 :], strict=False):
        yield number, JUDGE, p


def rows_expected(record: RunRecord) -> set[int]:
    """Return how many rows the test probabilities of a run may have."""
    return {len(record.rounds)} | ({len(record.rounds) + 2} if record.spec.block.judge else set())


def wrong_in_rounds(record: RunRecord, probabilities: Float32Array, truth: IntArray) -> set[tuple[int, str]]:
    """Return round and name of each stored metric that is not what probabilities and labels (m,) give."""
    share, wrong = prevalence_of(record), set[tuple[int, str]]()
    for number, prefix, p in scored(record, probabilities):
        stored, scores = record.rounds[number].metrics, TestScores(truth, p.astype(np.float64), share)
        for metric in round_metrics():
            name = prefix + metric.name
            if name in stored and not agrees(metric, stored[name], scores):
                wrong.add((number, name))
    return wrong


def wrong_in_run(record: RunRecord) -> set[str]:
    """Return the names of the metrics of the run as a whole that are not what its rounds give."""
    course = RunCourse.of(record.rounds, pool_of(record))
    return {
        metric.name for metric in run_metrics(record.metrics) if not agrees(metric, record.metrics[metric.name], course)
    }


def misstated(record: RunRecord, probabilities: Float32Array, truth: IntArray) -> Iterator[str]:
    """Yield a line for each stored metric that is not what is stored of its run gives."""
    share, wrong = prevalence_of(record), wrong_in_rounds(record, probabilities, truth)
    given = {(number, prefix): p for number, prefix, p in scored(record, probabilities)}
    for number, name in sorted(wrong):
        prefix = JUDGE if name.startswith(JUDGE) else ""
        bare = name.removeprefix(prefix)
        value = round_values(truth, given[number, prefix], share, [bare])[bare]
        stored = record.rounds[number].metrics[name]
        yield f"{name} of round {number} is stored as {stored!r}, but its test probabilities give {value!r}"


def misstated_of_run(record: RunRecord) -> Iterator[str]:
    """Yield a line for each stored metric of the run as a whole that is not what its rounds give."""
    for name in sorted(wrong_in_run(record)):
        value = run_values(RunCourse.of(record.rounds, pool_of(record)), [name])[name]
        yield f"{name} is stored as {record.metrics[name]!r}, but its rounds give {value!r}"
