"""What must be true of a store whatever happened to its writers: each run is checked against itself and its data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from bench import seeds
from bench.arrays import Float32Array
from bench.errors import BenchError, CorruptRecordError
from bench.grid.stored.recompute import misstated, misstated_of_run, rows_expected, task_of, test_labels
from bench.grid.world import World
from bench.records import RunRecord
from bench.store import Store
from bench.store.ledger import Ledger


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


def audit(store: Store, world: World, files: Mapping[str, str] | None = None) -> Audit:
    """Check all finished runs of a store: packs, names, hashes, budgets, rows, positives, pairs; and its ledger.

    Args:
        store: whose runs to check.
        world: where data are.
        files: the YAML file of each user's dataset, by its name.
    """
    found = Audit(wrong=[*store.packs.wrong(), *_ledger(store)])
    pairs: dict[str, set[str]] = defaultdict(set)
    published = _published(store, found)
    for key in sorted(store.keys() - published):
        found.runs += 1
        try:
            record = store.read(key)
            probabilities = store.test_probabilities(record)
        except BenchError as error:
            found.wrong.append(str(error))
            continue
        run = record.spec
        shared = run.shared.canonical()
        pairs[seeds.digest([run.block.canonical(), shared, record.fingerprint])].add(record.pair_key)
        wrong = [*_against_itself(record, probabilities.shape), *_against_data(record, world, found, files or {})]
        wrong += _metrics(record, probabilities, store, world, found) if not wrong else ()
        found.wrong += [f"{key} ({run}): {line}" for line in wrong]
    mismatched = sum(len(keys) > 1 for keys in pairs.values())
    if mismatched:
        found.wrong.append(f"the runs of {mismatched} blocks do not all have one pair_key")
    return found


def _published(store: Store, found: Audit) -> set[str]:
    """Check what was published against its manifest; return the keys of runs of which nothing more can be checked."""
    if not store.published.is_there:
        return set()
    found.wrong += store.published.manifest.wrong(store.path, grown=True)
    keys = {key for key in store.published.keys("ok") if store.file_of(key) == store.published.file}
    found.runs += len(keys)
    found.unchecked.add(f"{len(keys):,} published runs, held against their manifest: their rows are not kept")
    return keys


def _ledger(store: Store) -> Iterator[str]:
    """Yield why the ledger of what was analysed is not what was written, if it is not."""
    try:
        Ledger.of(store).read()
    except BenchError as error:
        yield str(error)


def _against_itself(record: RunRecord, shape: tuple[int, ...]) -> Iterator[str]:
    run, rounds = record.spec, record.rounds
    if record.key != run.key(record.fingerprint):
        yield "its name is not the hash of its configuration"
    if record.pair_key != record.pairing():
        yield "its pair_key is not the hash of what it shares with the runs of its block"
    if [entry.round for entry in rounds] != list(range(run.settings.loop.rounds + 1)):
        yield f"its rounds are not 0 to {run.settings.loop.rounds}"
    if record.pool is None or shape not in {(rows, record.pool.test_rows) for rows in rows_expected(record)}:
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


def _against_data(record: RunRecord, world: World, found: Audit, files: Mapping[str, str]) -> Iterator[str]:
    run = record.spec
    dataset = run.block.task.dataset
    try:
        task = task_of(run.block.task, run.block.ratio, run.shared, record.fingerprint, world, files.get(dataset))
    except BenchError as error:
        found.unchecked.add(f"{dataset}: {error}")
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


def _metrics(record: RunRecord, probabilities: Float32Array, store: Store, world: World, found: Audit) -> Iterator[str]:
    """Yield a line for each stored metric that is not what follows from its run as stored, or known."""
    try:
        yield from misstated(record, probabilities, test_labels(store, record, world))
    except CorruptRecordError as error:
        yield str(error)
    except BenchError as error:
        found.unchecked.add(f"metrics of {record.spec.block.task.dataset}: {error}")
    yield from misstated_of_run(record)
