"""Options that commands share, and what they turn into."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from bench.config import GridSpec
    from bench.grid.world import World
    from bench.registry import PluginFile

SpecArgument = Annotated[str, typer.Argument(help="A preset (see `imbal-bench list presets`) or a YAML file.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override any field: --set loop.rounds=3 --set ratios=10,50. Repeatable."),
]
TasksOption = Annotated[str | None, typer.Option("--tasks", help="E.g. sst2,ag_news/Sports; quote one with a comma.")]
RatiosOption = Annotated[str | None, typer.Option("--ratios", help="E.g. 10,50 or natural (the data's own imbalance).")]
SeedsOption = Annotated[str | None, typer.Option("--seeds", help="A number of seeds, or a list such as 3,4.")]
AlgorithmsOption = Annotated[str | None, typer.Option("--algorithms", help="E.g. random,badge.")]
WeightingsOption = Annotated[str | None, typer.Option("--weightings", help="E.g. uniform,invprop.")]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", help="Hub id, local folder, or 'offline' (all-MiniLM-L6-v2 from a package)."),
]
LearnerOption = Annotated[
    list[str] | None,
    typer.Option("--learner", help="What is trained: fine-tune, probe, tfidf:svd=100 ... Repeatable."),
]
JudgeOption = Annotated[
    str | None, typer.Option("--judge", help="A second learner, trained on what was selected with the first.")
]
StoreOption = Annotated[Path | None, typer.Option("--store", help="Result store. Default: results/<name of the grid>.")]
DataOption = Annotated[
    Path | None,
    typer.Option("--data-dir", envvar="IMBAL_BENCH_DATA", help="Local dataset mirror instead of the Hub."),
]
CacheOption = Annotated[
    Path, typer.Option("--cache-dir", envvar="IMBAL_BENCH_CACHE", help="Cache; may be deleted at any time.")
]
MOST_WORKERS = 1024
"""Of each kind: a slip of the finger must not start millions of processes."""
MOST_SIMULATIONS = 1_000_000
MOST_SECONDS = 1e9
"""Of a limit of time: 30 years, still within what a timer can wait."""


def finite(value: float | None) -> float | None:
    """Refuse ``nan``, which passes any minimum and maximum, and infinities."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is no number to work with; give a finite one, or leave the option out.")
    return value


JobsOption = Annotated[
    int, typer.Option("--jobs", "-j", min=1, max=MOST_WORKERS, help="Worker processes; cores are divided among them.")
]
ExecutorOption = Annotated[
    Literal["inline", "joblib", "dask"] | None,
    typer.Option("--executor", help="What runs blocks. Default: what the other options imply."),
]
GpusOption = Annotated[str | None, typer.Option("--gpus", help="Share out these GPUs: all, or 0,1,2.")]
PerGpuOption = Annotated[int, typer.Option("--per-gpu", min=1, max=MOST_WORKERS, help="Worker processes on each GPU.")]
SchedulerOption = Annotated[
    str | None, typer.Option("--scheduler", help="Use the workers of a Dask scheduler: tcp://host:8786.")
]
SlurmOption = Annotated[Path | None, typer.Option("--slurm", help="Use Slurm jobs as described in a YAML file.")]
ShardOption = Annotated[
    str | None, typer.Option("--shard", help="Run share i of n of the blocks, e.g. 1/8; shares may use one store.")
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--run-timeout",
        min=0.001,
        max=MOST_SECONDS,
        callback=finite,
        help="Seconds after which a run has hung and fails. Default: no limit.",
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option("--threads", min=1, max=MOST_WORKERS, help="Threads of each worker. Default: cores / jobs."),
]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
PluginOption = Annotated[
    list[Path] | None,
    typer.Option("--plugin", help="Python file with strategies, weightings, learners or metrics. Repeatable."),
]
DEFAULT_CACHE = Path("data_cache")
DEFAULT_JOBS = 1


def load(
    spec: str,
    overrides: list[str] | None,
    tasks: str | None,
    ratios: str | None,
    seeds: str | None,
    algorithms: str | None,
    weightings: str | None,
    model: str | None,
    learners: list[str] | None = None,
    judge: str | None = None,
) -> GridSpec:
    """Load a specification; the short options are overrides too."""
    from bench.config import load_spec
    from bench.strategies.catalogue import option_type

    short = {
        "tasks": tasks, "ratios": ratios, "seeds": seeds, "algorithms": algorithms, "weightings": weightings,
        "model.name": model, "judge": judge, "learners": _listed(learners) if learners else None,
    }  # fmt: skip
    given = [f"{field}={value}" for field, value in short.items() if value is not None]
    return load_spec(spec, [*(overrides or ()), *given], option_type)


def _listed(words: list[str]) -> str:
    """Return words as a list that keeps their commas."""
    return "[" + ",".join(f'"{word}"' for word in words) + "]"


def world_at(data_dir: Path | None, cache_dir: Path) -> World:
    """Return where data come from and caches go."""
    from bench.grid.world import World

    return World(data_dir, cache_dir)


def add_plugins(paths: list[Path] | None) -> tuple[PluginFile, ...]:
    """Load plug-in files; return them as they were read, for workers to load the same."""
    from bench.plugins import add_plugin
    from bench.registry import read_plugin

    plugins = tuple(read_plugin(path) for path in paths or ())
    for plugin in plugins:
        add_plugin(plugin)
    return plugins
