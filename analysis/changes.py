"""What differs between a baseline and the runs of a store: their results, and what they were made with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bench.records import METRICS, Provenance, RunRecord
from bench.store import Baseline, Store

_NOT_SHOWN = {"finished"}
"""Facts of provenance that differ by nature."""


@dataclass(frozen=True)
class Change:
    """A metric after the last round that is another number now; before and after."""

    run: str
    metric: str
    before: float
    after: float


@dataclass(frozen=True)
class Changes:
    """What became of a baseline's runs in a store.

    Attributes:
        runs: of the baseline that were compared. identical: those whose selections, metrics and test probabilities
            are the same, bit for bit; a published run's selections are not known, the hash of its probabilities is.
        drifted: those that the store holds otherwise.
        changed: metrics that differ, the largest difference first.
        missing: reason -> how many runs of the baseline are not in the store.
        environment: fact -> its values in the baseline and in the store, of runs that both hold; only what differs.
    """

    runs: int
    identical: int
    drifted: int
    changed: tuple[Change, ...]
    missing: dict[str, int]
    environment: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]


def changes(baseline: Baseline, store: Store, strategy: str = "") -> Changes:
    """Compare a baseline's runs with those of a store that have the same key: the same science on the same data.

    Args:
        baseline: what is compared.
        store: with what.
        strategy: whose runs, e.g. ``random+uniform``; empty: all of the baseline's.

    Raises:
        CorruptRecordError: if a run of the store cannot be read.
    """
    frozen = [one for one in baseline.records() if strategy in {"", str(one.spec.strategy)}]
    shared = {one.key for one in frozen} & store.keys()
    others = {str(one.spec): one for one in map(store.read, sorted(store.keys() - shared))}
    pairs = [(one, store.read(one.key)) for one in frozen if one.key in shared]
    apart = [(a, b) for a, b in pairs if _differ(a, b)]
    lacking = (one for one in frozen if one.key not in shared)
    return Changes(
        runs=len(frozen),
        identical=len(pairs) - len(apart),
        drifted=len(apart),
        changed=tuple(sorted(_changed(apart), key=lambda it: (-abs(it.after - it.before), it.run, it.metric))),
        missing=dict(Counter(_why_missing(one, others.get(str(one.spec))) for one in lacking).most_common()),
        environment=_environment([a for a, _ in pairs], [b for _, b in pairs]),
    )


def metrics_of(record: RunRecord) -> dict[str, float]:
    """Return the metrics of a finished run after its last round; NaN where there is none."""
    return {name: record.outcome.get(name, float("nan")) for name in METRICS}


def _differ(a: RunRecord, b: RunRecord) -> bool:
    """Return whether two executions of a run differ in anything that both records have."""
    rows = a.names_rows and b.names_rows
    return _science(a, rows=rows) != _science(b, rows=rows)


def _science(record: RunRecord, *, rows: bool) -> list[object]:
    """Return what is equal in two executions of a run that agree bit for bit, with the rows selected or without."""
    metrics = [[one.metrics.get(name) for name in METRICS] for one in record.rounds]
    picked = [(one.selected, one.selected_p) for one in record.rounds if rows]
    return [record.pair_key, metrics_of(record), record.test_probabilities_sha256, metrics, picked]


def _changed(apart: Iterable[tuple[RunRecord, RunRecord]]) -> Iterable[Change]:
    for a, b in apart:
        after = metrics_of(b)
        for metric, before in metrics_of(a).items():
            if before != after[metric]:
                yield Change(str(a.spec), metric, before, after[metric])


def _why_missing(one: RunRecord, other: RunRecord | None) -> str:
    if other is None:
        return "not in the store"
    if other.fingerprint != one.fingerprint:
        return f"made on other data ({other.fingerprint[:8]} instead of {one.fingerprint[:8]})"
    if other.spec.settings.canonical() != one.spec.settings.canonical():
        return "made with other settings"
    return "made with another version or other options of the strategy"


def _environment(before: list[RunRecord], after: list[RunRecord]) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    a, b = (_facts(one.provenance for one in records if one.provenance) for records in (before, after))
    return {name: (a.get(name, ()), b.get(name, ())) for name in sorted({*a, *b}) if a.get(name) != b.get(name)}


def _facts(made: Iterable[Provenance]) -> dict[str, tuple[str, ...]]:
    """Return fact -> its values, sorted; versions of libraries are facts too."""
    found: dict[str, set[str]] = {}
    for one in made:
        facts = {**one.model_dump(exclude={"versions", *_NOT_SHOWN}), **one.versions}
        for name, value in facts.items():
            found.setdefault(name, set()).add(str(value))
    return {name: tuple(sorted(values)) for name, values in found.items()}
