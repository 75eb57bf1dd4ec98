"""What is to be known of a dataset before it is experimented with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bench.data.check import DataCheck, Lengths, check, estimated_tokens, lengths
from bench.data.corpus import Corpus
from bench.data.facts import DATASETS
from bench.errors import BenchError, InfeasibleTaskError
from bench.grid.expansion.blocks import Grid
from bench.grid.expansion.sizes import parse_task
from bench.grid.world import World
from bench.records import NATURAL, LoopSettings, ModelSettings, Ratio, Task
from bench.tasks import check_feasible, count_pool

RATIOS: tuple[Ratio, ...] = (NATURAL, 2, 10, 20, 50, 100, 200, 1000)
"""The ratios of the paper, and the data's own."""
MOST_SAID = 3


@dataclass(frozen=True)
class Feasible:
    """A class as a task: its share of the training rows, and the positives that each possible ratio leaves.

    Attributes:
        natural: 1 / natural is its share of the rows.
        positives: ratio -> positives in the pool, of those ratios that leave enough to start from and to find.
    """

    positive: str
    natural: float
    positives: dict[str, int]


@dataclass(frozen=True)
class CheckedData:
    """What was found in a dataset, and which of its tasks are possible."""

    found: DataCheck
    tasks: tuple[Feasible, ...]


def check_data(
    dataset: str, world: World, *, model: str = "offline", max_length: int = 128, loop: LoopSettings | None = None
) -> CheckedData:
    """Check a dataset.

    Args:
        dataset: its name, or the path of a user's YAML file.
        world: where it is.
        model: whose tokenizer texts are held against.
        max_length: tokens of a text that are read.
        loop: what a task must leave room for.

    Raises:
        DataError: if it cannot be read, with what is to be done.
    """
    source, _ = parse_task(dataset)
    corpus = world.corpus(source)
    found = check(corpus, lengths=lengths_for(corpus, ModelSettings(name=model, max_length=max_length)))
    return CheckedData(found, tuple(_tasks(corpus, loop or LoopSettings())))


def _tasks(corpus: Corpus, loop: LoopSettings) -> Iterable[Feasible]:
    rows = len(corpus.train)
    for name, count in zip(corpus.label_names, corpus.rows_per_class(corpus.train), strict=True):
        possible: dict[str, int] = {}
        for ratio in RATIOS:
            pool = count_pool(count, rows - count, ratio, None)
            try:
                check_feasible(pool, Task(dataset=corpus.name, positive=name), ratio, "warm", loop)
            except InfeasibleTaskError:
                continue
            possible[str(ratio)] = pool.positives
        yield Feasible(name, rows / count if count else float("inf"), possible)


def lengths_for(corpus: Corpus, model: ModelSettings) -> Lengths:
    """Return the lengths of texts by a model's own tokenizer where that is available, else an estimate."""
    counter, how = _tokenizer_of(model)
    return lengths(corpus, model.max_length, counter, how)


def _tokenizer_of(model: ModelSettings) -> tuple[Callable[[Sequence[str]], list[int]], str]:
    from bench.model.checkpoint import load_tokenizer, resolve

    try:
        tokenizer = load_tokenizer(resolve(model.name, model.revision))
    except BenchError:
        return estimated_tokens, f"estimated: {model.name} is not available"

    def count(texts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in tokenizer(list(texts), truncation=False, verbose=False)["input_ids"]]

    return count, f"tokenizer of {model.name}"


def data_warnings(grid: Grid, world: World) -> list[str]:
    """Return a line for each dataset of a grid in which something may mislead; the paper's own are not looked at."""
    found = []
    for name, size in grid.sizes.items():
        if size.fingerprint and name not in DATASETS:
            said = _findings(size.source, size.fingerprint, world)
            if said:
                more = f"; and {len(said) - MOST_SAID} more" if len(said) > MOST_SAID else ""
                found.append(
                    f"warning: {name}: {'; '.join(said[:MOST_SAID])}{more} (see imbal-bench data check {size.source})"
                )
    return found


@lru_cache(maxsize=16)
def _findings(source: str, _fingerprint: str, world: World) -> tuple[str, ...]:
    return check(world.corpus(source)).findings
