"""Pool-based query strategies of scikit-activeml, by name: ``skactiveml:TypiClust``.

A strategy is handed the model's predictions by a classifier that is never fitted and answers from the view. Those that
must fit a classifier in the query itself are given one of the library's, on the embeddings.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from inspect import isclass, signature
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.arrays import FloatArray
from bench.errors import PluginError, RunError, UnknownNameError
from bench.registry import Family
from bench.strategies.adapted import Adapted, adapted, as_matrix, lacking, required, two_columns
from bench.strategies.base import Algorithm
from bench.strategies.view import Need, PoolView

PREFIX, LIBRARY = "skactiveml", "scikit-activeml"
FITTED = {
    **dict.fromkeys(
        ("ProbabilisticAL", "EpistemicUncertaintySampling", "ExpectedErrorReduction", "MonteCarloEER"),
        "ParzenWindowClassifier",
    ),
    "ValueOfInformationEER": "ParzenWindowClassifier",
    "DiscriminativeAL": "ParzenWindowClassifier",
    "DropQuery": "ParzenWindowClassifier",
    "FourDs": "MixtureModelClassifier",
}
"""Strategies that fit a classifier in the query, or ask it about made-up rows, and the one they are given."""
OF_PREDICTIONS = {"RandomSampling", "UncertaintySampling", "QueryByCommittee", "BatchBALD", "GreedyBALD"}
"""Strategies to which it does not matter where a row lies: they need no embeddings."""
COMMITTEES = {"QueryByCommittee", "BatchBALD", "GreedyBALD"}


class Skactiveml(Adapted):
    """Asks a strategy of scikit-activeml."""

    def ask(self, view: PoolView, k: int, seed: int) -> Any:
        """Return the row numbers that the original selects, in its order."""
        name, m = self.original.__name__, len(view.labels)
        X = np.arange(m + view.size, dtype=np.float64)[:, None] if name in OF_PREDICTIONS else _rows_of(view)
        y = np.concatenate([view.labels.astype(np.float64), np.full(view.size, np.nan)])
        options = asdict(self)
        if "classes" in signature(self.original).parameters:
            options["classes"] = [0, 1]
        original = self.original(random_state=seed, **options)
        query = signature(original.query).parameters
        given = self._models(view, X, name, query)
        picks = original.query(X=X, y=y, candidates=np.arange(m, m + view.size), batch_size=k, **given)
        return np.asarray(picks) - m

    def _models(self, view: PoolView, X: FloatArray, name: str, query: Any) -> dict[str, Any]:
        """Return what the original predicts by."""
        if name in FITTED:
            part = "discriminator" if "discriminator" in query else "clf"
            return {part: _fitted(FITTED[name]), **({"fit_clf": True} if "fit_clf" in query else {})}
        if name in COMMITTEES:
            members = [_frozen(X, np.concatenate([np.full(len(view.labels), 0.5), p])) for p in view.ensemble]
            return {"ensemble": members, "fit_ensemble": False}
        for part in ("clf", "estimator"):
            if part in query:
                p = np.concatenate([view.labelled_probabilities, view.probabilities])
                return {part: _frozen(X, p), f"fit_{part}": False}
        return {}


def _rows_of(view: PoolView) -> FloatArray:
    return np.concatenate([as_matrix(view.labelled_embeddings), as_matrix(view.embeddings)])


def _fitted(kind: str) -> Any:
    import skactiveml.classifier as library

    return getattr(library, kind)(classes=[0, 1], random_state=0)


def _frozen(X: FloatArray, p: FloatArray) -> Any:
    """Return a classifier of scikit-activeml that says p of the rows of X, and can say nothing of others."""
    from skactiveml.utils import ExtLabelEncoder

    model = _classifier()(classes=[0, 1])
    model.known_ = _known(X, p)
    model.classes_, model.cost_matrix_ = np.array([0, 1]), 1 - np.eye(2)
    model._le = ExtLabelEncoder(classes=[0, 1], missing_label=np.nan).fit([0, 1])  # noqa: SLF001 - what a fit sets
    model.n_features_in_ = X.shape[1]
    return model


def _known(X: FloatArray, p: FloatArray) -> dict[bytes, float]:
    """Return row, as bytes -> p; of equal rows their mean, so that it does not matter which comes last."""
    said: dict[bytes, list[float]] = {}
    for row, chance in zip(X, p.tolist(), strict=True):
        said.setdefault(row.tobytes(), []).append(chance)
    return {row: float(np.mean(sorted(chances))) for row, chances in said.items()}


@lru_cache(1)
def _classifier() -> type:
    from skactiveml.base import SkactivemlClassifier

    class Frozen(SkactivemlClassifier):  # type: ignore[misc]  # the library has no types
        """Says what it was told."""

        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Frozen:  # noqa: ARG002 - the library's signature
            """Return it as it is: what it says is M_{t-1}'s."""
            return self

        def predict_proba(self, X: Any, **_: Any) -> FloatArray:
            """Return (n, 2) probabilities of rows of the pool or of the labelled ones."""
            rows = np.ascontiguousarray(X, dtype=np.float64)
            try:
                p: npt.NDArray[np.float64] = np.array([self.known_[row.tobytes()] for row in rows])
            except KeyError:
                raise RunError("it asks for predictions of rows that are not of the pool") from None
            return two_columns(p)

    return Frozen


def _needs(original: type, query: Any) -> frozenset[Need]:
    name = original.__name__
    needs: set[Need] = set()
    if name not in OF_PREDICTIONS:
        needs.add("embeddings")
    if name in COMMITTEES:
        needs.add("ensemble")
    elif name not in FITTED and {"clf", "estimator"} & set(query):
        needs.add("probabilities")
    return frozenset(needs)


@lru_cache(maxsize=64)
def find(name: str) -> type[Algorithm]:
    """Return the class of a strategy.

    Raises:
        PluginError: if the library is not installed, or the strategy is none for classifying a pool.
        UnknownNameError: if it has none of that name.
    """
    try:
        import skactiveml.classifier  # noqa: F401 - now, and not within a query
        import skactiveml.pool as library
    except ImportError as error:
        raise lacking(PREFIX, LIBRARY, error) from error
    strategies = {it: cls for it in library.__all__ if isclass(cls := getattr(library, it)) and hasattr(cls, "query")}
    if name not in strategies:
        raise UnknownNameError(f"query strategy of {LIBRARY}", name, strategies)
    original = strategies[name]
    query = signature(original.query).parameters
    if "reg" in query or "query_strategy" in signature(original).parameters:
        what = "is for regression" if "reg" in query else "wraps another strategy"
        raise PluginError(f"{PREFIX}:{name} {what}, and cannot be run here; name one that selects rows to classify")
    if lacks := required(original) - {"classes"}:
        raise PluginError(f"{PREFIX}:{name} needs {', '.join(sorted(lacks))}, and cannot be run here")
    fitted = f"the classifier fitted within a query is the library's {FITTED[name]}" if name in FITTED else ""
    return adapted(Skactiveml, PREFIX, LIBRARY, original, needs=_needs(original, query), open_points=fitted)


FAMILY = Family(Algorithm, PREFIX, find)
