"""Datasets as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.commands import Commands
from bench.cli.console import console_here
from bench.cli.options import DEFAULT_CACHE, CacheOption, DataOption, world_at

data_app = Commands(help="Datasets: write them where other machines and programs can read them.", no_args_is_help=True)


@data_app.command()
def export(
    dataset: Annotated[str, typer.Argument(help="Dataset, or task such as sst2/negative with --ratio.")],
    out: Annotated[Path, typer.Argument(help="Mirror folder; the dataset gets a folder of its own in it.")],
    ratio: Annotated[
        str | None, typer.Option(help="Write the binary, imbalanced pool of a task at this ratio: 50, or natural.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=20, help="Rows of the pool at most (pool.limit).")] = None,
    data_dir: DataOption = None,
    cache_dir: CacheOption = DEFAULT_CACHE,
) -> None:
    """Write a dataset, or the constructed pool of a task, as a mirror (Parquet and info.json).

    Examples:

    imbal-bench data export sst2 mirror

    imbal-bench data export sst2/negative pools --ratio 50
    """
    from bench.data.export import export_mirror, export_pool
    from bench.errors import SpecError
    from bench.grid.expansion.sizes import parse_task
    from bench.paths import file_name
    from bench.records import LoopSettings, PoolSettings, Task, read_ratio
    from bench.tasks import build_task

    source, positive = parse_task(dataset)
    corpus = world_at(data_dir, cache_dir).corpus(source)
    if ratio is None:
        if positive is not None:
            raise SpecError(f"{dataset!r} names a class; give --ratio to write its pool, or {source!r} for all of it")
        folder = out / corpus.name
        export_mirror(corpus, folder)
    else:
        if positive is None:
            raise SpecError(f"--ratio needs a task; give {source}/CLASS with one of: {', '.join(corpus.label_names)}")
        task = Task(dataset=corpus.name, positive=positive)
        at = read_ratio(ratio)
        built = build_task(corpus, task, at, "warm", PoolSettings(limit=limit), LoopSettings())
        folder = out / file_name(f"{corpus.name}-{positive}-{at}")
        export_pool(corpus, built.rows, positive, at, folder)
    console_here().print(f"written: {folder}", highlight=False)
