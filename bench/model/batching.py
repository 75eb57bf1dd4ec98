"""Rows of tokens -> padded batches, for training and for scoring."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Sampler

from bench.data.tokens import TokenTable

IntArray = npt.NDArray[np.int64]


def pad(tokens: TokenTable, rows: IntArray, pad_id: int) -> dict[str, torch.Tensor]:
    """Return ``input_ids`` and ``attention_mask``, (b, longest row), padded on the right."""
    lengths = np.asarray(tokens.lengths[rows], dtype=np.int64)
    columns = np.arange(int(lengths.max()))
    mask = columns[None, :] < lengths[:, None]
    at = np.where(mask, np.asarray(tokens.offsets[rows])[:, None] + columns[None, :], 0)
    ids = np.where(mask, tokens.ids[at.ravel()].reshape(at.shape), pad_id)
    return {
        "input_ids": torch.from_numpy(ids.astype(np.int64)),
        "attention_mask": torch.from_numpy(mask.astype(np.int64)),
    }


def token_budget_batches(lengths: IntArray, budget: int) -> Iterator[IntArray]:
    """Yield positions in batches of similar length, longest first, each of at most ``budget`` padded tokens.

    Longest first, so that a batch that does not fit into memory fails at once and not at the end.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = max(int(lengths[order[start]]), 1)
        size = max(budget // longest, 1)
        yield order[start : start + size]
        start += size


class EpochSampler(Sampler[list[int]]):
    """Batches of positions, each epoch in an order of its own, drawn from one named stream."""

    def __init__(self, size: int, batch_size: int, rng: np.random.Generator) -> None:
        self.size, self.batch_size, self._rng = size, batch_size, rng

    def __iter__(self) -> Iterator[list[int]]:
        order = self._rng.permutation(self.size)
        for start in range(0, self.size, self.batch_size):
            yield order[start : start + self.batch_size].tolist()

    def __len__(self) -> int:
        return math.ceil(self.size / self.batch_size)


@dataclass(frozen=True)
class Collate:
    """Turns positions of the training set into a padded batch with labels."""

    tokens: TokenTable
    rows: IntArray
    labels: IntArray
    pad_id: int

    def __call__(self, positions: list[int]) -> dict[str, Any]:
        """Return a batch for the model's forward pass."""
        at = np.asarray(positions)
        return {**pad(self.tokens, self.rows[at], self.pad_id), "labels": torch.from_numpy(self.labels[at])}
