"""What workflows on grids begin with: a specification, plug-ins, and how blocks are run."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.config import GridSpec, load_spec
from bench.errors import SpecError
from bench.plugins import REGISTRIES, add_plugin
from bench.registry import PluginFile, load_file, read_plugin
from bench.strategies.catalogue import option_type

if TYPE_CHECKING:
    from bench.grid.driver.execution import Execution
    from bench.grid.executors.choice import Executor
    from bench.grid.expansion.blocks import Grid
    from bench.grid.world import World


def load(name_or_path: str, overrides: Sequence[str] = ()) -> GridSpec:
    """Return the specification of a preset or a YAML file under overrides ``field=value``.

    Raises:
        SpecError: if there is none, or a field is wrong.
    """
    return load_spec(name_or_path, overrides, option_type)


def add_plugins(paths: Iterable[Path]) -> tuple[PluginFile, ...]:
    """Load plug-in files; return those that hold parts of runs as they were read, for workers to load the same.

    A file may define tables (:class:`analysis.TableDefinition`) beside parts of runs, or instead of them.

    Raises:
        PluginError: if one cannot be loaded; see :func:`bench.plugins.add_plugin`.
    """
    plugins = tuple(map(read_plugin, paths))
    return tuple(plugin for plugin in plugins if not _holds_tables_alone(plugin))


def _holds_tables_alone(plugin: PluginFile) -> bool:
    """Add what a plug-in defines; return whether that is nothing but tables."""
    module = load_file(plugin)
    definitions = sys.modules.get("analysis.definitions")  # loaded by the file, if it defines any
    tables = definitions.add_tables(module, plugin.path) if definitions else ()
    if tables and not any(registry.defined_in(module) for registry in REGISTRIES):
        return True
    add_plugin(plugin)
    return False


def execution_of(
    store: Path,
    world: World,
    *,
    plugins: tuple[PluginFile, ...] = (),
    jobs: int = 1,
    threads: int | None = None,
    device: str = "auto",
    executor: Executor | None = None,
    gpus: str | None = None,
    per_gpu: int = 1,
    scheduler: str | None = None,
    slurm: str | Path | None = None,
    run_timeout: float | None = None,
    debug: bool = False,
    with_excerpts: bool = False,
) -> Execution:
    """Return how a grid is run, from what a user says; see ``Execution`` and ``choose_workers`` of :mod:`bench.grid`.

    Raises:
        SpecError: if arguments contradict each other.
    """
    from bench.config.slurm import load_slurm
    from bench.grid.driver.execution import Execution
    from bench.grid.executors.choice import choose_workers

    if debug and executor not in {None, "inline"}:
        raise SpecError(f"--debug runs in this process, so that errors can rise; leave --executor {executor} out")
    workers = choose_workers(
        "inline" if debug else executor,
        jobs=jobs,
        gpus=gpus,
        per_gpu=per_gpu,
        scheduler=scheduler,
        slurm=load_slurm(slurm) if slurm else None,
        needs_subprocess=run_timeout is not None,
    )
    return Execution(store, world, workers, device, plugins, threads, run_timeout, debug, with_excerpts)


def store_of(given: Path | None, spec: GridSpec) -> Path:
    """Return where the runs of a grid are kept, if nothing else is said."""
    return given or Path("results") / spec.name


def share(grid: Grid, text: str) -> Grid:
    """Return the share ``i/n`` of a grid's blocks.

    Raises:
        SpecError: if it does not read so, or there is nothing in it.
    """
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal()):
        raise SpecError(f"--shard {text!r} must read i/n, such as 1/8 for the first of eight shares")
    share_of_it = grid.shard(int(number), int(count))
    if not share_of_it.jobs:
        raise SpecError(
            f"shard {text} has no block to run: the grid has {len(grid.jobs)}; give at most that many shards"
        )
    return share_of_it


def pool_warnings(grid: Grid) -> list[str]:
    """Return a warning for each task whose limited pool saturates the positives ratio (SPEC, ``pool_limit``)."""
    from bench.grid.cost.rows import pool_counts

    limit, loop = grid.spec.pool.limit, grid.spec.loop
    if limit is None:
        return []
    wanted = loop.rounds * loop.batch // 2
    kept = {job.block.ratio: limit // job.block.ratio for job in grid.jobs if job.block.ratio != "natural"}
    said = {f"ratio {ratio}": count for ratio, count in sorted(kept.items())}
    for job in grid.jobs:
        if job.block.ratio == "natural":
            counts = pool_counts(job, grid.sizes[job.block.task.dataset])
            said[f"the natural ratio of {job.block.task}"] = counts.positives
    return [
        f"warning: pool.limit={limit} keeps {count} positives at {where}, fewer than half of the "
        f"{loop.rounds * loop.batch} rows that are selected: the positives ratio can saturate"
        for where, count in said.items()
        if count < wanted
    ]
