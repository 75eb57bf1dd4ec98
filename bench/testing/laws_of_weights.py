"""Laws about weights: what an algorithm makes of them, and what a weighting may make them of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np

from bench.arrays import FloatArray
from bench.strategies.base import ScoreBased
from bench.testing.answers import LARGE, K, Part, answer, changes, later_pool, require
from bench.testing.laws_of_answers import pools_for
from bench.testing.surroundings import global_state_of
from bench.testing.toys import ToyPool, toy_pool

_SEEDS = 2
_ROWS = 3  # rows whose weights are raised, one after the other


def scale_of_weights_is_irrelevant(part: Part) -> None:
    """Weights count by their proportions: w and w / 4 select the same rows, and so do 1 and 1 / 4."""
    for pool in pools_for(part):
        for weights in (pool.weights, np.ones(pool.size)):
            whole, quarter = (replace(pool, weights=weights * factor) for factor in (1.0, 0.25))
            changed = changes(partial(answer, part, whole), partial(answer, part, quarter))
            require(not changed, part, "selects other rows when all weights are divided by 4")


def zero_weights_come_last(part: Part) -> None:
    """Rows of weight 0 are selected only once no other row is left."""
    for pool, ks in _pools_and_sizes(part):
        zero = np.arange(pool.size) % 3 > 0
        for k in ks:
            picks = answer(part, replace(pool, weights=np.where(zero, 0.0, pool.weights)), k)
            too_early = zero[picks[: np.count_nonzero(~zero)]].any()
            require(not too_early, part, f"asked for {k} rows, selects rows of weight 0 before rows with weight")


def _pools_and_sizes(part: Part) -> Iterator[tuple[ToyPool, tuple[int, ...]]]:
    weighted = toy_pool().size // 3
    yield toy_pool(), (K, weighted, weighted + 3)
    yield toy_pool(seed=1), (K,)
    yield later_pool(part), (K,)


def weights_matter(part: Part) -> None:
    """A row is selected more often, over several seeds, when its weight is high than when it is low."""
    pool, high, low = toy_pool(), 0, 0
    for row, seed in product(range(_ROWS), range(_SEEDS)):
        seeded = replace(pool, seed=seed, priority=toy_pool(seed=seed).priority)
        for weight in (1e-3, 1.0):
            weights = np.full(pool.size, 1.001 - weight)
            weights[row] = weight
            chosen = int(row in answer(part, replace(seeded, weights=weights), rounds=1))
            high, low = (high + chosen, low) if weight == 1 else (high, low + chosen)
    require(
        high > low, part,
        f"selects rows no more often when they have a thousand times the weight of all others ({high} of "
        f"{_ROWS * _SEEDS} times) than when they have a thousandth of it ({low})",
    )  # fmt: skip


def scores_are_multiplied_by_weights(part: Part) -> None:
    """A part that selects by scores takes the largest w * s, as Algorithm 2 says; holds for whatever is not."""
    if not isinstance(part, ScoreBased):
        return
    for pool in pools_for(part):
        for weights in (pool.weights, pool.weights**8):
            weighted = replace(pool, weights=weights / weights.max())
            with global_state_of(seed=0):
                products = weighted.weights * part.scores(weighted.view(budget=K))
            picks = answer(part, weighted, rounds=1)
            largest = np.sort(products)[::-1][:K]
            good = np.allclose(products[picks], largest, rtol=1e-11, atol=0)
            require(good, part, f"selects rows of w * s = {products[picks]}, where the largest are {largest}")


def labelled_rows_do_not_count(part: Part) -> None:
    """Weights are made of the pool that is left: they do not depend on what is labelled, nor on its labels."""
    pool = toy_pool(n=LARGE, labelled=100)
    other = replace(
        pool,
        labelled_probabilities=pool.labelled_probabilities / 2,
        labels=1 - pool.labels,
    )
    none = toy_pool(n=LARGE, labelled=0)
    fewer = replace(
        pool,
        labels=none.labels,
        labelled_probabilities=none.labelled_probabilities,
        labelled_embeddings=none.labelled_embeddings,
        labelled_pretrained=none.labelled_pretrained,
        labelled_features=none.labelled_features,
        labelled_texts=none.labelled_texts,
    )
    for changed in (other, fewer):
        found = changes(partial(answer, part, pool), partial(answer, part, changed))
        require(not found, part, "gives other weights when other rows are labelled")


def bins_weigh_the_same(part: Part) -> None:
    """Each of a weighting's bins that has rows has the same weight in all; holds for one without an option ``bins``."""
    bins = getattr(part, "bins", None)
    if not isinstance(bins, int):
        return
    for name, p in _distributions(bins):
        pool = toy_pool(n=len(p), labelled=0)
        w = answer(part, replace(pool, probabilities=p))
        sums = _sums(w, p, bins)
        good = np.allclose(sums, sums[0], rtol=1e-9, atol=0) and sums[0] > 0
        require(good, part, f"gives the bins of p {name}, of which each has rows, weights of {sums} in all")


def _distributions(bins: int) -> Iterator[tuple[str, FloatArray]]:
    """Yield probabilities, most of them small."""
    p = toy_pool(n=LARGE).probabilities
    yield "from all over [0, 1]", p**3
    yield "below 0.5", p**3 / 2
    yield "at their edges", np.sort(np.append(np.arange(bins + 1) / bins, p**3))


def _sums(w: FloatArray, p: FloatArray, bins: int) -> FloatArray:
    """Return the weight of each bin that has rows, lowest p first: [i/m, (i+1)/m), the last closed on the right."""
    found = []
    for i in range(bins):
        inside = (p >= i / bins) & ((p < (i + 1) / bins) | (i == bins - 1))
        if inside.any():
            found.append(w[inside].sum())
    return np.array(found)
