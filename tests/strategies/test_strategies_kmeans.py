"""k-means against scikit-learn's, and by its laws; draws against the distribution that they shall have."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare
from sklearn.cluster import KMeans

from bench.strategies import draws, kmeans
from bench.strategies.draws import draw_rows
from bench.strategies.kmeans import lloyd, plus_plus_centres, weighted_kmeans, weighted_rows

RECORDED = Path(__file__).parent / "recorded" / "surprisal_pydocs.npz"
"""Surprisal of 700 texts of pydocs, cut at 48 tokens, by the offline encoder with a head of 20 steps."""


def real_pool():
    recorded, X = np.load(RECORDED), np.zeros((700, 48), dtype=np.float32)
    X[recorded["rows"], recorded["columns"]] = recorded["values"]
    return X


def noise(n=500, d=16):
    return np.random.default_rng(1).random((n, d), dtype=np.float32)


def blobs(n=600, d=8):
    rng = np.random.default_rng(2)
    return (rng.normal(0, 5, (12, d))[rng.integers(0, 12, n)] + rng.normal(0, 1, (n, d)) + 100).astype(np.float32)


def one_hot(n=400):
    """Short texts have one token chosen, so that their rows are few."""
    return np.eye(30, dtype=np.float32)[np.random.default_rng(3).geometric(0.1, n).clip(1, 30) - 1]


POOLS = {"real": real_pool, "noise": noise, "blobs": blobs, "one_hot": one_hot}
WEIGHTS = {
    "uniform": np.ones_like,
    "posprob": lambda u: u**6,
    "invprop": lambda u: 1 / np.bincount((u**6 * 10).astype(int))[(u**6 * 10).astype(int)],
}


def weights_of(name, n):
    return WEIGHTS[name](np.random.default_rng(4).random(n))


def inertia(X, w, centres):
    """Return the objective by its definition, in float64."""
    distances = np.square(X[:, None].astype(np.float64) - centres[None]).sum(2)
    return float((w * distances.min(1)).sum())


def cluster(X, w, k, seed=0, restarts=1):
    """Return a clustering, its centres in the coordinates of X."""
    return centred(X, w, lambda rows: weighted_kmeans(rows, k, np.random.default_rng(seed), restarts))


def from_centres(X, w, centres):
    mean = torch.from_numpy(np.average(X, axis=0, weights=w)).to(torch.from_numpy(X))
    return centred(X, w, lambda rows: lloyd(rows, torch.from_numpy(centres).to(mean) - mean))


def centred(X, w, work):
    with weighted_rows(torch.tensor(X), w) as rows:
        found = work(rows)
    return found.centres.numpy() + np.average(X, axis=0, weights=w), found.inertias


@pytest.mark.parametrize("weighting", WEIGHTS)
@pytest.mark.parametrize("pool", POOLS)
def test_inertia_is_scikit_learns(pool, weighting):
    X = POOLS[pool]()
    w, theirs, ours = weights_of(weighting, len(X)), [], []
    for seed in range(6):
        theirs.append(inertia(X, w, KMeans(20, n_init=1, random_state=seed).fit(X, sample_weight=w).cluster_centers_))
        ours.append(inertia(X, w, cluster(X, w, 20, seed)[0]))
    assert np.mean(ours) <= 1.01 * np.mean(theirs) + 3 * np.std(theirs) / np.sqrt(6)
    assert min(ours) <= 1.02 * min(theirs)


@pytest.mark.parametrize("weighting", WEIGHTS)
@pytest.mark.parametrize("pool", sorted(POOLS.keys() - {"one_hot"}))  # whose ties leave many ends
def test_from_equal_centres_inertia_ends_where_scikit_learns_does(pool, weighting):
    X = POOLS[pool]()
    w, start = weights_of(weighting, len(X)), X[np.random.default_rng(5).choice(len(X), 20, replace=False)]
    theirs = KMeans(20, n_init=1, init=start).fit(X, sample_weight=w).cluster_centers_
    assert inertia(X, w, from_centres(X, w, start)[0]) == pytest.approx(inertia(X, w, theirs), rel=0.01)


@pytest.mark.parametrize("empty", [0, 1, 3])
def test_one_iteration_is_scikit_learns_with_and_without_empty_clusters(empty, monkeypatch):
    monkeypatch.setattr(kmeans, "MOST_ITERATIONS", 1)
    X = blobs().astype(np.float64)
    w, start = weights_of("posprob", len(X)), X[:10].copy()
    start[:empty] = 1e3 + np.arange(empty)[:, None]
    theirs = KMeans(10, n_init=1, init=start, max_iter=1).fit(X, sample_weight=w).cluster_centers_
    (ours, _) = from_centres(X, w, start)
    np.testing.assert_allclose(ours[np.argsort(ours[:, 0])], theirs[np.argsort(theirs[:, 0])], rtol=1e-9)


def test_inertias_are_those_of_the_definition_and_never_grow():
    X = real_pool()
    w = weights_of("posprob", len(X))
    centres, inertias = cluster(X, w, 25)
    assert inertias[-1] == pytest.approx(inertia(X, w, centres) / w.max(), rel=1e-5)
    assert (np.diff(inertias) <= 1e-6 * inertias[0]).all()
    assert len(inertias) > 3


rows_with_weights = st.integers(2, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=n, max_size=n),
        st.lists(st.integers(1, 4), min_size=n, max_size=n),
        st.integers(1, n),
        st.integers(0, 5),
    )
)


@given(rows_with_weights)
def test_inertia_never_grows_whatever_the_rows(drawn):
    """Rows on a grid: many are equal, and there may be fewer of them than clusters."""
    X, w, k, seed = np.array(drawn[0], dtype=np.float64), np.array(drawn[1], dtype=np.float64), *drawn[2:]
    centres, inertias = cluster(X, w, k, seed)
    assert (np.diff(inertias) <= 1e-9 * (1 + inertias[0])).all()
    assert np.isfinite(centres).all()
    if k >= len(np.unique(X, axis=0)):
        assert inertias[-1] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_a_row_of_weight_three_is_a_row_given_three_times(seed):
    rng = np.random.default_rng(seed)
    X, w = rng.normal(size=(60, 3)), rng.integers(1, 5, 60)
    often, start = np.repeat(X, w, axis=0), X[:6]
    weighted, repeated = from_centres(X, w, start), from_centres(often, np.ones(len(often)), start)
    np.testing.assert_allclose(weighted[0], repeated[0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(weighted[1], np.array(repeated[1]) / w.max(), rtol=1e-9)


def test_the_scale_of_weights_does_not_matter():
    X = real_pool()
    w = weights_of("posprob", len(X))
    for scale in (2.0**-20, 2.0**20):
        assert np.array_equal(cluster(X, w, 10)[0], cluster(X, scale * w, 10)[0])


@pytest.mark.parametrize("threads", [2, 3])
def test_the_same_bits_on_any_number_of_threads_and_in_every_repeat(threads, monkeypatch):
    monkeypatch.setattr(kmeans, "CHUNK", 64)  # eleven chunks
    X, before, found = real_pool(), torch.get_num_threads(), []
    w = weights_of("invprop", len(X))
    try:
        for count in (1, threads, threads):
            torch.set_num_threads(count)
            found.append(cluster(X, w, 12, restarts=2))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(before)
    for centres, inertias in found[1:]:
        assert np.array_equal(centres, found[0][0])
        assert inertias == found[0][1]


def test_restarts_never_do_worse_than_their_first():
    X = blobs()
    w = np.ones(len(X))
    assert cluster(X, w, 12, restarts=6)[1][-1] <= cluster(X, w, 12, restarts=1)[1][-1]


def test_seeds_follow_the_weighted_k_means_plus_plus_law():
    """Of one trial a step, as k = 2 has: a first row by w, then another by w * D^2."""
    X, w = np.array([[0.0], [1.0], [3.0]]), np.array([3.0, 2.0, 1.0])
    counts, law = np.zeros((3, 3)), np.zeros((3, 3))
    for first in range(3):
        mass = w * np.square(X[:, 0] - X[first, 0])
        law[first] = w[first] / w.sum() * mass / mass.sum()
    rng, plain = np.random.default_rng(0), kmeans.math.log
    try:
        kmeans.math.log = lambda _: -1  # one trial: of several the best counts, which this law does not know
        with weighted_rows(torch.tensor(X), w) as rows:
            values = rows.X[:, 0].tolist()
            for _ in range(800):
                picked = [values.index(x) for x in plus_plus_centres(rows, 2, rng)[:, 0].tolist()]
                counts[tuple(picked)] += 1
    finally:
        kmeans.math.log = plain
    assert counts[law == 0].sum() == 0
    assert chisquare(counts[law > 0], 800 * law[law > 0]).pvalue > 0.01


# Draws, on the device's way as well, a block of rows first


@pytest.mark.parametrize("blocks", [False, True])
def test_draws_follow_their_mass_and_never_take_mass_zero(blocks, monkeypatch):
    monkeypatch.setattr(draws, "BLOCK", 3)
    mass = np.array([0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 2.0, 1.0, 0.0, 4.0, 0.0])
    drawn = draw_rows(torch.from_numpy(mass), np.random.default_rng(0).random(8000), blocks=blocks)
    counts = np.bincount(drawn, minlength=len(mass))
    assert counts[mass == 0].sum() == 0
    assert chisquare(counts[mass > 0], 800 * mass[mass > 0]).pvalue > 0.01


@given(
    st.lists(st.sampled_from([0.0, 1e-300, 1e-9, 0.1, 0.3, 1.0, 7e5]), min_size=1, max_size=30).filter(any),
    st.sampled_from([0.0, 1e-17, 0.3, 0.5, 1 - 1e-12, np.nextafter(1.0, 0.0)]),
    st.sampled_from([1, 2, 7, 64]),
)
def test_draws_by_blocks_land_where_draws_of_all_rows_do(mass, u, block):
    """But for rounding: a row's neighbour where ``u`` lies on the border between two."""
    before, draws.BLOCK = draws.BLOCK, block
    try:
        whole, parts = (
            int(draw_rows(torch.tensor(mass, dtype=torch.float64), np.array([u]), blocks=b)[0]) for b in (False, True)
        )
    finally:
        draws.BLOCK = before
    assert mass[whole] > 0
    assert mass[parts] > 0
    share = np.cumsum(mass) / np.sum(mass)
    assert whole == parts or abs(share[min(whole, parts)] - u) < 1e-12
