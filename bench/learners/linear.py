"""Logistic regression on features that stay the same from round to round: the model of ``probe`` and ``tfidf``.

A pass is one product of the features with a vector. The features of a pool are gathered once; blocks that follow on the
same pool, as those of other seeds do, find them there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.arrays import IntArray
from bench.learners.base import MadeWith, Material, Model, Scores, Which
from bench.seeds import Streams

HEAD_DEVIATION = 0.02
"""Of the weights of an untrained head, as in BERT's initialisation."""
TOLERANCE = 1e-6
MAX_ITERATIONS = 1000


@dataclass(frozen=True)
class Source:
    """Features of rows of a split, all of them or those that matter.

    Attributes:
        name: of their content. rows: (n,) row numbers of the split, ascending.
        values: (n, d) float32, dense and memory-mapped, or a sparse matrix in CSR form.
        unit: whether rows are to be scaled to unit length when they are taken; of dense ones.
    """

    name: str
    rows: IntArray = field(compare=False, repr=False)
    values: Any = field(compare=False, repr=False)
    unit: bool = False

    def of(self, rows: IntArray) -> Any:
        """Return the values of some rows, a copy."""
        return self.values[np.searchsorted(self.rows, rows)]


@dataclass(frozen=True)
class Features:
    """Features of some rows of a split: (n,) row numbers, ascending, and (n, d) values."""

    rows: IntArray
    values: Any

    def at(self, rows: IntArray) -> IntArray:
        """Return where rows stand among these."""
        return np.searchsorted(self.rows, rows)


@dataclass(frozen=True)
class _Taken:
    source: Source
    digest: str
    rows: IntArray = field(compare=False)


def take(source: Source, rows: IntArray) -> Features:
    """Return the features of some rows, ascending; of the last ones taken, without taking them again."""
    return _take(_Taken(source, hashlib.sha256(np.ascontiguousarray(rows, dtype="<i8").tobytes()).hexdigest(), rows))


@lru_cache(maxsize=2)  # a pool and a test set: on a large dataset each may take a GB
def _take(taken: _Taken) -> Features:
    values = taken.source.of(taken.rows)
    if taken.source.unit:
        norms = np.linalg.norm(values, axis=1, keepdims=True)
        np.divide(values, norms, out=values, where=norms > 0)
    return Features(taken.rows, values)


class LinearModel(Model):
    """p(x) = 1 / (1 + exp(-(w . x + b))), by L2-regularised logistic regression; the bias is not regularised.

    Where only one class is labelled there is nothing to tell apart, and no finite bias is best. The model is then the
    constant p = (n_pos + 1) / (n + 2) (Laplace's rule of succession): to what looks at p all rows are equal and ties
    go by priority, that is, at random; ROC-AUC is 0.5. Fine-tuning gives nearly the same number for all rows there,
    too, in an order that its untrained head decides.
    """

    def __init__(self, material: Material, train: Source, test: Source, C: float, made_with: MadeWith) -> None:
        self.features: dict[Which, Features] = {
            "train": take(train, material.pool_rows),
            "test": take(test, material.test_rows),
        }
        self._inverse_strength, self.made_with = C, made_with
        self._weights, self._bias = np.zeros(train.values.shape[1]), 0.0

    def fit(self, rows: IntArray, labels: IntArray, streams: Streams) -> None:
        """Fit on labelled rows; the order of rows is irrelevant, to the last bit."""
        if len(rows):
            self._weights, self._bias = self._fitted(rows, labels)
        else:
            size = len(self._weights)
            self._weights, self._bias = streams.generator("head").normal(0.0, HEAD_DEVIATION, size), 0.0

    def _fitted(self, rows: IntArray, labels: IntArray) -> tuple[npt.NDArray[np.float64], float]:
        features = self.features["train"]
        distinct, first, counts = np.unique(rows, return_index=True, return_counts=True)
        y = labels[first]
        if y.min() == y.max():
            n, n_pos = len(rows), int(labels.sum())
            return np.zeros(len(self._weights)), float(np.log((n_pos + 1) / (n - n_pos + 1)))
        return logistic_regression(features.values[features.at(distinct)], y, counts, self._inverse_strength)

    def score(self, which: Which, rows: IntArray, *, embeddings: bool = False) -> Scores:
        """Apply the model to all features at once and take these rows; h(x) is the features."""
        from scipy.special import expit

        features = self.features[which]
        at = features.at(rows)
        logits = features.values @ self._weights.astype(np.float32)
        p = expit(logits.astype(np.float64) + self._bias)[at]
        if not embeddings:
            return Scores(p)
        import torch

        return Scores(p, torch.from_numpy(features.values[at]))


def logistic_regression(X: Any, y: IntArray, counts: IntArray, C: float) -> tuple[npt.NDArray[np.float64], float]:
    """Return weights (d,) and bias that minimise |w|^2 / 2 + C * (sum over rows of count * log loss).

    Args:
        X: (n, d) dense or sparse. Of a sparse one only columns with a value are looked at: the weights of others are 0.
        y: (n,) 0 or 1, both there.
        counts: (n,) how often each row counts.
        C: inverse strength of the regularisation.
    """
    from scipy.sparse import issparse
    from sklearn.linear_model import LogisticRegression

    sparse: bool = issparse(X)
    columns = np.unique(X.indices) if sparse else slice(None)
    model = LogisticRegression(C=C, solver="lbfgs", tol=TOLERANCE, max_iter=MAX_ITERATIONS)
    model.fit(X[:, columns].astype(np.float64), y, sample_weight=counts.astype(np.float64))
    weights = np.zeros(X.shape[1])
    weights[columns] = model.coef_[0]
    return weights, float(model.intercept_[0])
