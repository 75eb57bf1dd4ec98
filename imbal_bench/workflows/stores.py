"""Result stores as files: put together, packed, converted, compared, published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import SpecError, StoreError
from bench.paths import expanded
from bench.records import RunRecord
from bench.store import Store
from bench.store.compact import Compaction
from bench.store.compact import compact as compact_store
from bench.store.merge import Merge
from bench.store.merge import merge as merge_stores
from bench.store.published import LEFT_OUT, Manifest
from bench.store.replicates import agreements
from bench.words import items

LICENSE = "cc-by-4.0"

if TYPE_CHECKING:
    from bench.grid.stored.convert import Converter
    from bench.grid.stored.rescore import Rescoring
    from bench.grid.world import World
    from bench.store.migrate import Migration


@dataclass(frozen=True)
class Conversion:
    """What was not known of records that were converted: names of models and parts -> how many records."""

    unknown_models: dict[str, int]
    unknown_parts: dict[str, int]
    renamed: dict[str, int]

    @classmethod
    def of(cls, convert: Converter) -> Conversion:
        """Return what a converter did not know."""
        return cls(dict(convert.unknown_models), dict(convert.unknown_parts), dict(convert.renamed))


@dataclass(frozen=True)
class StoreMigrated:
    """A store in today's form: counts of what was converted, plans of the gate too, and what was not known."""

    done: Migration
    plans: int
    unknown: Conversion


@dataclass(frozen=True)
class Agreed:
    """How far results of two makes agree: counts by degree, and the largest difference of a test probability."""

    makes: str
    degrees: Counter[str]
    largest: float


def converter(cache_dir: Path) -> Converter:
    """Return what brings records of earlier versions to today's form."""
    from bench.grid.stored.convert import Converter

    return Converter(cache_dir)


def merge(into: Path, sources: Sequence[Path], *, dry_run: bool = False) -> Merge:
    """Add the runs of other stores, and what was analysed of them; a run that is there already is never overwritten.

    Raises:
        StoreError: if a store cannot be read or written.
    """
    others = [Store(path) for path in sources]  # first, so that a wrong name makes no store
    from analysis.gate import History

    here = Store(into, create=not dry_run)
    histories = [History.of(other) for other in others]
    merged = merge_stores(here, others, dry_run=dry_run)
    if not dry_run:
        for history in histories:
            history.carried_to(here)
    return merged


def migrate(store: Path, cache_dir: Path, tell: Callable[[int], None]) -> StoreMigrated:
    """Bring a store of an earlier version to today's form; ``tell`` is called with how many runs are converted.

    Raises:
        StoreError: if it cannot be read or written.
    """
    from analysis.gate import migrate_plans
    from bench.store.migrate import migrate as migrate_store

    there, convert = Store(store, earlier=True), converter(cache_dir)
    plans = migrate_plans(there, convert.strategy, convert.settings)
    return StoreMigrated(migrate_store(there, convert, tell), plans, Conversion.of(convert))


def compact(store: Path) -> Compaction:
    """Move the files of all finished runs into a few packs, bit for bit.

    Raises:
        StoreError: if the store cannot be read or written.
    """
    return compact_store(Store(store))


def replicates(store: Path) -> tuple[Agreed, ...]:
    """Return how far the results of other machines agree with the store's own, by what they were made with."""
    found: dict[str, Agreed] = {}
    for own, other, agreement in agreements(Store(store)):
        makes = f"{_made_with(own)} | {_made_with(other)}"
        known = found.get(makes, Agreed(makes, Counter(), 0.0))
        known.degrees[agreement.degree] += 1
        found[makes] = Agreed(makes, known.degrees, max(known.largest, agreement.difference))
    return tuple(found[makes] for makes in sorted(found))


def _made_with(record: RunRecord) -> str:
    made = record.provenance
    if made is None:
        return "not recorded"
    return f"{made.device}, {made.precision}, {made.threads} threads, torch {made.versions.get('torch', 'unknown')}"


def export(out: Path, store: Path) -> tuple[str, ...]:
    """Write runs and rounds for publication; return the names of the files.

    Raises:
        StoreError: if there is no such store, or something at that place.
    """
    from reports import write_publication

    if out.exists():
        raise StoreError(f"{out} exists already; remove it or choose another folder or file")
    return tuple(write_publication(store, out))


def publish(to: Path, store: Path, *, name: str = "", license: str = LICENSE, url: str = "") -> Manifest:  # noqa: A002
    """Write a store without what is large, for git or a hub of datasets; it is read as the store itself is.

    Args:
        to: a new or empty folder, or one that was published before, which is brought up to date.
        store: what is published.
        name: of the data set; empty: that of the store's folder.
        license: of the results, as the Hub names it.
        url: where it will be found.

    Raises:
        StoreError: if there is no store or no finished run, one cannot be read, or the folder holds something else.
        PairingError: if two runs of the store claim one place of a table.
    """
    from analysis.gate import History
    from bench.store import publish as publishing
    from reports import Described, description, read_report

    source = Store(store)
    folder = publishing.target(expanded(to), source)
    shown = read_report(store)
    content = publishing.content_of(source, [section.example for section in shown.sections])
    History.of(source).carried_to(folder)
    about = Described(name or source.path.name, license, url, shown.results, content.files, content.columns, LEFT_OUT)
    return publishing.write(folder, content, description(about))


def push(store: Path, repository: str, *, private: bool = False) -> str:
    """Put a published store into a dataset repository of the Hub; return the commit.

    Raises:
        StoreError: if it is no published store, a file of it has changed since, or the Hub refuses.
    """
    from bench.store import transfer

    return transfer.push(expanded(store), repository, private=private)


def pull(repository: str, to: Path, revision: str = "main") -> tuple[str, Manifest]:
    """Get a published store from a dataset repository of the Hub; return the commit, and what was got.

    Raises:
        StoreError: if the folder holds something else, the Hub refuses, or a file is not what was published.
    """
    from bench.store import transfer

    return transfer.pull(repository, expanded(to), revision)


def rescore(store: Path, world: World, tell: Callable[[int], None], metrics: str | None = None) -> Rescoring:
    """Add metrics to the runs of a store from their stored test probabilities.

    Args:
        store: the store.
        world: where data is.
        tell: called with how many runs were looked at.
        metrics: names, separated by commas; None: all.

    Raises:
        SpecError: if the names are none. StoreError: if the store cannot be read or written.
    """
    from bench.grid.stored.rescore import rescore as rescore_store

    names = () if metrics is None else tuple(items(metrics) or (metrics,))
    if metrics is not None and not all(name.strip() for name in names):
        raise SpecError(f"--metrics {metrics!r} must name metrics, e.g. average_precision,brier; leave it out for all")
    return rescore_store(Store(store), world, [name.strip() for name in names], tell)
