"""HAL against margin, random and core-set, which it turns into at its ends, and against its definition between them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, pdist

from bench.errors import SpecError
from bench.strategies.core_set import CoreSet
from bench.strategies.hal import Hal
from bench.strategies.margin import Margin
from bench.strategies.random_sampling import RandomSampling
from bench.strategies.strategy import needs_of
from bench.testing import toy_pool

N = 24


def select(algorithm, pool, w=None, k=N):
    w = np.ones(pool.size) if w is None else w
    return algorithm.select(pool.view(needs_of(algorithm)), w, k).tolist()


def brute_force(pool, w, k, exploit, bandwidth):
    """A coin a row, from the view's generator; all kernels first, then argmax of w * s or of w / density."""
    rows = np.concatenate([pool.embeddings, pool.labelled_embeddings]).astype(float)
    of_pool = np.append(pdist(pool.embeddings, "sqeuclidean"), pdist(pool.embeddings, "sqeuclidean"))
    mean = of_pool.sum() / N**2  # a row drawn twice is at distance 0 from itself
    kernels = np.exp(-cdist(rows, rows, "sqeuclidean") / (bandwidth * mean))
    centres = list(range(N, len(rows)))
    uncertainty = 1 - np.abs(2 * pool.probabilities - 1)
    picks = []
    for coin in pool.view().generator.random(k):
        density = kernels[:N, centres].sum(axis=1) if centres else np.ones(N)
        gain = w * (uncertainty if coin < exploit else 1 / density)
        picks.append(max(set(range(N)) - set(picks), key=lambda row: (gain[row], -pool.priority[row])))
        centres.append(picks[-1])
    return picks


@given(
    st.integers(0, 2**20),
    st.sampled_from([0, 1, 8]),
    st.integers(1, N),
    st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    st.sampled_from([0.1, 1.0, 30.0]),
    st.booleans(),
)
def test_gaussian_picks_are_those_of_brute_force(seed, labelled, k, exploit, bandwidth, uniform):
    pool = toy_pool(labelled=labelled, seed=seed)
    w = np.ones(N) if uniform else pool.weights
    picks = select(Hal(exploit=exploit, bandwidth=bandwidth), pool, w, k)
    assert picks == brute_force(pool, w, k, exploit, bandwidth)


@pytest.mark.parametrize("explorer", ["gaussian", "random"])
def test_one_who_always_exploits_is_margin(explorer):
    pool = toy_pool()
    for w in (None, pool.weights):
        assert select(Hal(exploit=1, explorer=explorer), pool, w) == select(Margin(), pool, w)


def test_one_who_explores_at_random_only_is_random():
    pool = toy_pool()
    for w in (None, pool.weights):
        assert select(Hal(exploit=0, explorer="random"), pool, w) == select(RandomSampling(), pool, w)


def test_between_the_two_every_row_is_the_next_of_margin_or_of_random():
    pool = toy_pool()
    queues = [select(RandomSampling(), pool, pool.weights), select(Margin(), pool, pool.weights)]
    expected = []
    for coin in pool.view().generator.random(N):
        expected.append(next(row for row in queues[int(coin < 0.4)] if row not in expected))
    assert select(Hal(exploit=0.4, explorer="random"), pool, pool.weights) == expected


@given(st.integers(0, 2**20))
def test_with_a_narrow_kernel_the_explorer_is_core_set(seed):
    """The nearest centre then makes up the density: least density is the largest distance to it."""
    pool = toy_pool(seed=seed)
    assert select(Hal(exploit=0, bandwidth=1e-4), pool) == select(CoreSet(), pool)


@pytest.mark.parametrize(("factor", "shift"), [(2.0**-20, 0.0), (2.0**10, 0.0), (1.0, 8.0)])
def test_scale_and_place_of_embeddings_are_irrelevant(factor, shift):
    pool = toy_pool()
    moved = replace(
        pool, embeddings=pool.embeddings * factor + shift, labelled_embeddings=pool.labelled_embeddings * factor + shift
    )
    assert select(Hal(exploit=0), moved) == select(Hal(exploit=0), pool)


def test_rows_without_weight_do_not_hide_how_sparse_the_others_lie():
    """Far out, the row of weight 0 would put the density of all others beyond the range of a float."""
    pool = toy_pool(n=5, d=1, labelled=1)
    pool = replace(
        pool,
        embeddings=torch.tensor([[0.1], [0.2], [0.4], [0.3], [9.0]]),
        labelled_embeddings=torch.zeros(1, 1),
        priority=np.arange(5) / 5,
    )
    w = np.array([1.0, 1, 1, 1, 0])
    assert select(Hal(exploit=0, bandwidth=1e-3), pool, w, 5)[::4] == [2, 4]


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [("exploit", -0.1, "0 to 1"), ("exploit", float("nan"), "0 to 1"), ("explorer", "greedy", "gaussian, random"),
     ("bandwidth", 0.0, "> 0 and finite"), ("bandwidth", float("inf"), "> 0 and finite")],
)  # fmt: skip
def test_options_are_checked(option, value, allowed):
    with pytest.raises(SpecError, match=f"option '{option}' of hal is {value!r}; allowed: {allowed}"):
        Hal(**{option: value})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_embeddings_may_lie_on_a_gpu(dtype):
    pool = toy_pool(n=60, d=8)
    pool = replace(pool, embeddings=pool.embeddings.to(dtype), labelled_embeddings=pool.labelled_embeddings.to(dtype))
    there = replace(pool, embeddings=pool.embeddings.cuda(), labelled_embeddings=pool.labelled_embeddings.cuda())
    assert select(Hal(), there, pool.weights, 20) == select(Hal(), pool, pool.weights, 20)
