"""A specification -> blocks and their runs, with infeasible tasks told apart before anything is run."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from bench.config.spec import GridSpec
from bench.data.facts import DATASETS
from bench.data.sources import default_positives
from bench.errors import DataError, InfeasibleTaskError, SpecError, UnknownNameError
from bench.grid.pairs import spelt
from bench.grid.pairs import strategy as strategy_of
from bench.grid.world import World
from bench.learners.base import Learner
from bench.learners.catalogue import component as describe
from bench.learners.catalogue import learner, not_offered
from bench.model.content import pinned
from bench.paths import file_name
from bench.records import Block, Component, RunSpec, Settings, Strategy, Task, combined
from bench.strategies.base import ALGORITHMS, WEIGHTINGS
from bench.strategies.catalogue import component
from bench.tasks import check_feasible, count_pool

FEW_REASONS = 3


@dataclass(frozen=True)
class DatasetSizes:
    """Rows per class of a dataset: counted where the data is at hand, from the known facts otherwise.

    Attributes:
        source: what the dataset is loaded by: its name, or the path of a user's YAML file.
        fingerprint: of the content; empty where only facts are at hand.
        origin: where the numbers come from, in words.
    """

    source: str
    classes: tuple[str, ...]
    tasks: tuple[str, ...]
    train: tuple[int, ...]
    test: tuple[int, ...]
    mean_tokens: float
    fingerprint: str
    origin: str


@dataclass(frozen=True)
class BlockJob:
    """A block with its runs: the unit of work. ``source`` is what its dataset is loaded by."""

    block: Block
    runs: tuple[RunSpec, ...]
    source: str
    fingerprint: str

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The names of its runs in a store."""
        return tuple(run.key(self.fingerprint) for run in self.runs)

    @cached_property
    def settings(self) -> Settings:
        """What its runs read, all together; a run's own settings hold what it reads itself."""
        return combined(self.runs)

    @property
    def name(self) -> str:
        """A file name for the block's lock."""
        return file_name(f"{self.block}-{self.fingerprint[:8]}")


@dataclass(frozen=True)
class Skipped:
    """A block that cannot be run, and why."""

    job: BlockJob
    reason: str


@dataclass(frozen=True)
class Grid:
    """An expanded specification."""

    spec: GridSpec
    sizes: dict[str, DatasetSizes]
    jobs: tuple[BlockJob, ...]
    skipped: tuple[Skipped, ...]
    unsuited: tuple[str, ...] = ()
    """A line for each strategy that is left out with a learner, which lacks what it needs."""

    @property
    def runs(self) -> int:
        """Number of runs, infeasible ones left out."""
        return sum(len(job.runs) for job in self.jobs)

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        """What is run, with one learner or another."""
        one_of_each = {job.block.learner.spelt: job for job in self.jobs}.values()
        found = {repr(run.strategy): run.strategy for job in one_of_each for run in job.runs}
        return tuple(found.values())

    def refuse_if_empty(self) -> None:
        """Make sure that something of the grid can be run.

        Raises:
            InfeasibleTaskError: if nothing can; it says what limits the tasks.
        """
        if not self.jobs:
            reasons = [*self.unsuited, *sorted({it.reason for it in self.skipped})]
            more = f"; and {len(reasons) - FEW_REASONS} more of the kind" if len(reasons) > FEW_REASONS else ""
            raise InfeasibleTaskError(f"nothing of this grid can be run: {'; '.join(reasons[:FEW_REASONS])}{more}")

    def running(self, strategies: Iterable[Strategy], seeds: Collection[int]) -> Grid:
        """Return the blocks of some seeds with runs of these strategies instead.

        Raises:
            SpecError: if a strategy needs what a learner of the grid does not offer.
        """
        chosen = tuple(strategies)
        for text, one in itertools.product(self.spec.learners, chosen):
            if why := why_unsuited(one, learner(text)):
                raise SpecError(f"{why}; name another learner or strategy")

        def job_of(job: BlockJob) -> BlockJob:
            runs = (RunSpec(block=job.block, strategy=one, settings=self.spec.settings) for one in chosen)
            return replace(job, runs=tuple(runs))

        return replace(
            self,
            jobs=tuple(job_of(job) for job in self.jobs if job.block.seed in seeds),
            skipped=tuple(replace(it, job=job_of(it.job)) for it in self.skipped if it.job.block.seed in seeds),
        )

    def shard(self, number: int, count: int) -> Grid:
        """Return every ``count``-th block from block ``number`` on (from 1): a share for one job of an array.

        The shards of a grid have no block in common and make it up; each is a mixture of tasks, ratios and seeds. Those
        that have a block to run share the infeasible blocks too, since the others are not started.

        Raises:
            SpecError: if there is no such shard.
        """
        if not 1 <= number <= count:
            raise SpecError(f"there is no shard {number}/{count}; give one of 1/{count} to {count}/{count}")
        started = min(count, len(self.jobs))
        skipped = self.skipped[number - 1 :: started] if number <= started else ()
        return replace(self, jobs=self.jobs[number - 1 :: count], skipped=skipped)


