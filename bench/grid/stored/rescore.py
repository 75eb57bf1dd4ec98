"""Metrics of stored runs, computed again from test probabilities, test labels and counts: nothing is run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.arrays import Float32Array, IntArray
from bench.errors import BenchError, CorruptRecordError, DataError, SpecError, UnknownNameError
from bench.grid.stored.recompute import (
    pool_of,
    prevalence_of,
    scored,
    test_labels,
    wrong_in_rounds,
    wrong_in_run,
)
from bench.grid.world import World
from bench.metrics.base import RunCourse
from bench.metrics.catalogue import named, round_metrics, round_values, run_metrics, run_values
from bench.records import RunRecord
from bench.store import Store, labels
from bench.store.codec import decode_probabilities, decode_record, encode_record
from bench.store.compact import exclusive
from bench.store.files import as_store_error
from bench.store.packs import PackedRun, write_pack
from bench.store.published import PROBABILITIES


@dataclass
class Rescoring:
    """What was done to a store.

    Attributes:
        runs: finished runs looked at. changed: runs that gained metrics, or had wrong ones.
        added: metric -> values that were added.
        replaced: a line for each stored value that was wrong, and was replaced.
        left_out: reason -> runs that lack metrics still.
    """

    runs: int = 0
    changed: int = 0
    added: Counter[str] = field(default_factory=Counter)
    replaced: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def rescore(
    store: Store, world: World, names: Collection[str] = (), progress: Callable[[int], object] = lambda _: None
) -> Rescoring:
    """Add metrics to the finished runs of a store; a stored value stays, unless it is wrong.

    Each file is replaced as a whole, so that the same command goes on where it was stopped. A grid may be running.

    Args:
        store: whose runs.
        world: where data are, for test labels that the store does not keep.
        names: metrics, or aliases of them; none: all metrics of rounds and runs.
        progress: called with the number of runs looked at so far.

    Raises:
        UnknownNameError: if there is no such metric of rounds or runs.
        StoreError: if another process compacts or merges the store, it cannot be written, or was published.
    """
    store.published.refuse("rescoring", PROBABILITIES)
    known = {one.name for one in (*round_metrics(), *run_metrics())}
    wanted = {named(name).name for name in names} or known
    if wanted - known:
        raise UnknownNameError("metric of rounds or runs", min(wanted - known), known)
    work = _Rescorer(store, world, frozenset(wanted), progress, Rescoring())
    with exclusive(store):
        for pack in sorted(store.packs.readable()):
            work.rescore_pack(pack)
        for key in sorted(store.own_keys()):
            work.rescore_own(key)
    return work.done


@dataclass
class _Rescorer:
    store: Store
    world: World
    wanted: frozenset[str]
    progress: Callable[[int], object]
    done: Rescoring
    lost: dict[tuple[str, str], str] = field(default_factory=dict)
    """Dataset and fingerprint of data that cannot be had -> why."""

    def rescore_own(self, key: str) -> None:
        """Rescore a run that has files of its own."""
        try:
            old = PackedRun(key, self.store.content(key), self.store.probabilities_content(key))
        except CorruptRecordError as error:
            self.done.left_out[str(error)] += 1
            return
        new = self._rescored(old)
        if new is not old:
            self.store.put(key, new.record, None)

    def rescore_pack(self, pack: Path) -> None:
        """Rescore the runs of a pack: a new one takes its place if any of them changes."""
        packs = self.store.packs
        try:
            old = [
                PackedRun(key, packs.read(place, "record"), packs.read(place, "probabilities"))
                for key, place in packs.in_pack(pack).items()
            ]
        except CorruptRecordError as error:
            self.done.left_out[str(error)] += 1
            return
        new = [self._rescored(run) for run in old]
        if new != old:
            write_pack(packs.folder, new)
            with as_store_error(f"remove {pack}"):
                pack.unlink()

    def _rescored(self, run: PackedRun) -> PackedRun:
        """Return a run with its metrics added; itself if there are none to add, or they cannot be computed."""
        self.done.runs += 1
        self.progress(self.done.runs)
        try:
            record = decode_record(run.record, run.key, "ok", f"run {run.key}")
            probabilities = decode_probabilities(run.probabilities, record, f"what goes with run {run.key}")
            new = self._with_run_metrics(self._with_round_metrics(record, probabilities))
        except BenchError as error:
            self.done.left_out[str(error)] += 1
            return run
        if [record.metrics, record.rounds] == [new.metrics, new.rounds]:
            return run
        self.done.changed += 1
        return PackedRun(run.key, encode_record(new)[1], run.probabilities)

    def _with_round_metrics(self, record: RunRecord, probabilities: Float32Array) -> RunRecord:
        """Return a record with the metrics of its rounds; as it was where no test labels are to be had."""
        truth = self._labels(record)
        if truth is None:
            return record
        share = prevalence_of(record)
        wrong = wrong_in_rounds(record, probabilities, truth)
        metrics = [dict(one.metrics) for one in record.rounds]
        for number, prefix, p in scored(record, probabilities):
            there = metrics[number]
            asked = {name for name in self.wanted if prefix + name not in there}
            asked |= {name.removeprefix(prefix) for at, name in wrong if at == number}
            found = {prefix + name: value for name, value in round_values(truth, p, share, asked).items()}
            self._note(record, f"round {number}", there, found)
            there.update(found)
        pairs = zip(record.rounds, metrics, strict=True)
        rounds = tuple(one.model_copy(update={"metrics": dict(sorted(values.items()))}) for one, values in pairs)
        return record.model_copy(update={"rounds": rounds})

    def _labels(self, record: RunRecord) -> IntArray | None:
        """Return the test labels of a run, which are kept from now on; None where there are none to be had."""
        data = (record.spec.block.task.dataset, record.fingerprint)
        truth = labels.read(self.store, record)
        if truth is None and data not in self.lost:  # data that could not be had once are not tried for again
            try:
                truth = test_labels(self.store, record, self.world)
            except (DataError, SpecError) as error:  # no such data here, or no dataset of that name
                self.lost[data] = f"no test labels of {data[0]}: {error}; give --data-dir"
            else:
                labels.keep(self.store, record, truth)
        if truth is None:
            self.done.left_out[self.lost[data]] += 1
        return truth

    def _with_run_metrics(self, record: RunRecord) -> RunRecord:
        wrong = wrong_in_run(record)
        kept = {name: value for name, value in record.metrics.items() if name not in wrong}
        course = RunCourse.of(record.rounds, pool_of(record))
        found = run_values(course, (self.wanted - kept.keys()) | wrong)
        found = {name: value for name, value in found.items() if name in wrong or not np.isnan(value)}
        self._note(record, "run", record.metrics, found)
        return record.model_copy(update={"metrics": dict(sorted((kept | found).items()))})

    def _note(self, record: RunRecord, where: str, old: dict[str, float], found: dict[str, float]) -> None:
        for name, value in found.items():
            if name in old:
                change = f"{name} was {old[name]!r}, is {value!r}"
                self.done.replaced.append(f"{record.key} ({record.spec}), {where}: {change}")
            else:
                self.done.added[name] += 1
