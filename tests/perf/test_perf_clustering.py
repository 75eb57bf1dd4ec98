"""The comparison with scikit-learn's k-means, on rows whose best clustering is known."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bench.perf import clustering
from bench.perf.clustering import WeightedPool, compare
from bench.testing import toy_pool


def planted():
    """200 rows on 50 points, far apart: inertia is what is left of noise, and one missing point costs far more."""
    rng = np.random.default_rng(0)
    points = rng.normal(0, 10, (50, 6))[np.arange(200) % 50]
    return torch.from_numpy((points + rng.normal(0, 0.1, (200, 6))).astype(np.float32))


def test_inertia_is_compared_by_its_definition(monkeypatch, hardware):
    pool, whole = WeightedPool("planted", planted(), np.linspace(0.1, 1, 200)), clustering.weighted_kmeans
    assert clustering._inertia(pool.X, pool.w, pool.X[:1]) == pytest.approx(
        pool.w @ np.square(pool.X.double().numpy() - pool.X[0].double().numpy()).sum(1)
    )
    equal = compare(pool, hardware, 3).ratio
    monkeypatch.setattr(clustering, "weighted_kmeans", lambda rows, k, rng: whole(rows, k // 2, rng))
    assert compare(pool, hardware, 3).ratio > 2 * equal


def test_there_is_a_pool_of_each_task_and_all_weightings_take_their_turn(monkeypatch, hardware, tmp_path):
    """With toys in place of texts: which pools are made, and that weights are those of the weighting."""
    pool = toy_pool(n=40)
    shared = SimpleNamespace(first=SimpleNamespace(state=None, outputs=None))
    task = SimpleNamespace(rows=np.arange(40), test_rows=np.arange(5))
    for name, value in {
        "load_corpus": lambda *_, **__: SimpleNamespace(train=None, test=None),
        "default_positives": lambda dataset, _: ("one", "two", "three"),
        "build_task": lambda *_: task,
        "Material": lambda *_: None,
        "Probe": lambda: SimpleNamespace(begin=lambda _: None),
        "SharedBlock": lambda *_: shared,
        "view_of": lambda *_: pool.view(),
    }.items():
        monkeypatch.setattr(clustering, name, value)
    pools = list(clustering._pools(hardware, None, tmp_path, lambda _: None))
    assert [found.name for found in pools[:4]] == [
        "sst2/one 1/50 uniform", "sst2/two 1/50 posprob", "sst2/three 1/50 invprop", "pubmed_20k_rct/one 1/50 uniform",
    ]  # fmt: skip
    assert len(pools) == 12
    assert len(np.unique(pools[0].w)) == 1
    assert pools[1].w.tolist() == (pool.probabilities / pool.probabilities.max()).tolist()
