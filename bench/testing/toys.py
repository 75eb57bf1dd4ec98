"""Small pools with all that a view can show, made up from a seed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import seeds
from bench.arrays import FloatArray, IntArray
from bench.strategies.view import NEEDS, BatchOracle, Need, PoolOutputs, PoolView

if TYPE_CHECKING:
    import torch

EVERYTHING: frozenset[Need] = frozenset(NEEDS)
_PROBABILITIES = ("probabilities", "labelled_probabilities", "ensemble", "dropout")
_FLOAT64 = (*_PROBABILITIES, "surprisal")


@dataclass(frozen=True)
class ToyPool:
    """What a round's view is made of, as plain arrays; n rows in the pool, m labelled ones.

    Attributes:
        probabilities: (n,). embeddings, pretrained: (n, d). surprisal: (n, L), rows of unit length.
        ensemble, dropout: (c, n); the first member of the ensemble says ``probabilities``.
        features: (n, f). texts: n.
        labelled_probabilities: (m,). labelled_embeddings, labelled_pretrained: (m, d). labels: (m,).
        labelled_features: (m, f). labelled_texts: m.
        hidden: (n,) the labels that an oracle sells.
        priority: (n,) in [0, 1). weights: (n,) in (0, 1], for the law that hands them to an algorithm.
        seed, round: of the view's generator.
        state: what a stateful algorithm left after the round before.
        oracle: class of the oracle that a view has.
    """

    probabilities: FloatArray = field(repr=False)
    embeddings: torch.Tensor = field(repr=False)
    surprisal: FloatArray = field(repr=False)
    pretrained: FloatArray = field(repr=False)
    ensemble: FloatArray = field(repr=False)
    dropout: FloatArray = field(repr=False)
    hidden: IntArray = field(repr=False)
    labelled_probabilities: FloatArray = field(repr=False)
    labelled_embeddings: torch.Tensor = field(repr=False)
    labelled_pretrained: FloatArray = field(repr=False)
    features: FloatArray = field(repr=False)
    labelled_features: FloatArray = field(repr=False)
    texts: tuple[str, ...] = field(repr=False)
    labelled_texts: tuple[str, ...] = field(repr=False)
    labels: IntArray = field(repr=False)
    priority: FloatArray = field(repr=False)
    weights: FloatArray = field(repr=False)
    seed: int = 0
    round: int = 1
    state: dict[str, Any] | None = None
    oracle: type[BatchOracle] = BatchOracle

    @property
    def size(self) -> int:
        """Rows in the pool, n."""
        return len(self.priority)

    def view(self, needs: frozenset[Need] = EVERYTHING, budget: int | None = None) -> PoolView:
        """Return a view of the pool with a fresh generator; it shows what is declared in ``needs``.

        Args:
            needs: what may be read.
            budget: labels that an oracle, if declared, sells; default: the whole pool's.
        """
        oracle = self.oracle(lambda row: int(self.hidden[row]), self.size if budget is None else budget)
        return PoolView(
            size=self.size,
            round=self.round,
            labels=self.labels,
            priority=self.priority,
            generator=seeds.generator("select", seed=self.seed, round=self.round),
            needs=needs,
            outputs=PoolOutputs(
                probabilities=self.probabilities,
                labelled_probabilities=self.labelled_probabilities,
                embeddings=self.embeddings,
                labelled_embeddings=self.labelled_embeddings,
                ensemble=self.ensemble,
                dropout=self.dropout,
                pretrained=self.pretrained,
                labelled_pretrained=self.labelled_pretrained,
                surprisal=self.surprisal,
                features=self.features,
                labelled_features=self.labelled_features,
                texts=self.texts,
                labelled_texts=self.labelled_texts,
            ),
            state=self.state,
            oracle=oracle if "oracle" in needs else None,
        )

    def rows(self, numbers: IntArray) -> ToyPool:
        """Return the pool made of these rows, in this order; a row may come more than once."""
        import torch

        return replace(
            self,
            probabilities=self.probabilities[numbers],
            embeddings=self.embeddings[torch.from_numpy(numbers)],
            surprisal=self.surprisal[numbers],
            pretrained=self.pretrained[numbers],
            features=self.features[numbers],
            texts=tuple(self.texts[row] for row in numbers),
            ensemble=self.ensemble[:, numbers],
            dropout=self.dropout[:, numbers],
            hidden=self.hidden[numbers],
            priority=self.priority[numbers],
            weights=self.weights[numbers],
        )

    def after(self, picks: IntArray, state: dict[str, Any] | None = None) -> ToyPool:
        """Return the pool of the next round, in which the picked rows are labelled, in the order of selection."""
        import torch

        batch, left = self.rows(picks), self.rows(np.delete(np.arange(self.size), picks))
        return replace(
            left,
            labelled_probabilities=np.concatenate([self.labelled_probabilities, batch.probabilities]),
            labelled_embeddings=torch.cat([self.labelled_embeddings, batch.embeddings]),
            labelled_pretrained=np.concatenate([self.labelled_pretrained, batch.pretrained]),
            labelled_features=np.concatenate([self.labelled_features, batch.features]),
            labelled_texts=self.labelled_texts + batch.texts,
            labels=np.concatenate([self.labels, batch.hidden]),
            round=self.round + 1,
            state=state,
        )


def toy_pool(n: int = 24, d: int = 6, labelled: int = 8, seed: int = 0) -> ToyPool:
    """Return a pool of n rows with d-dimensional embeddings and ``labelled`` labelled rows."""
    import torch

    rng = seeds.generator("priority", toy=seed)
    own = seeds.generator("select", toy=seed)  # another stream, so that what came before is as it was
    surprisal = np.abs(rng.normal(size=(n, 10)))
    p = rng.random(n)
    return ToyPool(
        probabilities=p,
        embeddings=torch.from_numpy(rng.normal(size=(n, d)).astype(np.float32)),
        surprisal=surprisal / np.linalg.norm(surprisal, axis=1, keepdims=True),
        labelled_embeddings=torch.from_numpy(rng.normal(size=(labelled, d)).astype(np.float32)),
        labels=np.arange(labelled, dtype=np.int64) % 2,
        priority=rng.random(n),
        weights=1 - 0.9 * rng.random(n),
        labelled_probabilities=rng.random(labelled),
        pretrained=rng.normal(size=(n, d)).astype(np.float32),
        labelled_pretrained=rng.normal(size=(labelled, d)).astype(np.float32),
        ensemble=np.vstack([p, rng.random((4, n))]),
        dropout=rng.random((10, n)),
        hidden=(rng.random(n) < p).astype(np.int64),
        features=own.normal(size=(n, d)).astype(np.float32),
        labelled_features=own.normal(size=(labelled, d)).astype(np.float32),
        texts=tuple(f"text {row} {'word ' * int(count)}" for row, count in enumerate(own.integers(1, 9, n))),
        labelled_texts=tuple(f"labelled text {row}" for row in range(labelled)),
        seed=seed,
    )


def hard_pools() -> dict[str, ToyPool]:
    """Return pools on which algorithms tend to break, by what is hard about them."""
    import torch

    pool = toy_pool()
    n = pool.size
    edges = np.arange(n) % 11 / 10
    same = np.zeros(n, dtype=np.int64)
    twins = replace(pool.rows(np.arange(n) // 4), priority=pool.priority)
    return {
        "one row": pool.rows(np.array([3])),
        "equal rows": replace(pool.rows(same), priority=pool.priority),
        "every row four times": twins,
        "embeddings all zero": replace(
            pool,
            embeddings=torch.zeros_like(pool.embeddings),
            pretrained=np.zeros_like(pool.pretrained),
            features=np.zeros_like(pool.features),
        ),
        "probabilities 0, 0.1 ... 1": replace(pool, probabilities=edges),
        "probabilities 0 and 1 only": replace(
            pool,
            probabilities=np.round(pool.probabilities),
            labelled_probabilities=np.round(pool.labelled_probabilities),
            ensemble=np.round(pool.ensemble),
            dropout=np.round(pool.dropout),
        ),
        "unanimous committees": replace(
            pool, ensemble=np.tile(pool.probabilities, (5, 1)), dropout=np.tile(pool.probabilities, (5, 1))
        ),
        "no positive to find": replace(pool, hidden=np.zeros(n, dtype=np.int64)),
        "positives only": replace(pool, hidden=np.ones(n, dtype=np.int64), labels=np.ones_like(pool.labels)),
        "negatives labelled only": replace(pool, labels=np.zeros_like(pool.labels)),
        "bfloat16 embeddings": replace(
            pool,
            embeddings=pool.embeddings.bfloat16(),
            labelled_embeddings=pool.labelled_embeddings.bfloat16(),
        ),
        "float32 numbers": _in_float32(pool),
        **_certain(pool),
        **_weighted_extremely(pool),
        "one labelled row": toy_pool(labelled=1),
        "two labelled rows": toy_pool(labelled=2),
        "two labelled rows, both negative": replace(toy_pool(labelled=2), labels=np.zeros(2, dtype=np.int64)),
        "a labelled positive alone": replace(toy_pool(labelled=1), labels=np.ones(1, dtype=np.int64)),
        "negatives labelled only, all alike": replace(
            pool,
            labels=np.zeros_like(pool.labels),
            labelled_embeddings=pool.labelled_embeddings[:1].expand_as(pool.labelled_embeddings).clone(),
            labelled_pretrained=np.tile(pool.labelled_pretrained[:1], (len(pool.labels), 1)),
            labelled_features=np.tile(pool.labelled_features[:1], (len(pool.labels), 1)),
        ),
        "nothing labelled": toy_pool(labelled=0),
        "huge embeddings": replace(
            pool,
            embeddings=pool.embeddings * 1e4,
            labelled_embeddings=pool.labelled_embeddings * 1e4,
            pretrained=pool.pretrained * np.float32(1e4),
            labelled_pretrained=pool.labelled_pretrained * np.float32(1e4),
        ),
    }


def _in_float32(pool: ToyPool) -> ToyPool:
    return replace(pool, **{name: getattr(pool, name).astype(np.float32) for name in _FLOAT64})


def _certain(pool: ToyPool) -> dict[str, ToyPool]:
    """Return pools of which a model is certain, or next to it, in float64 and in float32."""
    steps = np.array([0.0, 5e-324, 1e-45, 1e-17, 0.5, 1 - 1e-16, 1.0])
    levels = {
        "p of 0": np.zeros(1),
        "p of 1": np.ones(1),
        "p of 0 and 1": np.array([0.0, 1.0]),
        "p next to 0 and 1": steps,
    }
    found: dict[str, ToyPool] = {}
    for name, level in levels.items():
        changes: dict[str, Any] = {which: np.resize(level, getattr(pool, which).shape) for which in _PROBABILITIES}
        certain = replace(pool, **changes)
        found |= {f"{name} only": certain, f"{name} only, in float32": _in_float32(certain)}
    return found


def _weighted_extremely(pool: ToyPool) -> dict[str, ToyPool]:
    """Return pools with weights of 0, next to 0, and of all sizes at once; the largest is 1, as in a run."""
    number = np.arange(pool.size)
    weights = {
        "weight on one row only": (number == 3).astype(float),
        "weights of 1 and 1e-300": np.where(number == 3, 1.0, 1e-300),
        "weights down to the least float": np.where(number % 3 == 0, 1.0, 5e-324),
        "weights of all sizes": 10.0 ** -(number * 13.0),
        "weights of 0, 1e-300 and 1": np.array([1.0, 0.0, 1e-300, 1e-300])[number % 4],
    }
    in_float32 = _in_float32(pool)  # as surprisal is in a run
    return {name: replace(in_float32, weights=w) for name, w in weights.items()}
