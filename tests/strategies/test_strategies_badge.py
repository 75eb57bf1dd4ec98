"""BADGE against gradients that autograd materialises, and its draws against enumerated probabilities."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch import nn

from bench.strategies import badge, clustering
from bench.strategies.badge import Badge, GradientEmbeddings
from bench.strategies.neighbours import dot_products
from bench.strategies.threads import one_thread_a_chunk
from bench.testing import toy_pool


def last_layer_gradients(h, seed=0):
    """Return p of a random last layer and, row by row, the gradient of the loss at the predicted label."""
    layer = nn.Linear(h.shape[1], 2, bias=False, dtype=torch.float64)
    nn.init.normal_(layer.weight, generator=torch.Generator().manual_seed(seed))
    rows = []
    for row in h.double():
        logits = layer(row)
        loss = nn.functional.cross_entropy(logits, logits.argmax())
        (gradient,) = torch.autograd.grad(loss, layer.weight)
        rows.append(gradient.flatten().numpy())
    p = torch.softmax(layer(h.double()), 1)[:, 1].detach().numpy()
    return p, np.array(rows)


@pytest.mark.parametrize(("n", "dtype"), [(30, torch.float32), (30, torch.bfloat16), (1500, torch.float32)])
def test_norms_and_distances_are_those_of_the_materialised_gradients(n, dtype):
    h = toy_pool(n=n, d=7).embeddings.to(dtype)
    p, gradients = last_layer_gradients(h)
    assert 0 < (p > 0.5).mean() < 1  # both signs occur
    factored = GradientEmbeddings(h, p)
    np.testing.assert_allclose(factored.squared_norms, np.square(gradients).sum(1), rtol=1e-5, atol=1e-9)
    for row in (0, 3, n - 1):
        exact = np.square(gradients - gradients[row]).sum(1)
        np.testing.assert_allclose(factored.squared_distances(row), exact, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_distances_are_the_same_bits_on_any_number_of_threads(dtype, monkeypatch):
    monkeypatch.setattr(badge, "_SLAB", 700)
    h = toy_pool(n=2500, d=7).embeddings.to(dtype)
    p, before, found = np.random.default_rng(0).random(2500), torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            with one_thread_a_chunk(h.device) as mapped:
                found.append(GradientEmbeddings(h, p, mapped).squared_distances(3))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])
    np.testing.assert_allclose(dot_products(h, h[3]), h.double() @ h[3].double(), rtol=1e-5, atol=1e-6)


def test_equal_rows_are_at_distance_zero():
    pool = toy_pool(n=20, d=300).rows(np.arange(20) // 2)
    distances = GradientEmbeddings(pool.embeddings, pool.probabilities).squared_distances(4)
    assert np.flatnonzero(distances == 0).tolist() == [4, 5]


def test_rows_of_equal_gradient_are_at_distance_zero_whatever_the_rounding():
    pool = toy_pool(n=50, d=300)
    a = 0.4 / np.linspace(1, 3, 50)
    h = pool.embeddings[:1] * torch.from_numpy(0.4 / a).float()[:, None]
    assert (GradientEmbeddings(h, a).squared_distances(0) == 0).all()


def test_distances_of_some_rows_are_the_same_bits_and_none_exceeds_its_bound():
    pool = toy_pool(n=90, d=300)
    gradients = GradientEmbeddings(pool.embeddings, pool.probabilities)
    rows, others = torch.arange(0, 90, 3), torch.tensor([5, 0, 88])
    between = gradients.between(rows, others)
    for place, other in enumerate(others.tolist()):
        assert torch.equal(between[:, place], gradients.squared_distances(other)[rows])
        assert (gradients.squared_distances(other) <= gradients.at_most(other)).all()


@pytest.mark.parametrize("spread", [1e-3, 1.0])
def test_no_more_centres_than_needed_are_compared_with_all_rows(monkeypatch, spread):
    """Far fewer where rows are far apart; where they lie on few points, not one more than there are."""
    pool, passes = toy_pool(n=400, d=32), []
    whole = GradientEmbeddings.squared_distances
    monkeypatch.setattr(
        GradientEmbeddings, "squared_distances", lambda self, row: (passes.append(row), whole(self, row))[1]
    )
    points = torch.arange(400) % 5
    h = pool.embeddings[points] + spread * pool.embeddings
    Badge().select(replace(pool, embeddings=h).view(), np.ones(400), 40)
    assert len(passes) == len(set(passes))
    assert len(passes) <= (10 if spread == 1 else 40)


def exact_law(gradients, w, first, k):
    """Return the probability of every ordered draw of k rows by weighted k-means++ from the first centre."""
    law = {}
    for rest in permutations([row for row in range(len(w)) if row != first], k - 1):
        picks, probability = [first], 1.0
        for row in rest:
            nearest = np.min([np.square(gradients - gradients[pick]).sum(1) for pick in picks], axis=0)
            mass = w * nearest
            mass[picks] = 0
            probability *= mass[row] / mass.sum()
            picks.append(row)
        law[tuple(picks)] = probability
    return law


@pytest.mark.parametrize(("uniform", "proposed"), [(True, 32), (False, 1)], ids=["uniform", "one proposed at a time"])
def test_draws_follow_the_published_law(uniform, proposed, monkeypatch):
    monkeypatch.setattr(clustering, "_PROPOSED", proposed)  # of one, many are rejected
    pool = toy_pool(n=5, d=4, seed=10)
    p, gradients = last_layer_gradients(pool.embeddings)
    w = np.ones(5) if uniform else np.array([1.0, 0.2, 0.7, 0.05, 0.4])
    first = int(np.argmax(w * np.square(gradients).sum(1)))
    law = exact_law(gradients, w, first, k=4)
    draws = 300
    counts = dict.fromkeys(law, 0)
    for seed in range(draws):
        view = replace(pool, probabilities=p, seed=seed).view(Badge.needs)
        counts[tuple(Badge().select(view, w, 4).tolist())] += 1
    assert sum(law.values()) == pytest.approx(1)
    found, expected = np.array(list(counts.values())), np.array(list(law.values())) * draws
    rare = expected < 5  # counted as one, or the test's own distribution would be far off
    both = (np.append(count[~rare], count[rare].sum()) for count in (found, expected))
    assert chisquare(*both).pvalue > 0.01


def test_certain_rows_are_drawn_by_weight_when_no_gradient_is_left():
    pool = toy_pool(n=40)
    w = np.where(np.arange(40) < 20, 1.0, 1e-9)
    picks = Badge().select(replace(pool, probabilities=np.ones(40)).view(), w, 10)
    assert picks[0] == np.argmin(pool.priority)  # all w |g|^2 tie at 0
    assert (picks[1:] < 20).all()