def parse_task(text: str) -> tuple[str, str | None]:
    """Split ``dataset/class`` (a class may hold slashes; a dataset may be a path that ends in .yaml)."""
    for suffix in (".yaml", ".yml"):
        head, found, tail = text.partition(suffix)
        if found and (not tail or tail.startswith("/")):
            return head + suffix, tail[1:] or None
    dataset, _, positive = text.partition("/")
    return dataset, positive or None


def sizes_of(dataset: str, world: World, *, counted: bool) -> tuple[str, DatasetSizes]:
    """Return the name of a dataset and its sizes.

    Args:
        dataset: its name, or the path of a user's YAML file (which gives it a name).
        world: where to look for the data.
        counted: whether the data must be at hand; if not, known facts will do.

    Raises:
        DataError: if the data is needed and cannot be had.
    """
    facts = DATASETS.get(dataset)
    try:
        corpus = world.corpus(dataset)
    except DataError:
        if counted or facts is None:
            raise
        about = " (approximate)" if facts.rows_per_class_approximate else ""
        tasks = facts.paper_tasks or facts.classes
        origin = f"known facts of the canonical dataset{about}; the data is not at hand"
        rows = facts.train_rows_per_class, facts.test_rows_per_class
        return dataset, DatasetSizes(dataset, facts.classes, tasks, *rows, facts.mean_tokens, "", origin)
    classes = corpus.label_names
    train = tuple(np.bincount(corpus.train.labels, minlength=len(classes)).tolist())
    test = tuple(np.bincount(corpus.test.labels, minlength=len(classes)).tolist())
    tasks = default_positives(dataset, corpus)
    tokens = facts.mean_tokens if facts and facts.mean_tokens else _mean_tokens(dataset, world)
    origin = f"counted in {corpus.source}"
    return corpus.name, DatasetSizes(dataset, classes, tasks, train, test, tokens, corpus.fingerprint, origin)


@lru_cache(maxsize=16)
def _mean_tokens(dataset: str, world: World) -> float:
    """Guess tokens a text from a sample: 1.3 word pieces a word and two special tokens."""
    texts = world.corpus(dataset).train.texts.slice(0, 1000).to_pylist()
    return float(np.mean([1.3 * len(text.split()) + 2 for text in texts]))


def expand(spec: GridSpec, world: World, *, counted: bool = True) -> Grid:
    """Expand a specification.

    Args:
        spec: what is asked for.
        world: where data is.
        counted: whether data and model must be at hand (to run), or known facts will do (to plan). Keys of runs are
            those of what is stored only if they are.

    Raises:
        SpecError: for unknown names and options. InfeasibleTaskError: if the specification refuses skipping.
        ModelError: if the model must be at hand and is not.
    """
    learners, judge = learners_of(spec)
    if counted and any("encoder" in part.reads for part in (*learners, *([judge] if judge else []))):
        spec = spec.model_copy(update={"model": pinned(spec.model, world.cache_dir)})
    arms, unsuited = _arms(spec, learners, judge)
    sizes: dict[str, DatasetSizes] = {}
    jobs: list[BlockJob] = []
    skipped: list[Skipped] = []
    for task in _tasks(spec, world, sizes, counted=counted):
        size = sizes[task.dataset]
        for arm, ratio, start, seed in itertools.product(arms, spec.ratios, spec.starts, spec.seeds):
            block = Block(task=task, ratio=ratio, seed=seed, start=start, learner=arm.learner, judge=arm.judge)
            runs = tuple(RunSpec(block=block, strategy=own, settings=read) for own, read in arm.strategies)
            job = BlockJob(block, runs, size.source, size.fingerprint)
            reason = _infeasible(job, size, spec)
            if reason is None:
                jobs.append(job)
            elif spec.infeasible == "refuse":
                raise InfeasibleTaskError(reason)
            else:
                skipped.append(Skipped(job, reason))
    return Grid(spec, sizes, tuple(jobs), tuple(skipped), unsuited)


def learners_of(spec: GridSpec) -> tuple[list[Learner], Learner | None]:
    """Return the learners of a grid, and its judge.

    Raises:
        SpecError: if there is none of that name or option, one is named twice, or the judge is one of the learners.
    """
    found = [learner(text) for text in spec.learners]
    judge = None if spec.judge is None else learner(spec.judge)
    twice = [one for one, times in Counter(found).items() if times > 1]
    if twice:
        raise SpecError(f"learners names {describe(twice[0]).spelt!r} twice")
    if judge in found:
        raise SpecError(
            f"judge {spec.judge!r} is also one of the learners; it is to judge what was selected with another: name "
            "another, or leave judge out"
        )
    return found, judge


