"""Datasets: what is in them, and how they are written for others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imbal_bench.cli.commands import Commands
from imbal_bench.cli.options import ModelOption, Places

data_app = Commands(
    help="Datasets: check them, and write them where other machines and programs can read them.", no_args_is_help=True
)


@data_app.command()
def check(
    dataset: Annotated[str, typer.Argument(help="A dataset, or the YAML file of your own.")],
    places: Places,
    model: ModelOption = None,
    max_length: Annotated[int, typer.Option("--max-length", min=8, help="Tokens of a text that are read.")] = 128,
) -> None:
    """Look into a dataset: classes, possible ratios, repeated and contradictory texts, lengths by a model's tokenizer.

    `plan` and `run` look, too, and warn in a line.

    Examples:

    imbal-bench data check mine.yaml

    imbal-bench data check sst2 --data-dir mirror
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.display.data import show_data_check
    from imbal_bench.workflows.data_check import check_data

    found = check_data(dataset, places.world, model=model or "offline", max_length=max_length)
    show_data_check(found, dataset, console_here())


@data_app.command()
def export(
    dataset: Annotated[str, typer.Argument(help="Dataset, or task such as sst2/negative with --ratio.")],
    out: Annotated[Path, typer.Argument(help="Mirror folder; the dataset gets a folder of its own in it.")],
    places: Places,
    ratio: Annotated[
        str | None, typer.Option(help="Write the binary, imbalanced pool of a task at this ratio: 50, or natural.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=20, help="Rows of the pool at most (pool.limit).")] = None,
) -> None:
    """Write a dataset, or the constructed pool of a task, as a mirror (Parquet and info.json).

    Examples:

    imbal-bench data export sst2 mirror

    imbal-bench data export sst2/negative pools --ratio 50
    """
    from imbal_bench.display.console import console_here
    from imbal_bench.workflows import data

    folder = data.export(dataset, out, places.world, ratio=ratio, limit=limit)
    console_here().print(f"written: {folder}")
