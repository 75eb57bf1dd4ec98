"""CAL against its definition, row by row with SciPy's divergence."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from bench.errors import SpecError
from bench.strategies.cal import Cal
from bench.strategies.core_set import CoreSet
from bench.testing import toy_pool


def brute_force(pool, neighbours):
    """Algorithm 1 as printed: mean over the nearest labelled rows of KL(p(y | labelled) || p(y | row))."""

    def unit(rows):
        return rows.numpy().astype(float) / np.linalg.norm(rows.numpy().astype(float), axis=1, keepdims=True)

    labelled, scores = unit(pool.labelled_embeddings), []
    for h, p in zip(unit(pool.embeddings), pool.probabilities, strict=True):
        near = np.argsort(np.linalg.norm(h - labelled, axis=1))[:neighbours]
        q = pool.labelled_probabilities[near]
        scores.append(np.mean(entropy([q, 1 - q], np.broadcast_to([[p], [1 - p]], (2, len(q))))))
    return np.array(scores)


def line(p, labelled_p, at, labelled_at):
    """A pool on a quarter circle: predictions, and angles as embeddings."""
    pool = toy_pool(n=len(p), d=2, labelled=len(labelled_p))
    here, there = (
        torch.tensor([[np.cos(a), np.sin(a)] for a in angles], dtype=torch.float32) for angles in (at, labelled_at)
    )
    return replace(
        pool,
        probabilities=np.array(p),
        labelled_probabilities=np.array(labelled_p),
        embeddings=here,
        labelled_embeddings=there,
    )


@given(st.integers(0, 2**20), st.integers(1, 15), st.integers(1, 12))
def test_scores_are_those_of_brute_force(seed, labelled, neighbours):
    pool = toy_pool(labelled=labelled, seed=seed)
    scores = Cal(neighbours=neighbours).scores(pool.view(Cal.needs))
    np.testing.assert_allclose(scores, brute_force(pool, neighbours), rtol=1e-9)


def test_chunks_of_the_pool_are_put_together_in_order():
    pool = toy_pool(n=1100, labelled=12)
    np.testing.assert_allclose(Cal().scores(pool.view()), brute_force(pool, 10), rtol=1e-9)


def test_the_row_that_is_predicted_unlike_its_neighbour_is_picked():
    pool = line(p=[0.1, 0.9, 0.9], labelled_p=[0.1, 0.9], at=[0.1, 0.2, 1.4], labelled_at=[0.0, 1.5])
    assert Cal(neighbours=1).select(pool.view(), np.ones(3), 1).tolist() == [1]
    # Compared with both labelled rows, all three differ from one of them as much.
    np.testing.assert_allclose(Cal().scores(pool.view()), np.full(3, entropy([0.1, 0.9], [0.9, 0.1]) / 2))


def test_the_length_of_embeddings_is_irrelevant():
    pool = toy_pool(labelled=12)
    factors = [torch.from_numpy(2.0 ** (np.arange(rows) % 7 - 3)).float()[:, None] for rows in (24, 12)]
    scaled = replace(
        pool,
        embeddings=pool.embeddings * factors[0],
        labelled_embeddings=pool.labelled_embeddings * factors[1],
    )
    assert Cal(neighbours=3).scores(scaled.view()).tolist() == Cal(neighbours=3).scores(pool.view()).tolist()


def test_equally_near_labelled_rows_count_in_the_order_of_labelling():
    for first, second in ((0.2, 0.8), (0.8, 0.2)):
        pool = line(p=[0.2, 0.8], labelled_p=[first, second], at=[0.3, 0.9], labelled_at=[0.5, 0.5])
        assert (Cal(neighbours=1).scores(pool.view()) == 0).tolist() == [first == 0.2, first == 0.8]


def test_certain_predictions_keep_scores_finite_and_ordered():
    pool = line(p=[0.0, 0.5, 1.0], labelled_p=[1.0], at=[0.1, 0.2, 0.3], labelled_at=[0.0])
    scores = Cal().scores(pool.view())
    assert 30 < scores[0] < 40
    assert scores[1] == pytest.approx(np.log(2))
    assert scores[2] == 0


def test_equal_predictions_score_exactly_zero():
    p = np.random.default_rng(0).random(200)
    pool = line(p=p, labelled_p=p, at=np.arange(200) / 200, labelled_at=np.arange(200) / 200)
    assert (Cal(neighbours=1).scores(pool.view()) == 0).all()


def test_with_nothing_labelled_rows_go_by_weight_and_priority():
    pool = toy_pool(labelled=0)
    assert Cal().select(pool.view(), np.ones(24), 5).tolist() == np.argsort(pool.priority)[:5].tolist()
    assert Cal().select(pool.view(), pool.weights, 5).tolist() == np.argsort(-pool.weights)[:5].tolist()


def test_options_are_checked():
    with pytest.raises(SpecError, match="option 'neighbours' of cal is 0; allowed: >= 1"):
        Cal(neighbours=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("algorithm", [Cal(neighbours=3), CoreSet()], ids=["cal", "core_set"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_embeddings_may_lie_on_a_gpu(algorithm, dtype):
    pool = toy_pool(n=60, d=8)
    pool = replace(pool, embeddings=pool.embeddings.to(dtype), labelled_embeddings=pool.labelled_embeddings.to(dtype))
    there = replace(pool, embeddings=pool.embeddings.cuda(), labelled_embeddings=pool.labelled_embeddings.cuda())
    here, picks = (algorithm.select(which.view(), pool.weights, 8) for which in (pool, there))
    assert picks.tolist() == here.tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_model_that_is_certain_is_divergent_but_finite(dtype):
    pool = toy_pool()
    certain = replace(
        pool,
        probabilities=np.resize(np.array([0, 1], dtype=dtype), pool.size),
        labelled_probabilities=np.ones(len(pool.labels), dtype=dtype),
    )
    scores = Cal().scores(certain.view())
    assert np.isfinite(scores).all()
    assert (scores[0::2] > 30).all()  # of a certain negative among certain positives: log 1 / eps
    assert (scores[1::2] < 1e-12).all()
