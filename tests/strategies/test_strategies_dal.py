"""DAL on pools where the right answer is planted."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.errors import SpecError
from bench.strategies import dal
from bench.strategies.badge import Badge
from bench.strategies.dal import SETTINGS, Dal
from bench.strategies.discriminator import Discriminator
from bench.strategies.select import top_k
from bench.testing import toy_pool

N = 60
PLANTED = Dal(settings="authors", sub_batches=1)


def discriminator(widths, learning_rate=1e-3):
    return Discriminator(widths, learning_rate, torch.Generator().manual_seed(0), torch.device("cpu"))


def by_autograd(network):
    """Return the same network in torch's own words."""
    layers = []
    for weight, bias in zip(network.weights, network.biases, strict=True):
        layer = torch.nn.Linear(*weight.T.shape)
        layer.weight.data, layer.bias.data = weight.clone(), bias.clone()
        layers += [torch.nn.ReLU(), layer]
    return torch.nn.Sequential(*layers[1:])


@pytest.mark.parametrize("widths", [[5, 2], [5, 7, 2], [5, 16, 9, 16, 2]])
def test_gradients_and_steps_are_those_of_autograd_and_of_a_separate_adam(widths):
    network = discriminator(widths)
    torch_s = by_autograd(network)
    adam = torch.optim.Adam(torch_s.parameters(), lr=1e-3)
    rng = torch.Generator().manual_seed(1)
    for size in (32, 1, 13):
        X, y = torch.randn(size, 5, generator=rng), torch.randint(2, (size,), generator=rng)
        logits = torch_s(X)
        adam.zero_grad()
        torch.nn.functional.cross_entropy(logits, y).backward()
        torch.testing.assert_close(network.step(X, y.float()), logits[:, 1] - logits[:, 0])
        layers = torch_s[::2]
        for found, wanted in (
            (network.weight_gradients, [layer.weight.grad for layer in layers]),
            (network.bias_gradients, [layer.bias.grad for layer in layers]),
        ):
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)
        adam.step()
        torch.testing.assert_close(network.weights, [layer.weight.data for layer in layers])
        torch.testing.assert_close(network.biases, [layer.bias.data for layer in layers])


def test_weights_are_drawn_from_the_generator_alone():
    before = torch.get_rng_state()
    first, second = discriminator([30, 20, 2]), discriminator([30, 20, 2])
    assert torch.equal(torch.get_rng_state(), before)
    assert all(map(torch.equal, first.weights, second.weights))
    assert first.weights[0].abs().max() <= (6 / 50) ** 0.5  # Glorot and Bengio 2010
    assert not any(bias.any() for bias in first.biases)


def two_clusters():
    """Half of the pool lies where the labelled rows are, the other half (the upper numbers) elsewhere."""
    pool = toy_pool(n=N, d=8)
    centre = torch.zeros(N, 8)
    centre[N // 2 :] = 6
    return replace(pool, embeddings=pool.embeddings + centre)


def test_the_cluster_without_labels_is_picked():
    pool = two_clusters()
    for algorithm in (PLANTED, Dal(sub_batches=1), Dal(settings="authors", sub_batches=1)):
        assert (algorithm.select(pool.view(), np.ones(N), 8) >= N // 2).all()


def test_once_its_first_part_covers_the_other_cluster_the_default_batch_goes_back_and_forth():
    """What a network that has not learned its sample does not do: it goes on in one place."""
    picks = Dal().select(two_clusters().view(), np.ones(N), 9)
    uncovered = picks >= N // 2
    assert uncovered[:3].all()
    assert not uncovered[3:].all()


def test_inputs_are_raw(monkeypatch):
    seen = []
    monkeypatch.setattr(dal, "_train", lambda network, X, *rest: seen.append(X))
    pool = two_clusters()
    Dal(sub_batches=1).select(pool.view(), np.ones(N), 4)
    (X,) = seen
    assert torch.equal(X[: len(pool.labels)], pool.labelled_embeddings)
    rows = {tuple(row) for row in pool.embeddings.tolist()}
    assert {tuple(row) for row in X[len(pool.labels) :].tolist()} == rows  # 10 a labelled row are more than there are


def test_rows_taken_count_as_labelled_for_the_next_sub_batch():
    picks = Dal(settings="authors", epochs=20).select(two_clusters().view(), np.ones(N), 40)
    uncovered = picks >= N // 2
    assert uncovered[:4].all()
    assert not uncovered[: N // 2].all()  # once covered, the second cluster is no longer preferred throughout


def test_weights_multiply_the_scores():
    w = np.where(np.arange(N) < N // 2, 1.0, 1e-12)
    assert (PLANTED.select(two_clusters().view(), w, 8) < N // 2).all()


@pytest.mark.parametrize("power", [0, 1, 30])
@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_rows_that_are_not_scored_would_not_have_been_selected(monkeypatch, power, chunk):
    pool = toy_pool(n=N, d=8)
    w, left = pool.weights**power, np.argsort(pool.priority)
    network, scored = discriminator([8, 4, 2]), []
    whole = network.logits(pool.embeddings[torch.from_numpy(left)]).double().sigmoid().numpy()
    monkeypatch.setattr(dal, "SCORED_ROWS", chunk)
    rows = dal._rows
    monkeypatch.setattr(dal, "_rows", lambda h, which: (scored.append(len(which)), rows(h, which))[1])
    best = dal._best(pool.view(), network, w, left, 5)
    assert best.tolist() == top_k(whole, w[left], 5, pool.priority[left]).tolist()
    if power == 30 and chunk == 1:
        assert sum(scored) < N // 2
    if power == 0:
        assert sum(scored) == N


def epochs_of(X, y, training):
    """Return the epochs that a network is trained for: the shuffles drawn."""
    rng = torch.Generator().manual_seed(0)
    network = Discriminator([X.shape[1], 16, 16, 16, 2], training.learning_rate, rng, X.device)
    shuffles, shuffle = [], torch.randperm

    def counted(*args, **options):
        shuffles.append(args)
        return shuffle(*args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "randperm", counted)
        dal._train(network, X, y, training, rng)
    return len(shuffles)


def test_training_ends_where_accuracy_stays_at_the_rate_of_the_larger_class():
    y = (torch.arange(330) >= 30).float()
    alike, apart = torch.ones(330, 4), torch.ones(330, 4) * (2 * y[:, None] - 1)
    assert epochs_of(alike, y, SETTINGS["authors"]) == dal._PATIENCE[0]
    assert epochs_of(apart, y, SETTINGS["authors"]) < dal._PATIENCE[0]
    assert epochs_of(alike, y, SETTINGS["ibm"]) == 10


def test_the_settings_have_names_and_options_take_their_place():
    assert Dal(settings="authors").training == (10, 32, 1e-3, 1000)
    assert Dal(settings="ibm").training == (5, 100, 1e-4, 10)
    assert Dal(settings="ibm", epochs=3).training == (5, 100, 1e-4, 3)
    assert Dal().training == SETTINGS[Dal().settings]


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
    ("option", "value", "allowed"),
    [("sub_batches", -1, ">= 1, or 0 for that"), ("epochs", -1, ">= 1, or 0"), ("batch_size", -1, ">= 1, or 0"),
     ("learning_rate", float("nan"), "> 0 and finite, or 0"), ("settings", "paper", "authors, ibm, fast")],
)  # fmt: skip
def test_options_are_checked(option, value, allowed):
    with pytest.raises(SpecError, match=f"option '{option}' of dal is {value!r}; allowed: {allowed}"):
        Dal(**{option: value})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("algorithm", [PLANTED, Badge()], ids=["dal", "badge"])
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