def why_unsuited(strategy: Strategy, part: Learner) -> str:
    """Return why a strategy cannot be run with a learner; empty if it can."""
    for one in (strategy.algorithm, strategy.weighting):
        if lacks := not_offered(part, one.needs):
            return f"{one.name} needs {', '.join(lacks)}, which learner {describe(part).spelt} does not offer"
    return ""


def components_of(spec: GridSpec) -> tuple[Component, ...]:
    """Return the learners of a grid, and its judge, as they are recorded."""
    learners, judge = learners_of(spec)
    return tuple(describe(part) for part in (*learners, *([judge] if judge else [])))


@dataclass(frozen=True)
class _Arm:
    """A learner with what it can run: strategies and the settings that they read."""

    learner: Component
    judge: Component | None
    strategies: tuple[tuple[Strategy, Settings], ...]


def _arms(spec: GridSpec, learners: list[Learner], judge: Learner | None) -> tuple[list[_Arm], tuple[str, ...]]:
    """Return the learners with their strategies, and a line for each strategy that one cannot run."""
    strategies, arms, lines = list(_strategies(spec)), [], []
    for one in learners:
        own, its_judge, can = describe(one), describe(judge) if judge else None, []
        reads = {*own.needs, *(its_judge.needs if its_judge else ())}
        for strategy in strategies:
            if why := why_unsuited(strategy, one):
                lines += [] if why in lines else [why]
            else:
                can.append((strategy, spec.settings.read_with({*strategy.needs, *reads})))
        arms += [_Arm(own, its_judge, tuple(can))] if can else []
    return arms, tuple(lines)


def _tasks(spec: GridSpec, world: World, sizes: dict[str, DatasetSizes], *, counted: bool) -> Iterator[Task]:
    seen: set[Task] = set()
    for text in spec.tasks:
        source, positive = parse_task(text)
        name, size = sizes_of(source, world, counted=counted)
        if sizes.setdefault(name, size).source != source:
            raise SpecError(f"{sizes[name].source} and {source} are both called {name!r}; rename one of them")
        if positive is not None and positive not in size.classes:
            raise UnknownNameError(f"class of {name}", positive, size.classes)
        for rare in (positive,) if positive else size.tasks:
            task = Task(dataset=name, positive=rare)
            if task in seen:
                raise SpecError(f"task {task} is named twice in tasks: {', '.join(spec.tasks)}")
            seen.add(task)
            yield task


def _strategies(spec: GridSpec) -> Iterable[Strategy]:
    return _product(spec) if not spec.strategies else _pairs(spec)


def _pairs(spec: GridSpec) -> list[Strategy]:
    """Return the strategies that a specification names whole."""
    if spec.options:
        raise SpecError(
            "options belong to algorithms and weightings; write those of strategies as badge+invprop:bins=5"
        )
    found: list[Strategy] = []
    for text in spec.strategies:
        one = strategy_of(text)
        if one in found:
            raise SpecError(f"strategy {spelt(one)} is named twice in strategies: {', '.join(spec.strategies)}")
        found.append(one)
    return found


def _product(spec: GridSpec) -> Iterator[Strategy]:
    algorithms, weightings = _named(spec.algorithms, ALGORITHMS), _named(spec.weightings, WEIGHTINGS)
    unused = set(spec.options) - set(algorithms) - set(weightings)
    if unused:
        raise UnknownNameError("algorithm or weighting in options", min(unused), (*algorithms, *weightings))
    for algorithm, weighting in itertools.product(algorithms, weightings):
        for a_options, w_options in itertools.product(_option_sets(spec, algorithm), _option_sets(spec, weighting)):
            yield Strategy(
                algorithm=component(ALGORITHMS, algorithm, a_options),
                weighting=component(WEIGHTINGS, weighting, w_options),
            )


def _named(names: tuple[str, ...], registry: Iterable[str]) -> tuple[str, ...]:
    """Return the names, or all there are, plug-ins too, for ``all``."""
    return tuple(registry) if names == ("all",) else names


def _option_sets(spec: GridSpec, name: str) -> Iterator[dict[str, bool | int | float | str]]:
    values = spec.options.get(name, {})
    for combination in itertools.product(*values.values()):
        yield dict(zip(values, combination, strict=True))


def _infeasible(job: BlockJob, size: DatasetSizes, settings: Settings) -> str | None:
    block = job.block
    positives = size.train[size.classes.index(block.task.positive)]
    counts = count_pool(positives, sum(size.train) - positives, block.ratio, settings.pool.limit)
    try:
        check_feasible(counts, block.task, block.ratio, block.start, settings.loop)
    except InfeasibleTaskError as error:
        return str(error)
    return None
