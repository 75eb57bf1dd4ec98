"""Distances between embeddings, where they lie and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import torch

_CHUNK = 1024  # rows turned to float32 at a time


def distances_in_chunks(h: torch.Tensor, centres: torch.Tensor, *, unit: bool = False) -> Iterator[torch.Tensor]:
    """Yield the Euclidean distances of all rows to all centres, (chunk, m) float32, chunk after chunk of rows.

    By differences, not by dot products: equal rows are at distance 0, and rounding depends neither on where a row
    stands nor on the global matmul precision.

    Args:
        h: (n, d) rows, of any floating type.
        centres: (m, d), on the same device.
        unit: scale rows and centres to unit length first (a row of zeros stays).
    """
    to = _unit(centres) if unit else centres.float()
    for rows in h.split(_CHUNK):
        at = _unit(rows) if unit else rows.float()
        yield torch.cdist(at, to, compute_mode="donot_use_mm_for_euclid_dist")


def _unit(rows: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(rows.float(), dim=1)
