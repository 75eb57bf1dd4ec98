"""A round on arrays: what a strategy selects of a pool whose loop is somebody else's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.arrays import FloatArray, IntArray
from bench.errors import SpecError
from bench.strategies.base import Algorithm, Stateful, Weighting
from bench.strategies.lent import lent, unchanged
from bench.strategies.strategy import choose, needs_of
from bench.strategies.view import Need, PoolOutputs, PoolView

SHAPES: dict[str, str] = {
    "probabilities": "(rows,), such as predict_proba(x)[:, 1]",
    "embeddings": "(rows, dimensions)",
    "pretrained": "(rows, dimensions)",
    "surprisal": "(rows, tokens)",
    "ensemble": "(models, rows)",
    "dropout": "(passes, rows)",
    "features": "(rows, dimensions)",
    "texts": "(rows,), strings",
}
"""What can be given, each of the whole pool, labelled rows included."""
COMMITTEES = {"ensemble", "dropout"}
CHANCES = {"probabilities", *COMMITTEES}


@dataclass(frozen=True)
class ArrayPool:
    """A pool, of which some rows are labelled.

    Attributes:
        size: N, rows in all. outputs: name of :data:`SHAPES` -> array of all rows.
        labelled: (m,) row numbers in the order of labelling. labels: (m,) of these, 1 = positive.
    """

    size: int
    outputs: dict[str, npt.NDArray[Any]]
    labelled: IntArray
    labels: IntArray

    @property
    def unlabelled(self) -> IntArray:
        """The row numbers that are left, (n,), ascending."""
        return np.setdiff1d(np.arange(self.size), self.labelled, assume_unique=True)

    def view(self, needs: frozenset[Need], number: int, draws: FloatArray, generator: np.random.Generator) -> PoolView:
        """Return what a strategy sees of the rows that are left.

        Args:
            needs: what it declares.
            number: of the round.
            draws: (N,) a uniform draw for each row.
            generator: for whatever else it draws.
        """
        left = self.unlabelled
        shown: dict[str, Any] = {}
        for name, values in self.outputs.items():
            rows = (slice(None), left) if name in COMMITTEES else left
            shown[name] = _tensor(values[rows]) if name == "embeddings" else values[rows]
            if name in {"probabilities", "embeddings", "pretrained", "features", "texts"}:
                own = values[self.labelled]
                shown[f"labelled_{name}"] = _tensor(own) if name == "embeddings" else own
        shown |= {name: tuple(shown[name].tolist()) for name in ("texts", "labelled_texts") if name in shown}
        return PoolView(
            size=len(left), round=number, labels=self.labels, priority=draws[left], generator=generator, needs=needs,
            outputs=PoolOutputs(**shown),
        )  # fmt: skip


def pool_of(given: dict[str, Any], labelled: Any, labels: Any) -> ArrayPool:
    """Return a pool from arrays, checked.

    Args:
        given: name of :data:`SHAPES` -> an array, or None; the probabilities must be among them.
        labelled: row numbers, or (N,) truth values.
        labels: one for each of these, 0 or 1; None if there are none.

    Raises:
        SpecError: if a shape, a value or a row number is wrong.
    """
    outputs = {name: _checked(name, values) for name, values in given.items() if values is not None}
    size = len(outputs["probabilities"])
    for name, values in outputs.items():
        rows = values.shape[1] if name in COMMITTEES else len(values)
        if rows != size:
            raise SpecError(f"{name} are of {rows} rows, but probabilities of {size}; give both of the whole pool")
    rows = _rows(labelled, size)
    return ArrayPool(size, outputs, rows, _labels(labels, len(rows)))


def next_batch(
    algorithm: Algorithm,
    weighting: Weighting,
    pool: ArrayPool,
    k: int,
    *,
    number: int,
    draws: FloatArray,
    generator: np.random.Generator,
) -> IntArray:
    """Return the row numbers of the next batch, (min(k, n),), in the order of selection, as the loop would select them.

    Raises:
        SpecError: if the strategy needs what is not given, or nothing is left.
        RunError: if it breaks its contract.
    """
    needs = needs_of(algorithm, weighting)
    _refuse_unmet(algorithm, weighting, needs, pool)
    left = pool.unlabelled
    if not len(left):
        raise SpecError(f"all {pool.size} rows are labelled; there is none left to select")
    view = lent(pool.view(needs, number, draws, generator))
    with unchanged(view.outputs, needs, algorithm.name):
        return left[choose(algorithm, weighting, view, k).picks]


def _refuse_unmet(algorithm: Algorithm, weighting: Weighting, needs: frozenset[Need], pool: ArrayPool) -> None:
    name = f"{algorithm.name}+{weighting.name}"
    if isinstance(algorithm, Stateful):
        raise SpecError(
            f"{name} learns from round to round, and a single selection remembers nothing; run it in a grid"
        )
    if "oracle" in needs:
        raise SpecError(f"{name} buys labels within its batch, which a single selection cannot give; run it in a grid")
    unmet = sorted(needs - pool.outputs.keys())
    if unmet:
        wanted = " and ".join(f"{need}={SHAPES[need]}" for need in unmet)
        raise SpecError(f"{name} needs {', '.join(unmet)}, which is not given; give {wanted}")


def _as_texts(given: Any) -> npt.NDArray[Any]:
    if isinstance(given, str) or not all(isinstance(text, str) for text in given):
        raise SpecError("texts must be strings, one for each row of the pool")
    texts = np.empty(len(given), dtype=object)
    texts[:] = list(given)
    return texts


def _checked(name: str, given: Any) -> npt.NDArray[Any]:
    """Return what is given of the pool as a finite array of the right shape; chances lie in [0, 1]."""
    if name == "texts":
        return _as_texts(given)
    try:
        values = np.asarray(given)
        values = values.astype(np.float64 if name in CHANCES or values.dtype == np.float64 else np.float32)
    except (TypeError, ValueError) as error:
        raise SpecError(f"{name} must be numbers {SHAPES[name]}: {' '.join(str(error).split())}") from None
    if values.ndim != 1 + (name != "probabilities") or not values.size:
        raise SpecError(f"{name} are of shape {values.shape}; give {SHAPES[name]}")
    wrong = ~np.isfinite(values) if name not in CHANCES else ~((values >= 0) & (values <= 1))  # NaN fails both
    if wrong.any():
        where = tuple(int(place[0]) for place in np.nonzero(wrong))
        allowed = "finite" if name not in CHANCES else "in [0, 1]"
        raise SpecError(
            f"{name} must be {allowed}; {int(wrong.sum())} are not, the first is {values[where]} at {where}"
        )
    return values


def _rows(given: Any, size: int) -> IntArray:
    """Return row numbers, (m,), distinct and within the pool."""
    rows = np.asarray(given)
    if rows.dtype == bool and rows.shape == (size,):
        return np.flatnonzero(rows).astype(np.int64)
    if not rows.size:
        return np.empty(0, dtype=np.int64)
    if rows.ndim != 1 or not np.issubdtype(rows.dtype, np.integer):
        raise SpecError(
            f"labelled is {rows.dtype} of shape {rows.shape}; give row numbers, or a truth value for each row"
        )
    if rows.min() < 0 or rows.max() >= size:
        wrong = rows.min() if rows.min() < 0 else rows.max()
        raise SpecError(f"labelled names row {wrong}, but the pool has rows 0 to {size - 1}")
    if len(np.unique(rows)) < len(rows):
        raise SpecError("labelled names a row twice")
    return rows.astype(np.int64)


def _labels(given: Any, count: int) -> IntArray:
    """Return labels, (m,), each 0 or 1."""
    labels = np.asarray([] if given is None else given)
    if labels.shape != (count,):
        raise SpecError(
            f"labels are of shape {labels.shape} for {count} labelled rows; give one for each, 1 = positive"
        )
    if not np.isin(labels, (0, 1)).all():
        raise SpecError(f"labels must be 0 or 1 (positive); they hold {', '.join(map(str, np.unique(labels)[:5]))}")
    return labels.astype(np.int64)


def _tensor(values: npt.NDArray[Any]) -> Any:
    import torch

    return torch.from_numpy(np.array(values, dtype=np.float32))
