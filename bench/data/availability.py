"""What can be had of each registered dataset, here and now; for ``doctor`` and ``list``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.data.catalogue import CATALOGUE, described, known_facts, known_names
from bench.data.facts import DATASETS, DatasetFacts, Hub
from bench.data.places import mirror_folder, mirrored_names
from bench.errors import DataError

State = Literal["mirror", "damaged", "embedded", "hub cache", "hub", "unreachable", "by hand"]


@dataclass(frozen=True)
class Availability:
    """Where a dataset would be taken from.

    Attributes:
        dataset: its name.
        state: ``mirror``, ``damaged`` (a mirror that cannot be used), ``embedded`` (built here),
            ``hub cache`` (downloaded before), ``hub`` (can be downloaded), ``unreachable``, or ``by hand`` (nothing
            fetches it).
        detail: one line for people.
    """

    dataset: str
    state: State
    detail: str


def availability(data_dir: Path | None, *, probe: bool) -> list[Availability]:
    """Return the state of each dataset that is known, or in the mirror; at most about two seconds.

    Of a mirror only the heads of its files are read.

    Args:
        data_dir: the local mirror.
        probe: ask the Hub, once and only if it is needed, whether it answers; otherwise it is taken to.

    Raises:
        DataError: if the mirror that was asked for does not exist.
    """
    known = {name: facts for name in (*DATASETS, *CATALOGUE) if (facts := known_facts(name))}
    here = {name: _here(facts, data_dir) for name, facts in known.items()}
    online = not probe or all(here.values()) or _hub_answers()
    found = [state or _on_hub(known[name], online) for name, state in here.items()]
    own = (name for name in mirrored_names(data_dir) if name not in known)
    return [*found, *(_mirrored(name, folder) for name in own if (folder := mirror_folder(name, data_dir)))]


@dataclass(frozen=True)
class TaskCount:
    """Positives of a task in each split, and where they were counted: ``mirror``, or ``known facts``."""

    dataset: str
    positive: str
    train: int
    test: int
    origin: str


def task_counts(data_dir: Path | None) -> list[TaskCount]:
    """Return the tasks of every dataset; of those in the mirror with its own classes and counts.

    Raises:
        DataError: if the mirror that was asked for does not exist.
    """
    found = []
    for name in known_names(data_dir):
        folder, facts = mirror_folder(name, data_dir), known_facts(name)
        counted = _counted(folder) if folder else None
        if counted is not None:
            classes, train, test, origin = *counted, "mirror"
        elif facts is not None:
            classes, origin = facts.classes, "known facts"
            train, test = facts.train_rows_per_class, facts.test_rows_per_class
        else:
            continue
        wanted = set((facts.paper_tasks if facts else ()) or classes)
        rows = zip(classes, train, test, strict=True)
        found += [TaskCount(name, *row, origin) for row in rows if row[0] in wanted]
    return found


def _counted(folder: Path) -> tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...]] | None:
    """Return classes and rows per class of both splits as a mirror's ``info.json`` says; None if it does not."""
    from bench.data.mirror_info import read_info

    try:
        info = read_info(folder)
    except DataError:
        return None
    train, test = (info.splits[split].per_label for split in ("train", "test"))
    if train is None or test is None or not len(train) == len(test) == len(info.labels):
        return None
    return info.labels, train, test


def _here(facts: DatasetFacts, data_dir: Path | None) -> Availability | None:
    folder = mirror_folder(facts.name, data_dir)
    if folder is not None:
        return _mirrored(facts.name, folder, facts)
    if facts.hub is None:
        how = described(facts.name).get if facts.name in CATALOGUE else ""
        if how:
            return Availability(facts.name, "by hand", how)
        return Availability(facts.name, "embedded", "built on this machine, needs no network")
    if _is_in_hub_cache(facts.hub):
        return Availability(facts.name, "hub cache", f"{facts.hub.id}@{facts.hub.revision[:7]}")
    return None


def _is_in_hub_cache(hub: Hub) -> bool:
    """Return whether a repository was downloaded before; the Hub's client is loaded where there is a trace of it."""
    from huggingface_hub import constants

    if not (Path(constants.HF_HUB_CACHE) / f"datasets--{hub.id.replace('/', '--')}").is_dir():
        return False
    from bench.data.hub import downloaded

    return downloaded(hub) is not None


def _hub_answers() -> bool:
    from bench.data.hub import reachable

    return reachable()


def _on_hub(facts: DatasetFacts, online: bool) -> Availability:
    where = facts.hub.id if facts.hub else ""
    if online:
        return Availability(facts.name, "hub", f"{where} will be downloaded")
    return Availability(facts.name, "unreachable", f"{where}: no network; give --data-dir or IMBAL_BENCH_DATA")


def _mirrored(name: str, folder: Path, facts: DatasetFacts | None = None) -> Availability:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from bench.data.mirror_info import read_info
    from bench.data.reading import first_line

    full = {"train": 0, "test": 0}
    if facts is not None and facts.hub is not None:
        full = {"train": sum(facts.train_rows_per_class), "test": sum(facts.test_rows_per_class)}
    try:
        info = read_info(folder)
        rows = {split: pq.read_metadata(folder / f"{split}.parquet").num_rows for split in full}
    except (DataError, OSError, pa.ArrowException) as error:
        return Availability(name, "damaged", f"{folder}: {first_line(error)}")
    parts = []
    for split, count in rows.items():
        if count != info.splits[split].rows:
            reason = f"{split}.parquet has {count} rows, its info.json says {info.splits[split].rows}"
            return Availability(name, "damaged", f"{folder}: {reason}")
        whole = f" of {full[split]:,}" if count < full[split] else ""
        parts.append(f"{count:,}{whole} {split} rows")
    return Availability(name, "mirror", f"{folder}: {', '.join(parts)}")
