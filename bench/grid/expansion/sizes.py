"""Rows per class of a dataset, counted in the data or taken from known facts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bench.data.catalogue import known_facts
from bench.data.check import estimated_tokens
from bench.data.sources import default_positives
from bench.errors import DataError
from bench.grid.world import World

_PATH = re.compile(r"(.*?\.ya?ml)(?:/(.*))?\Z", re.DOTALL)


@dataclass(frozen=True)
class DatasetSizes:
    """Rows per class of a dataset: counted where the data is available, from the known facts otherwise.

    Attributes:
        source: what the dataset is loaded by: its name, or the path of a user's YAML file.
        train, test: rows of each class; where rows have several labels, they add up to more than the rows.
        fingerprint: of the content; empty where only facts are known.
        origin: where the numbers come from, in words.
        rows: of the train and of the test split, where that is not the sum over classes.
        has_features: whether it brings vectors of the user's own.
    """

    source: str
    classes: tuple[str, ...]
    tasks: tuple[str, ...]
    train: tuple[int, ...]
    test: tuple[int, ...]
    mean_tokens: float
    fingerprint: str
    origin: str
    rows: tuple[int, int] | None = None
    has_features: bool = False

    @property
    def train_rows(self) -> int:
        """Rows of the train split."""
        return self.rows[0] if self.rows else sum(self.train)

    @property
    def test_rows(self) -> int:
        """Rows of the test split."""
        return self.rows[1] if self.rows else sum(self.test)


def parse_task(text: str) -> tuple[str, str | None]:
    """Split ``dataset/class`` (a class may hold slashes; a dataset may be a path that ends in .yaml)."""
    if path := _PATH.match(text):
        return path[1], path[2] or None
    dataset, _, positive = text.partition("/")
    return dataset, positive or None


def sizes_of(dataset: str, world: World, *, counted: bool) -> tuple[str, DatasetSizes]:
    """Return the name of a dataset and its sizes.

    Args:
        dataset: its name, or the path of a user's YAML file (which gives it a name).
        world: where to look for the data.
        counted: whether the data must be available; if not, known facts will do.

    Raises:
        DataError: if the data is needed and cannot be had.
    """
    facts = known_facts(dataset)
    try:
        corpus = world.corpus(dataset)
    except DataError:
        if counted or facts is None or not facts.classes:
            raise
        about = " (approximate)" if facts.rows_per_class_approximate else ""
        tasks = facts.paper_tasks or facts.classes
        origin = f"known facts of the canonical dataset{about}; the data is not available"
        counts = facts.train_rows_per_class, facts.test_rows_per_class
        return dataset, DatasetSizes(dataset, facts.classes, tasks, *counts, facts.mean_tokens, "", origin)
    classes = corpus.label_names
    train, test = corpus.rows_per_class(corpus.train), corpus.rows_per_class(corpus.test)
    rows = (len(corpus.train), len(corpus.test)) if corpus.label_sets else None
    tasks = default_positives(dataset, corpus)
    tokens = facts.mean_tokens if facts and facts.mean_tokens else _mean_tokens(dataset, corpus.fingerprint, world)
    origin = f"counted in {corpus.source}"
    return corpus.name, DatasetSizes(
        dataset, classes, tasks, train, test, tokens, corpus.fingerprint, origin, rows, corpus.features is not None
    )


@lru_cache(maxsize=16)
def _mean_tokens(dataset: str, _fingerprint: str, world: World) -> float:
    """Guess tokens a text from a sample of the dataset of that fingerprint."""
    return float(np.mean(estimated_tokens(world.corpus(dataset).train.texts.slice(0, 1000).to_pylist())))
