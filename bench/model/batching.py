"""Rows of tokens -> padded batches, for training and for scoring."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Sampler

from bench.data.tokens import TokenTable
from bench.errors import RunError
from bench.model.hardware import Hardware

IntArray = npt.NDArray[np.int64]
T = TypeVar("T")
log = logging.getLogger("bench")


def pad(tokens: TokenTable, rows: IntArray, pad_id: int, *, left: bool = False) -> dict[str, torch.Tensor]:
    """Return ``input_ids`` (b, longest row), padded on one side, and ``attention_mask`` if there is any padding."""
    lengths = np.asarray(tokens.lengths[rows], dtype=np.int64)
    columns = np.arange(int(lengths.max()))[None, :] - ((lengths.max() - lengths)[:, None] if left else 0)
    at = np.asarray(tokens.offsets[rows])[:, None] + columns
    if lengths.min() == lengths.max():
        return {"input_ids": torch.from_numpy(tokens.ids[at].astype(np.int64))}
    mask = (columns >= 0) & (columns < lengths[:, None])
    ids = np.where(mask, tokens.ids[np.where(mask, at, 0)], pad_id)
    return {
        "input_ids": torch.from_numpy(ids.astype(np.int64)),
        "attention_mask": torch.from_numpy(mask.astype(np.int64)),
    }


def in_smaller_batches(hardware: Hardware, a_pass: Callable[[Hardware], T]) -> T:
    """Make a pass over rows; if it runs out of memory, start again with half the token budget, down to a row a batch.

    Raises:
        RunError: if even that is too much.
    """
    while True:
        try:
            return a_pass(hardware)
        except torch.OutOfMemoryError as error:
            budget = hardware.token_budget // 2
            if not budget:
                raise RunError(f"out of memory on {hardware.name} even row by row; lower model.max_length") from error
        log.warning("out of memory on %s; trying again with %d tokens a batch", hardware.name, budget)
        hardware = replace(hardware, token_budget=budget)


def length_batches(lengths: IntArray, budget: int, enough: int) -> Iterator[IntArray]:
    """Yield positions in batches of equal length where rows of a length are many, of similar length elsewhere.

    Equal lengths need neither padding nor an attention mask, and give few distinct shapes.

    Args:
        lengths: (n,) tokens of each row.
        budget: padded tokens that a batch may hold.
        enough: a batch that holds this many ends where the length changes; a smaller one takes shorter rows along.

    Yields:
        Positions, longest first, so that a batch that does not fit into memory fails at once and not at the end.
    """
    order = np.argsort(-lengths, kind="stable")
    ordered = lengths[order]
    changes = np.append(np.flatnonzero(np.diff(ordered)) + 1, len(order))
    start = 0
    while start < len(order):
        longest = max(int(ordered[start]), 1)
        full = min(start + max(math.ceil(enough / longest), 1), len(order))
        stop = int(changes[np.searchsorted(changes, full)])
        stop = min(stop, start + max(budget // longest, 1))
        yield order[start:stop]
        start = stop


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
    pads_left: bool = False

    def __call__(self, positions: list[int]) -> dict[str, Any]:
        """Return a batch for the model's forward pass."""
        at = np.asarray(positions)
        batch = pad(self.tokens, self.rows[at], self.pad_id, left=self.pads_left)
        return {**batch, "labels": torch.from_numpy(self.labels[at])}
