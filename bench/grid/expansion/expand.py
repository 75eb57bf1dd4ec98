"""A specification -> blocks and their runs; tasks that are infeasible are found before anything is run."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from bench.config.spec import GridSpec
from bench.data.corpus import ADD_FEATURES
from bench.data.labels import class_named
from bench.errors import InfeasibleTaskError, SpecError, UnknownNameError
from bench.grid.expansion.blocks import BlockJob, Grid, Skipped, counts_of_pool
from bench.grid.expansion.sizes import DatasetSizes, parse_task, sizes_of
from bench.grid.expansion.suited import learners_of, suited
from bench.grid.world import World
from bench.model.content import pinned
from bench.records import Block, RunSpec, Settings, Strategy, Task
from bench.tasks import check_feasible


def expand(spec: GridSpec, world: World, *, counted: bool = True) -> Grid:
    """Expand a specification.

    Args:
        spec: tasks, ratios, seeds, strategies and settings.
        world: where data is.
        counted: whether data and model must be available (to run), or known facts will do (to plan). Keys of runs are
            those in a store only if they are.

    Raises:
        SpecError: for unknown names and options. InfeasibleTaskError: if the specification refuses skipping.
        ModelError: if the model must be available and is not.
    """
    learners, judge = learners_of(spec)
    if counted and any("encoder" in part.reads for part in (*learners, *([judge] if judge else []))):
        spec = spec.model_copy(update={"model": pinned(spec.model, world.cache_dir)})
    suites, of_learners = suited(spec, learners, judge)
    unsuited = dict.fromkeys(of_learners)
    sizes: dict[str, DatasetSizes] = {}
    jobs: list[BlockJob] = []
    skipped: list[Skipped] = []
    for task in _tasks(spec, world, sizes, counted=counted):
        size = sizes[task.dataset]
        for suite, ratio, start, seed in itertools.product(suites, spec.ratios, spec.starts, spec.seeds):
            block = Block(task=task, ratio=ratio, seed=seed, start=start, learner=suite.learner, judge=suite.judge)
            own_suite = [(own, read) for own, read in suite.strategies if _suits(own, size, unsuited)]
            if not own_suite:
                continue
            runs = tuple(RunSpec(block=block, strategy=own, settings=read) for own, read in own_suite)
            job = BlockJob(block, runs, size.source, size.fingerprint)
            reason = _why_infeasible(block, size, spec)
            if reason is None:
                jobs.append(job)
            elif spec.infeasible == "refuse":
                raise InfeasibleTaskError(reason)
            else:
                skipped.append(Skipped(job, reason))
    return Grid(spec, sizes, tuple(jobs), tuple(skipped), tuple(unsuited))


def _suits(strategy: Strategy, size: DatasetSizes, unsuited: dict[str, None]) -> bool:
    """Return whether a dataset brings what a strategy needs of it; if not, say so in a line."""
    if "features" not in strategy.needs or size.has_features:
        return True
    unsuited[f"{strategy.algorithm.name} needs features, which {size.source} does not bring; {ADD_FEATURES}"] = None
    return False


def _tasks(spec: GridSpec, world: World, sizes: dict[str, DatasetSizes], *, counted: bool) -> Iterator[Task]:
    seen: set[Task] = set()
    for text in spec.tasks:
        source, positive = parse_task(text)
        name, size = sizes_of(source, world, counted=counted)
        if sizes.setdefault(name, size).source != source:
            raise SpecError(f"{sizes[name].source} and {source} are both called {name!r}; rename one of them")
        if positive is not None:
            known = class_named(positive, size.classes)
            if known is None:
                raise UnknownNameError(f"class of {name}", positive, size.classes)
            positive = known
        for rare in (positive,) if positive else size.tasks:
            task = Task(dataset=name, positive=rare)
            if task in seen:
                raise SpecError(f"task {task} is named twice in tasks: {', '.join(spec.tasks)}")
            seen.add(task)
            yield task


def _why_infeasible(block: Block, size: DatasetSizes, settings: Settings) -> str | None:
    counts = counts_of_pool(block, size, settings.pool.limit)
    try:
        check_feasible(counts, block.task, block.ratio, block.start, settings.loop)
    except InfeasibleTaskError as error:
        return str(error)
    return None
