"""Publishing: the runs of a store in a few hundred bytes each, for git or a hub of datasets.

Everything that tables, figures and verdicts read is kept to the last bit. What is large and can be made again from the
data is left out, and so is whatever names a machine or a place on its disk.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.errors import StoreError
from bench.paths import without_folders
from bench.records import Provenance, Round, RunRecord, Settings, Status
from bench.store.columns import ValueKind, encoded, kind_of, tables_of
from bench.store.files import as_store_error, write_atomically
from bench.store.marker import mark, schema_version
from bench.store.published import GROWING, MANIFEST, ROUNDS, RUNS, FileFact, Manifest
from bench.store.store import Store

_STATUSES: tuple[Status, ...] = ("ok", "failed", "skipped")
_OWN_RUNS = ("runs", "packed", "failed", "skipped")
"""Folders of a store that hold runs which nobody has published."""


@dataclass(frozen=True)
class Content:
    """Runs to be published.

    Attributes:
        files: path -> bytes of the tables. columns: path -> column -> what its values are.
        counts: how many runs there are. whole: of how many is kept which rows were selected.
    """

    files: Mapping[str, bytes]
    columns: Mapping[str, Mapping[str, ValueKind]]
    counts: Mapping[Status, int]
    whole: int


def content_of(store: Store, whole: Collection[str]) -> Content:
    """Return what is published of a store: all its runs, those that did not finish too.

    Args:
        store: a full one, or a published one. A run that cannot be read is an error.
        whole: keys of the finished runs of which is kept which rows were selected.

    Raises:
        StoreError: if there are no finished runs, or one cannot be read.
    """
    finished = list(store.records())
    done = {record.key for record in finished}
    if not finished:
        raise StoreError(f"{store.path} holds no finished runs to publish; run a grid first")
    unfinished = [record for status in _STATUSES[1:] for record in store.records(status) if record.key not in done]
    records = [*finished, *unfinished]
    hosts = sorted({record.provenance.host for record in records if record.provenance})
    machines = {host: f"machine {number}" for number, host in enumerate(hosts, 1)}
    slim = [slimmed(record, machines, whole=record.key in whole) for record in records]
    runs, rounds = tables_of(slim)
    return Content(
        files={RUNS: encoded(runs), ROUNDS: encoded(rounds)},
        columns={
            path: {name: kind_of(name) for name in table.column_names}
            for path, table in ((RUNS, runs), (ROUNDS, rounds))
        },
        counts={status: sum(record.status == status for record in slim) for status in _STATUSES},
        whole=sum(any(entry.selected for entry in record.rounds) for record in slim),
    )


def slimmed(record: RunRecord, machines: Mapping[str, str], *, whole: bool = False) -> RunRecord:
    """Return a record as a published store holds it.

    Args:
        record: a record.
        machines: host -> what it is called.
        whole: whether it keeps which rows were selected, and how the pool was scored.
    """
    found = record.informativeness
    changes = {
        "reason": without_folders(record.reason),
        "spec": record.spec.model_copy(update={"settings": _without_places(record.spec.settings)}),
        "informativeness": found and found.model_copy(update={"examples": ()}),
        "provenance": record.provenance and _anonymous(record.provenance, machines),
        "sha256": "",
    }
    if not whole:
        changes |= {"start_rows": (), "rounds": tuple(map(_counted, record.rounds))}
    return record.model_copy(update=changes)


def _counted(entry: Round) -> Round:
    """Return a round without the rows that it selected."""
    nothing = {"selected": (), "selected_p": None, "selected_w": (), "pool_p": None, "pool_w": None, "state": None}
    return entry.model_copy(update=nothing)


def _without_places(settings: Settings) -> Settings:
    """Return settings that name no folder; where the model's content is unknown, its name is part of keys and stays."""
    if not settings.model.content:
        return settings
    model = settings.model.model_copy(update={"name": without_folders(settings.model.name)})
    return settings.model_copy(update={"model": model})


def _anonymous(made: Provenance, machines: Mapping[str, str]) -> Provenance:
    places = {name: without_folders(getattr(made, name)) for name in ("data_source", "model_source")}
    return made.model_copy(update={**places, "host": machines[made.host]})


def target(folder: Path, store: Store) -> Store:
    """Return the store that a folder is to be: a new one, or one that was published there before.

    Raises:
        StoreError: if the folder holds anything else, or runs of its own, or cannot be written.
    """
    if folder.resolve() == store.path.resolve():
        raise StoreError(f"{folder} is the store itself; publish it into another folder")
    refuse_occupied(folder)
    with as_store_error(f"make {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
    if schema_version(folder) is None:
        mark(folder)
    return Store(folder)


def refuse_occupied(folder: Path) -> None:
    """Make sure that a folder may become a published store, or another one.

    Raises:
        StoreError: if it holds anything but a published store, or runs of its own beside one.
    """
    own = [name for name in _OWN_RUNS if (folder / name).exists()]
    there = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    if there and (own or not (folder / MANIFEST).is_file()):
        holds = f"holds runs of its own ({own[0]}/)" if own else "is neither empty nor a published store"
        raise StoreError(f"{folder} {holds}; take another folder")


def write(published: Store, content: Content, described: Mapping[str, bytes]) -> Manifest:
    """Write the files of a published store, the manifest last; return it.

    Args:
        published: as :func:`target` returns it, with its ledger.
        content: the runs.
        described: what describes them, such as a data card: path -> content.

    Raises:
        StoreError: if a file cannot be written.
    """
    folder = published.path
    for name, written in {**content.files, **described}.items():
        write_atomically(folder / name, written)
    with as_store_error(f"read {folder}"):
        kept = {name: (folder / name).read_bytes() for name in GROWING if (folder / name).is_file()}
    files = {**content.files, **described, **kept}
    manifest = Manifest(
        runs=content.counts["ok"],
        failed=content.counts["failed"],
        skipped=content.counts["skipped"],
        whole=content.whole,
        files={name: FileFact.of(files[name]) for name in sorted(files)},
    )
    write_atomically(folder / MANIFEST, manifest.encoded())
    return manifest
