"""How far several implementations of one method select the same rows of the same pools."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from bench import seeds
from bench.arrays import FloatArray
from bench.strategies.base import Algorithm
from bench.strategies.strategy import needs_of, select_checked
from bench.testing.toys import ToyPool, toy_pool


@dataclass(frozen=True)
class PairAgreement:
    """How far two implementations agree.

    Attributes:
        first, second: their names.
        shared: mean share of the batch that both select, in [0, 1].
        frequencies: correlation of how often each row is selected over many draws, in [-1, 1]; NaN where one selects
            each row equally often. Two implementations of one random method need not share a single batch, but select
            the same rows equally often.
    """

    first: str
    second: str
    shared: float
    frequencies: float


@dataclass(frozen=True)
class Agreements:
    """All pairs, and what to hold them against.

    Attributes:
        pairs: of different implementations.
        alone: name -> the agreement of an implementation with itself under other seeds: 1 where it draws nothing.
        chance: share of a batch that two random selections have in common.
    """

    pairs: tuple[PairAgreement, ...]
    alone: dict[str, PairAgreement]
    chance: float


def clustered_pool(n: int, d: int, seed: int) -> ToyPool:
    """Return a pool as an encoder leaves one: clusters of unequal size, few of them positive, p from a linear model."""
    rng = seeds.generator("select", agreement=seed)
    pool = toy_pool(n, d, labelled=10, seed=seed)
    import torch

    centres = rng.normal(size=(8, d)) * 2
    sizes = rng.dirichlet(np.full(8, 0.7))
    of_row = rng.choice(8, n + 10, p=sizes)
    h = (centres[of_row] + rng.normal(size=(n + 10, d))).astype(np.float32)
    direction = rng.normal(size=d) / np.sqrt(d)
    p = 1 / (1 + np.exp(-(h @ direction - 2)))
    return replace(
        pool,
        embeddings=torch.from_numpy(h[:n]),
        labelled_embeddings=torch.from_numpy(h[n:]),
        pretrained=h[:n],
        labelled_pretrained=h[n:],
        features=h[:n],
        labelled_features=h[n:],
        probabilities=p[:n],
        labelled_probabilities=p[n:],
        ensemble=np.vstack([p[:n], np.clip(p[:n] + 0.1 * rng.normal(size=(4, n)), 0, 1)]),
        dropout=np.clip(p[:n] + 0.1 * rng.normal(size=(10, n)), 0, 1),
        hidden=(rng.random(n) < p[:n]).astype(np.int64),
    )


def agreements(
    algorithms: Sequence[Algorithm], *, pools: int = 3, draws: int = 10, rows: int = 300, k: int = 20, d: int = 16
) -> Agreements:
    """Let implementations select from the same views, and return how far they agree.

    Args:
        algorithms: two or more.
        pools: how many pools.
        draws: selections from each pool, under different seeds and priorities.
        rows: of a pool.
        k: rows of a batch.
        d: dimensions of embeddings.
    """
    chosen = {it.name: np.empty((pools, draws, rows), dtype=bool) for it in algorithms}
    for pool in range(pools):
        made = clustered_pool(rows, d, pool)
        for draw in range(draws):
            shown = replace(
                made, seed=1 + draw, priority=seeds.generator("priority", agreement=pool, draw=draw).random(rows)
            )
            for it in algorithms:
                picks = select_checked(it, shown.view(needs_of(it), k), np.ones(rows), k).picks
                chosen[it.name][pool, draw] = np.isin(np.arange(rows), picks)
    pairs = tuple(_agreement(*pair, chosen, k) for pair in combinations(chosen, 2))
    return Agreements(pairs, {name: _alone(name, own, k) for name, own in chosen.items()}, k / rows)


def _agreement(first: str, second: str, chosen: dict[str, np.ndarray], k: int) -> PairAgreement:
    one, other = chosen[first], chosen[second]
    shared = float((one & other).sum(axis=2).mean()) / k
    return PairAgreement(first, second, shared, _correlation(one.mean(axis=1), other.mean(axis=1)))


def _alone(name: str, own: np.ndarray, k: int) -> PairAgreement:
    """Return the agreement of one draw with another, and of the frequencies of one half of the draws with the rest."""
    shared = float(np.mean(list(_overlaps(own)))) / k if own.shape[1] > 1 else float("nan")
    half = own.shape[1] // 2
    return PairAgreement(name, name, shared, _correlation(own[:, :half].mean(axis=1), own[:, half:].mean(axis=1)))


def _overlaps(own: np.ndarray) -> Iterator[float]:
    for first, second in combinations(range(own.shape[1]), 2):
        yield float((own[:, first] & own[:, second]).sum(axis=1).mean())


def _correlation(one: FloatArray, other: FloatArray) -> float:
    """Return the mean over pools of the correlation of two (pools, n) frequencies."""
    found = [
        float(np.corrcoef(a, b)[0, 1]) if a.std() and b.std() else float("nan") for a, b in zip(one, other, strict=True)
    ]
    return float(np.mean(found))
