"""Datasets as files."""

from __future__ import annotations

from pathlib import Path

from bench.data.export import export_mirror, export_pool
from bench.data.labels import class_named
from bench.errors import SpecError, shortened
from bench.grid.expansion.sizes import parse_task
from bench.grid.world import World
from bench.paths import file_name
from bench.records import LoopSettings, PoolSettings, Task, read_ratio
from bench.tasks import build_task


def export(dataset: str, out: Path, world: World, *, ratio: str | None = None, limit: int | None = None) -> Path:
    """Write a dataset, or the constructed pool of a task at a ratio, as a mirror; return its folder.

    Args:
        dataset: a dataset; with a ratio, a task such as ``sst2/negative``.
        out: the mirror, in which the dataset gets a folder of its own.
        world: where the data is.
        ratio: of the pool, or ``natural``; None: the whole dataset.
        limit: rows of the pool at most.

    Raises:
        SpecError, DataError: if there is no such dataset or pool, or the folder cannot be written.
    """
    source, positive = parse_task(dataset)
    corpus = world.corpus(source)
    if ratio is None:
        if positive is not None:
            raise SpecError(f"{dataset!r} names a class; give --ratio to write its pool, or {source!r} for all of it")
        folder = out / corpus.name
        export_mirror(corpus, folder)
        return folder
    if positive is None:
        raise SpecError(f"--ratio needs a task; give {source}/CLASS with one of: {shortened(corpus.label_names)}")
    positive = class_named(positive, corpus.label_names) or positive
    task, at = Task(dataset=corpus.name, positive=positive), read_ratio(ratio)
    built = build_task(corpus, task, at, "warm", PoolSettings(limit=limit), LoopSettings())
    folder = out / file_name(f"{corpus.name}-{positive}-{at}")
    export_pool(corpus, built.rows, positive, at, folder)
    return folder
