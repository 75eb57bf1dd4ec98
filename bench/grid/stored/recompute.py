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
from bench.records import PoolFacts, Ratio, RunRecord, Settings, Task, prevalence
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


@lru_cache(maxsize=64)
def task_of(task: Task, ratio: Ratio, settings: Settings, fingerprint: str, world: World) -> ImbalancedTask:
    """Return the task that runs were made on; a cold start serves all, since a start changes no pool.

    Raises:
        DataError: if its data are not available, or have changed.
    """
    corpus = world.corpus(task.dataset)
    if corpus.fingerprint != fingerprint:
        raise DataError("the data here is not what its runs were made on")
    return build_task(corpus, task, ratio, "cold", settings.pool, settings.loop.once_planned())


def wrong_in_rounds(record: RunRecord, probabilities: Float32Array, truth: IntArray) -> set[tuple[int, str]]:
    """Return round and name of each stored metric that is not what probabilities (T+1, m) and labels (m,) give."""
    share = prevalence_of(record)
    return {
        (number, metric.name)
        for number, (one, p) in enumerate(zip(record.rounds, probabilities, strict=True))
        for metric in round_metrics(one.metrics)
        if not agrees(metric, one.metrics[metric.name], TestScores(truth, p.astype(np.float64), share))
    }


def wrong_in_run(record: RunRecord) -> set[str]:
    """Return the names of the metrics of the run as a whole that are not what its rounds give."""
    course = RunCourse.of(record.rounds, pool_of(record))
    return {
        metric.name for metric in run_metrics(record.metrics) if not agrees(metric, record.metrics[metric.name], course)
    }


def misstated(record: RunRecord, probabilities: Float32Array, truth: IntArray) -> Iterator[str]:
    """Yield a line for each stored metric that is not what is stored of its run gives."""
    share = prevalence_of(record)
    for number, name in sorted(wrong_in_rounds(record, probabilities, truth)):
        value = round_values(truth, probabilities[number], share, [name])[name]
        stored = record.rounds[number].metrics[name]
        yield f"{name} of round {number} is stored as {stored!r}, but its test probabilities give {value!r}"


def misstated_of_run(record: RunRecord) -> Iterator[str]:
    """Yield a line for each stored metric of the run as a whole that is not what its rounds give."""
    for name in sorted(wrong_in_run(record)):
        value = run_values(RunCourse.of(record.rounds, pool_of(record)), [name])[name]
        yield f"{name} is stored as {record.metrics[name]!r}, but its rounds give {value!r}"
