"""What must be true of a store whatever happened to its writers: each run is checked against itself and its data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from bench import seeds
from bench.errors import BenchError, DataError
from bench.grid.world import World
from bench.records import RunRecord, Settings, Task
from bench.store import Store
from bench.tasks import ImbalancedTask, build_task


@dataclass
class Audit:
    """What was found in a store.

    Attributes:
        runs: finished runs looked at. wrong: a line for each thing that must not be.
        unchecked: why some runs could not be held against their data.
    """

    runs: int = 0
    wrong: list[str] = field(default_factory=list)
    unchecked: set[str] = field(default_factory=set)


def audit(store: Store, world: World) -> Audit:
    """Check all finished runs of a store: packs, names, hashes, budgets, rows, positives, pairs."""
    found = Audit(wrong=store.packs.wrong())
    pairs: dict[str, set[str]] = defaultdict(set)
    for key in sorted(store.keys()):
        found.runs += 1
        try:
            record = store.read(key)
            shape = store.test_probabilities(record).shape
        except BenchError as error:
            found.wrong.append(str(error))
            continue
        run = record.spec
        shared = run.settings.shared().canonical()
        pairs[seeds.digest([run.block.model_dump(), shared, record.fingerprint])].add(record.pair_key)
        wrong = [*_against_itself(record, shape), *_against_data(record, world, found)]
        found.wrong += [f"{key} ({run}): {line}" for line in wrong]
    torn = sum(len(keys) > 1 for keys in pairs.values())
    if torn:
        found.wrong.append(f"the runs of {torn} blocks do not all have one pair_key")
    return found


def _against_itself(record: RunRecord, shape: tuple[int, ...]) -> Iterator[str]:
    run, rounds = record.spec, record.rounds
    if record.key != run.key(record.fingerprint):
        yield "its name is not the hash of its configuration"
    if record.pair_key != record.pairing():
        yield "its pair_key is not the hash of what it shares with the runs of its block"
    if [entry.round for entry in rounds] != list(range(run.settings.loop.rounds + 1)):
        yield f"its rounds are not 0 to {run.settings.loop.rounds}"
    if record.pool is None or shape != (len(rounds), record.pool.test_rows):
        yield f"its test probabilities are {shape}, not one row a round and one column a test row"
    labelled = list(record.start_rows)
    for entry in rounds:
        left = record.pool.rows - len(labelled) if record.pool else 0
        if len(entry.selected) != (min(run.settings.loop.batch, left) if entry.round else 0):
            yield f"round {entry.round} selects {len(entry.selected)} rows"
        labelled += entry.selected
        if entry.labelled != len(labelled):
            yield f"round {entry.round} counts {entry.labelled} labelled rows, and names {len(labelled)}"
    if len(set(labelled)) < len(labelled):
        yield "a row is labelled twice"


def _against_data(record: RunRecord, world: World, found: Audit) -> Iterator[str]:
    run = record.spec
    try:
        task = _task(run.block.task, run.block.ratio, run.settings.shared(), record.fingerprint, world)
    except BenchError as error:
        found.unchecked.add(f"{run.block.task.dataset}: {error}")
        return
    selected = [row for entry in record.rounds for row in entry.selected]
    if not np.isin([*record.start_rows, *selected], task.rows).all():
        yield "a row is not of the pool"
        return
    if task.facts != record.pool:
        yield "its pool has other counts than its data gives"
    if sorted(task.start_set(run.block, run.settings.loop).tolist()) != sorted(record.start_rows):
        yield "its start set is not the one of its seed"
    oracle = task.oracle()

    def positives(rows: tuple[int, ...]) -> int:
        return int(oracle.reveal(np.array(rows, dtype=np.int64)).sum()) if rows else 0

    known = positives(record.start_rows)
    for entry in record.rounds:
        known += positives(entry.selected)
        if (entry.selected_positives, entry.labelled_positives) != (positives(entry.selected), known):
            yield f"round {entry.round} miscounts its positives"
    if selected and record.metrics.get("positives_ratio") != positives(tuple(selected)) / len(selected):
        yield "its positives ratio is not that of its rows"


@lru_cache(maxsize=64)
def _task(task: Task, ratio: int, settings: Settings, fingerprint: str, world: World) -> ImbalancedTask:
    """Return the task that runs were made on; a cold start serves all, since a start changes no pool."""
    corpus = world.corpus(task.dataset)
    if corpus.fingerprint != fingerprint:
        raise DataError("the data at hand is not what its runs were made on")
    return build_task(corpus, task, ratio, "cold", settings.pool, settings.loop.once_planned())
