"""Query strategies of small-text that need no more than probabilities and embeddings: ``small-text:GreedyCoreset``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from inspect import isabstract, isclass
from typing import Any

import numpy as np

from bench.arrays import FloatArray, IntArray
from bench.errors import PluginError, UnknownNameError
from bench.registry import Family
from bench.strategies.adapted import Adapted, adapted, as_matrix, lacking, required, two_columns
from bench.strategies.base import Algorithm
from bench.strategies.view import Need, PoolView

PREFIX, LIBRARY = "small-text", "small-text"
CLASSES = 2


@dataclass(frozen=True)
class RowsOfView:
    """What small-text takes for a dataset: row numbers, the labelled rows first."""

    numbers: IntArray

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: Any) -> RowsOfView:
        return RowsOfView(np.atleast_1d(self.numbers[rows]))


@dataclass(frozen=True)
class ModelOfView:
    """What small-text takes for a classifier: it says what the view shows.

    Attributes:
        p: (m + n,) probabilities, the labelled rows first. embeddings: (m + n, d), or None.
    """

    p: FloatArray | None
    embeddings: FloatArray | None
    num_classes: int = CLASSES

    def predict_proba(self, rows: RowsOfView) -> FloatArray:
        """Return (r, 2) probabilities."""
        assert self.p is not None  # noqa: S101 - declared as needed, see find
        return two_columns(self.p[rows.numbers])

    def embed(self, rows: RowsOfView, *, return_proba: bool = False, **_: Any) -> Any:
        """Return (r, d) embeddings, with probabilities if asked for."""
        assert self.embeddings is not None  # noqa: S101
        found = self.embeddings[rows.numbers]
        return (found, self.predict_proba(rows)) if return_proba else found


class SmallText(Adapted):
    """Asks a strategy of small-text."""

    def ask(self, view: PoolView, k: int, seed: int) -> Any:
        """Return the row numbers that the original selects."""
        m, everything = len(view.labels), np.arange(len(view.labels) + view.size)
        embeddings = None
        if "embeddings" in self.needs:
            embeddings = np.concatenate([as_matrix(view.labelled_embeddings), as_matrix(view.embeddings)])
        p = np.concatenate([view.labelled_probabilities, view.probabilities]) if self.needs else None
        options = asdict(self)
        if "num_classes" in required(self.original):
            options["num_classes"] = CLASSES
        with _reproducible(seed):
            picks = self.original(**options).query(
                ModelOfView(p, embeddings), RowsOfView(everything), everything[m:], everything[:m], view.labels, n=k
            )
        return np.asarray(picks) - m


@contextmanager
def _reproducible(seed: int) -> Iterator[None]:
    """Seed generators that are made without a seed: some of its strategies make one in each query."""
    plain: Any = np.random.RandomState

    class Seeded(plain):  # type: ignore[misc]
        """As NumPy's, but never from the system's entropy."""

        def __init__(self, given: Any = None) -> None:
            super().__init__(seed if given is None else given)

    np.random.RandomState = Seeded  # type: ignore[assignment,misc]
    try:
        yield
    finally:
        np.random.RandomState = plain  # type: ignore[misc]


def _strategies() -> dict[str, type]:
    """Return the library's strategies by name, those of its integration with torch too, where that loads."""
    import small_text.query_strategies as library

    found = {name: cls for name, cls in vars(library).items() if isclass(cls)}
    try:
        import small_text.integrations.pytorch.query_strategies as of_torch
    except ImportError:
        return _concrete(found, library.QueryStrategy)
    return _concrete(found | {name: cls for name, cls in vars(of_torch).items() if isclass(cls)}, library.QueryStrategy)


def _concrete(found: dict[str, type], base: type) -> dict[str, type]:
    return {
        name: cls for name, cls in found.items() if issubclass(cls, base) and not isabstract(cls) and cls is not base
    }


@lru_cache(maxsize=64)
def find(name: str) -> type[Algorithm]:
    """Return the class of a strategy.

    Raises:
        PluginError: if the library is not installed, or the strategy needs more than probabilities and embeddings.
        UnknownNameError: if it has none of that name.
    """
    try:
        strategies = _strategies()
        from small_text.query_strategies import EmbeddingBasedQueryStrategy
    except ImportError as error:
        raise lacking(PREFIX, LIBRARY, error) from error
    if name not in strategies:
        raise UnknownNameError(f"query strategy of {LIBRARY}", name, strategies)
    original = strategies[name]
    of_embeddings = issubclass(original, EmbeddingBasedQueryStrategy)
    if name not in OF_PREDICTIONS and not of_embeddings:
        raise PluginError(f"{PREFIX}:{name} needs more than probabilities and embeddings, and cannot be run here")
    if lacks := required(original) - {"num_classes"}:
        raise PluginError(f"{PREFIX}:{name} needs {', '.join(sorted(lacks))}, and cannot be run here")
    of_predictions: frozenset[Need] = frozenset() if name == "RandomSampling" else frozenset({"probabilities"})
    needs = frozenset[Need]({"probabilities", "embeddings"}) if of_embeddings else of_predictions
    return adapted(SmallText, PREFIX, LIBRARY, original, needs=needs, open_points="")


OF_PREDICTIONS = {"RandomSampling", "LeastConfidence", "PredictionEntropy", "BreakingTies"}
FAMILY = Family(Algorithm, PREFIX, find)
