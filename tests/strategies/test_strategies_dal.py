"""DAL on pools where the right answer is planted."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.errors import SpecError
from bench.strategies.badge import Badge
from bench.strategies.dal import Dal
from bench.testing import toy_pool

N = 60


def two_clusters(scale=1.0, shift=0.0):
    """Half of the pool lies where the labelled rows are, the other half (the upper numbers) elsewhere."""
    pool = toy_pool(n=N, d=8)
    centre = torch.zeros(N, 8)
    centre[N // 2 :] = 6
    return replace(
        pool,
        embeddings=(pool.embeddings + centre) * scale + shift,
        labelled_embeddings=pool.labelled_embeddings * scale + shift,
    )


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (1e-3, 5.0), (1e3, 0.0)])
def test_the_cluster_without_labels_is_picked_whatever_the_scale(scale, shift):
    pool = two_clusters(scale, shift)
    picks = Dal(sub_batches=1).select(pool.view(), np.ones(N), 8)
    assert (picks >= N // 2).all()


def test_rows_taken_count_as_labelled_for_the_next_sub_batch():
    pool = two_clusters()
    picks = Dal(sub_batches=10).select(pool.view(), np.ones(N), 40)
    uncovered = picks >= N // 2
    assert uncovered[:4].all()
    assert not uncovered[: N // 2].all()  # once covered, the second cluster is no longer preferred throughout


def test_weights_multiply_the_scores():
    pool = two_clusters()
    w = np.where(np.arange(N) < N // 2, 1.0, 1e-12)
    assert (Dal(sub_batches=1).select(pool.view(), w, 8) < N // 2).all()


def test_with_nothing_labelled_the_first_sub_batch_goes_by_weight_and_priority():
    pool = toy_pool(n=N, labelled=0)
    picks = Dal(sub_batches=3).select(pool.view(), np.ones(N), 7)  # sub-batches of 3, 2 and 2
    assert picks[:3].tolist() == np.argsort(pool.priority)[:3].tolist()
    assert picks[:4].tolist() != np.argsort(pool.priority)[:4].tolist()


def test_the_loop_may_score_in_inference_mode():
    wanted = Dal().select(two_clusters().view(), np.ones(N), 6)
    with torch.inference_mode():
        picks = Dal().select(two_clusters().view(), np.ones(N), 6)
    assert picks.tolist() == wanted.tolist()


@pytest.mark.parametrize(
    ("option", "value"),
    [("sub_batches", 0), ("hidden", 0), ("epochs", 0), ("batch_size", -1), ("learning_rate", 0.0),
     ("learning_rate", float("nan"))],
)  # fmt: skip
def test_options_are_checked(option, value):
    with pytest.raises(SpecError, match=f"option '{option}' of dal is {value}; allowed: > ?=? ?"):
        Dal(**{option: value})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("algorithm", [Dal(sub_batches=1), Badge()], ids=["dal", "badge"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_embeddings_may_lie_on_a_gpu(algorithm, dtype):
    pool = two_clusters()
    pool = replace(pool, embeddings=pool.embeddings.to(dtype), labelled_embeddings=pool.labelled_embeddings.to(dtype))
    there = replace(pool, embeddings=pool.embeddings.cuda(), labelled_embeddings=pool.labelled_embeddings.cuda())
    here, picks = (algorithm.select(which.view(), np.ones(N), 8) for which in (pool, there))
    if algorithm.name == "badge":
        assert picks.tolist() == here.tolist()
    else:  # training rounds differently, but what is planted is found
        assert (picks >= N // 2).all()
