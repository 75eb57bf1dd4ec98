"""Products and distances of embeddings, where they lie and in bounded memory."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from bench.arrays import FloatArray, IntArray

if TYPE_CHECKING:
    import torch

_CHUNK = 1024  # rows turned to float32 at a time
_GPU_CHUNK = 65_536  # the same where each call costs as much as the products of a thousand rows
_CENTRES = 32  # centres whose distances to all rows are held at a time
_FEW_CENTRES = 8  # up to here differences are faster than products
_ROUNDING = 1e-13  # of |x|^2 + |c|^2, that products in float64 leave of a distance 0


def dot_products(h: torch.Tensor, centre: torch.Tensor | None = None) -> torch.Tensor:
    """Return the dot product of each row with ``centre``, or with itself, at about the price of reading h once.

    On a CPU it takes one thread, and lets others go on meanwhile.
    Summed in float32, row by row: unlike that of ``@``, rounding depends neither on where a row stands nor on global
    flags.

    Args:
        h: (n, d) rows, of any floating type.
        centre: (d,), on the same device.

    Returns:
        (n,) float64, on the device of h.
    """
    import torch

    if h.device.type == "cpu":
        # By NumPy: torch's vecdot writes the products down before it sums them.
        pairs = ((rows.float().numpy(), rows if centre is None else centre) for rows in h.split(_CHUNK))
        return torch.from_numpy(
            np.concatenate([np.vecdot(rows, other.float().numpy()) for rows, other in pairs])
        ).double()
    both = ((rows.float(), rows if centre is None else centre) for rows in h.split(_GPU_CHUNK))
    return torch.cat([torch.linalg.vecdot(rows, other.float()) for rows, other in both]).double()


def pairwise_products(rows: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Return the dot products of few rows (r, d) and few others (o, d), (r, o), as :func:`dot_products` does."""
    import torch

    a, b = rows.float()[:, None], others.float()[None]
    if rows.device.type == "cpu":
        return torch.from_numpy(np.vecdot(a.numpy(), b.numpy())).double()
    products: torch.Tensor = torch.linalg.vecdot(a, b).double()
    return products


def distances_in_chunks(h: torch.Tensor, centres: torch.Tensor, *, unit: bool = False) -> Iterator[torch.Tensor]:
    """Yield the Euclidean distances of all rows to all centres, (chunk, m) float32, chunk after chunk of rows.

    Equal rows are at distance 0, and rounding depends neither on where a row stands nor on the global precision of
    matrix products: a few centres go by differences, more of them by products in float64, which are several times
    faster and exact to float32. There rows closer than 5e-7 of their lengths, which float32 hardly tells apart, are
    at distance 0.

    Args:
        h: (n, d) rows, of any floating type.
        centres: (m, d), on the same device.
        unit: scale rows and centres to unit length first (a row of zeros stays).
    """
    to = _unit(centres) if unit else centres.float()
    between = _by_differences if len(to) <= _FEW_CENTRES else _by_products
    for rows in h.split(_CHUNK):
        yield between(_unit(rows) if unit else rows.float(), to)


def _by_differences(rows: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.cdist(rows, centres, compute_mode="donot_use_mm_for_euclid_dist")


def _by_products(rows: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """Return sqrt(|x|^2 + |c|^2 - 2 x c), where what remains of equal rows is rounding and set to 0."""
    import torch

    a, b = rows.double(), centres.double()
    lengths = a.square().sum(dim=1)[:, None] + b.square().sum(dim=1)
    squares = torch.addmm(lengths, a, b.T, alpha=-2)
    return squares.where(squares > _ROUNDING * lengths, 0).sqrt().float()


def nearest_rows(rows: FloatArray, centres: FloatArray, k: int, priority: FloatArray) -> tuple[IntArray, FloatArray]:
    """Find the k rows nearest to each centre by cosine; exact, in O(n m) time and O(n) memory.

    Written by hand because scikit-learn's and faiss' searches break ties, of which equal texts make many, by place.

    Args:
        rows: (n, e) embeddings.
        centres: (m, e), of the same type.
        k: >= 1; all rows if there are no more.
        priority: (n,); of rows equally near, the smaller one is nearer.

    Returns:
        (m, min(k, n)) row numbers, nearest first, and the Euclidean distances of the rows scaled to unit length.
    """
    import torch

    k, h = min(k, len(rows)), _only_read(rows)
    near, distances = np.empty((len(centres), k), dtype=np.int64), np.empty((len(centres), k), dtype=np.float32)
    for start in range(0, len(centres), _CENTRES):
        part = _only_read(centres[start : start + _CENTRES])
        to_all = torch.cat(list(distances_in_chunks(h, part, unit=True))).T.contiguous().numpy()
        for centre, distance in enumerate(to_all, start):
            inside = np.flatnonzero(distance <= np.partition(distance, k - 1)[k - 1])
            near[centre] = inside[np.lexsort((priority[inside], distance[inside]))[:k]]
            distances[centre] = distance[near[centre]]
    return near, distances


def _unit(rows: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.nn.functional.normalize(rows.float(), dim=1)


def _only_read(rows: FloatArray) -> torch.Tensor:
    """Return an array as a tensor that nobody writes into: of read-only arrays torch warns that one could."""
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(rows)
