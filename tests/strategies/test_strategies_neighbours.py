"""Distances in chunks against SciPy's in float64, on both sides of where differences give way to products."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from bench.strategies.neighbours import distances_in_chunks


def drawn(n, d=33, scale=1.0, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(0, scale, (n, d)).astype(np.float32))


def distances(h, centres, **options):
    return torch.cat(list(distances_in_chunks(h, centres, **options))).numpy()


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("centres", [1, 8, 9, 40])
def test_they_are_those_of_scipy_to_float32(centres, scale):
    h, to = drawn(1100, scale=scale), drawn(centres, scale=scale, seed=1)
    np.testing.assert_allclose(distances(h, to), cdist(h.double(), to.double()), rtol=1e-5)
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (h.double().numpy(), to.double().numpy())]
    np.testing.assert_allclose(distances(h, to, unit=True), cdist(*unit), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("centres", [3, 20])
def test_equal_rows_are_at_distance_zero_wherever_they_stand(centres):
    to = drawn(centres, d=384)
    h = drawn(2100, d=384, seed=1)
    places = np.arange(centres) * 97
    h[places] = to
    assert (distances(h, to)[places, np.arange(centres)] == 0).all()
    assert (distances(h, to) == 0).sum() == centres


@pytest.mark.parametrize("centres", [3, 20])
def test_the_order_of_rows_and_the_precision_of_matrix_products_change_nothing(centres):
    h, to = drawn(2100, d=384), drawn(centres, d=384, seed=1)
    order = np.random.default_rng(2).permutation(len(h))
    plain = distances(h, to)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        np.testing.assert_array_equal(distances(h[order], to), plain[order])
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize("centres", [2, 12])
def test_near_rows_keep_their_distance(centres):
    to = drawn(centres, d=384)
    near = to.clone()
    near[:, 0] += 1e-3
    expected = cdist(near.double(), to.double()).diagonal()
    np.testing.assert_allclose(distances(near, to).diagonal(), expected, rtol=1e-4)
