"""Named, immutable sets of stored runs to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import StoreError
from bench.store import Baseline, Store
from bench.store import acknowledged as known
from bench.store import baseline as baselines
from bench.store.acknowledged import Acknowledgement
from bench.store.baseline import Header
from imbal_bench.workflows.stores import Conversion, converter

if TYPE_CHECKING:
    from analysis import Changes


@dataclass(frozen=True)
class Saved:
    """A new baseline, and how many failed runs of the store are not in it."""

    baseline: Baseline
    failed: int


@dataclass(frozen=True)
class ListedBaselines:
    """The baselines of a folder, and a line for each file that was tampered with."""

    headers: tuple[Header, ...]
    damaged: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """A baseline: facts by name, and what is acknowledged, with whether it is still in force."""

    facts: dict[str, str]
    acknowledged: tuple[tuple[Acknowledgement, bool], ...]


def save(name: str, store: Path, folder: Path, *, strategies: Sequence[str] = (), note: str = "") -> Saved:
    """Freeze the finished runs of a store under a name.

    Raises:
        StoreError, SpecError: if there is no such store or strategy, or the name is taken.
    """
    source = Store(store)
    saved = baselines.save(source, folder, name, strategies=list(strategies), note=note)
    return Saved(saved, len(source.keys("failed") - source.keys()))


def migrate(name: str, folder: Path, cache_dir: Path) -> tuple[int | None, Conversion]:
    """Bring a baseline of an earlier version to today's form; return how many runs, or None for nothing to do.

    Raises:
        StoreError: if it cannot be read or written.
    """
    convert = converter(cache_dir)
    runs = baselines.migrate(folder, name, convert)
    return runs, Conversion.of(convert)


def listed(folder: Path) -> ListedBaselines:
    """Return the baselines of a folder."""
    headers, damaged = [], []
    for name in baselines.names(folder):
        try:
            headers.append(Baseline(folder, name).header)
        except StoreError as error:
            damaged.append(str(error))
    return ListedBaselines(tuple(headers), tuple(damaged))


def show(name: str, folder: Path) -> Shown:
    """Return what a baseline holds, what it was made with, and what is acknowledged against it.

    Raises:
        StoreError: if there is none of that name, or it was tampered with.
    """
    from analysis import overview, read_results

    baseline = Baseline(folder, name)
    seen, header = overview(read_results(baseline)), baseline.header
    facts = {
        "baseline": header.name,
        "note": header.note,
        "saved": header.created,
        "sha256": header.sha256,
        "runs": str(header.runs),
        "tasks": ", ".join(seen.tasks),
        "strategies": ", ".join("+".join(pair) for pair in seen.strategies),
        "positives in the pool": ", ".join(seen.ratios) + f", {' and '.join(seen.starts)}",
        "seeds": ", ".join(map(str, seen.seeds)),
        **{fact: "; ".join(values) for fact, values in seen.made_with.items()},
    }
    today = datetime.now().astimezone().date()
    return Shown(facts, tuple((one, one.in_force(today)) for one in known.acknowledgements(baseline)))


def compare(name: str, store: Path, folder: Path) -> tuple[Header, Changes]:
    """Return a baseline's header, and what became of its runs in a store.

    Raises:
        StoreError: if there is no such baseline or store.
    """
    from analysis import changes

    baseline = Baseline(folder, name)
    return baseline.header, changes(baseline, Store(store))


def acknowledge(
    name: str, folder: Path, *, task: str, metric: str, size: float, reason: str, until: date, candidate: str = ""
) -> Acknowledgement:
    """Acknowledge a known regression up to a size and until a day: the gate shows it and does not fail for it.

    Raises:
        StoreError, SpecError: if the baseline has no such task, metric or strategy, or the day is past.
    """
    return known.acknowledge(
        Baseline(folder, name),
        task=task,
        metric=metric,
        size=size,
        reason=reason,
        until=until,
        today=datetime.now().astimezone().date(),
        candidate=candidate,
    )
